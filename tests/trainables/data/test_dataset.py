from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.data import Dataset, load_data
from trainables.data.dataset import statistics, trained_on_all, validated_on_test
from trainables.errors import InputError

WriteNpz = Callable[..., Path]


def load(path: Path, **changed: object) -> Dataset:
    settings = {"path": path, "val_fraction": 0.2, "split_seed": 0} | changed
    return load_data("npz", **settings)  # type: ignore[arg-type]


def test_the_parts_are_bytes_channels_first_and_contiguous(write_npz: WriteNpz) -> None:
    data = load(write_npz())
    for part, n in ((data.train, 32), (data.validation, 8), (data.test, 8)):
        assert (part.pixels.dtype, part.labels.dtype, len(part)) == (torch.uint8, torch.int64, n)
        assert part.pixels.shape == (n, 3, 12, 10)
        assert part.pixels.is_contiguous()
    assert (data.image, data.classes, data.class_names) == ((3, 12, 10), 4, ("0", "1", "2", "3"))


def test_the_address_follows_content_and_split_alone(write_npz: WriteNpz) -> None:
    path = write_npz()
    address = load(path).address
    assert len(address) == 64
    assert load(path.rename(path.with_name("moved.npz"))).address == address
    assert load(write_npz(), pad=3, flip=False).address == address
    assert load(write_npz(), split_seed=1).address != address
    assert load(write_npz(), val_fraction=0.3).address != address
    with np.load(write_npz()) as archive:
        images, labels = archive["train_images"], archive["test_labels"]
    images[0, 0, 0, 0] ^= 1
    labels[0] = 3
    assert load(write_npz(train_images=images)).address != address
    assert load(write_npz(test_labels=labels)).address != address


def test_null_takes_the_validation_set_that_is_shipped(write_npz: WriteNpz) -> None:
    images = np.full((4, 12, 10, 3), 9, dtype=np.uint8)
    path = write_npz(val_images=images, val_labels=np.arange(4))
    data = load(path, val_fraction=None)
    assert (len(data.train), len(data.validation)) == (40, 4)
    assert (data.validation.pixels == 9).all()


def test_a_fraction_is_taken_of_shipped_training_and_validation_images_together(write_npz: WriteNpz) -> None:
    images = np.full((4, 12, 10, 3), 9, dtype=np.uint8)
    data = load(write_npz(val_images=images, val_labels=np.arange(4)), val_fraction=0.5)
    assert (len(data.train), len(data.validation)) == (22, 22)
    nines = sum(int((part.pixels == 9).all(dim=(1, 2, 3)).sum()) for part in (data.train, data.validation))
    assert nines == 4


def test_null_without_a_shipped_validation_set_is_refused(write_npz: WriteNpz) -> None:
    with pytest.raises(InputError, match=r"data.val_fraction: may be null only .* got null for .*set.npz"):
        load(write_npz(), val_fraction=None)


def test_statistics_are_those_of_pixels_over_255() -> None:
    pixels = torch.randint(
        0, 256, (1500, 3, 5, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    mean, std = statistics(pixels)
    exact = pixels.double() / 255
    assert mean == pytest.approx(exact.mean((0, 2, 3)).tolist(), rel=1e-12)
    assert std == pytest.approx(exact.std((0, 2, 3), correction=0).tolist(), rel=1e-12)


def test_a_channel_without_variation_is_refused() -> None:
    pixels = torch.stack(
        [torch.arange(4, dtype=torch.uint8).view(2, 2), torch.full((2, 2), 7, dtype=torch.uint8)]
    )
    with pytest.raises(InputError, match=r"data.path: channel 1 of the training images must vary, got 7"):
        statistics(pixels[None])


@pytest.mark.parametrize(("side", "pad"), [(7, 0), (8, 1), (28, 3), (32, 4), (64, 4)])
def test_an_unknown_size_is_shifted_by_an_eighth_and_at_most_four(
    write_npz: WriteNpz, side: int, pad: int
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, side, side), dtype=np.uint8)
    data = load(write_npz(train_images=images, test_images=images[:8]))
    assert (data.pad, data.flip) == (pad, True)


@pytest.mark.parametrize("pad", [-1, 10])
def test_a_pad_out_of_range_is_refused(write_npz: WriteNpz, pad: int) -> None:
    with pytest.raises(InputError, match=rf"data.pad: 0 to 9 pixels .* shorter side is 10, got {pad}"):
        load(write_npz(), pad=pad)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "cifar1000"}, r"data.source: one of .* got cifar1000. Did you mean cifar100\?"),
        ({"source": "npz"}, r"data.path: must be given for data.source npz, got none"),
        ({"source": "digits", "path": Path("x")}, r"data.path: has no effect on data.source digits, got x"),
        (
            {"source": "digits", "download": True},
            r"data.download: has no effect on data.source digits, got true",
        ),
        (
            {"source": "digits", "val_fraction": 20},
            r"data.val_fraction: a fraction above 0 and below 1, got 20",
        ),
    ],
)
def test_settings_that_do_not_fit_the_source_are_refused(settings: dict[str, object], message: str) -> None:
    everything: dict[str, object] = {"path": None, "val_fraction": 0.2, "split_seed": 0} | settings
    with pytest.raises(InputError, match=message):
        load_data(**everything)  # type: ignore[arg-type]


def test_where_all_training_images_were_seen_halves_of_the_test_set_validate_and_test(
    write_npz: WriteNpz,
) -> None:
    images = np.arange(8 * 12 * 10 * 3, dtype=np.uint32).astype(np.uint8).reshape(8, 12, 10, 3)
    data = load(write_npz(test_images=images))
    seen = validated_on_test(data, seed=0)
    assert (len(seen.train), len(seen.validation), len(seen.test)) == (40, 4, 4)
    for half in (seen.validation, seen.test):
        assert sorted(half.labels.tolist()) == [0, 1, 2, 3]
        assert half.pixels.is_contiguous()
    rows = {bytes(image.numpy().tobytes()) for half in (seen.validation, seen.test) for image in half.pixels}
    assert rows == {bytes(image.numpy().tobytes()) for image in data.test.pixels}
    assert torch.equal(seen.train.pixels[:32], data.train.pixels)
    assert (seen.mean, seen.std, seen.class_names, seen.pad) == (
        data.mean,
        data.std,
        data.class_names,
        data.pad,
    )


def test_the_halves_are_the_seeds_alone_and_in_the_address(write_npz: WriteNpz) -> None:
    data = load(write_npz())
    one, same, other = (validated_on_test(data, seed=seed) for seed in (0, 0, 1))
    assert one.address == same.address
    assert len({one.address, other.address, data.address}) == 3
    assert torch.equal(one.test.pixels, same.test.pixels)
    assert not torch.equal(one.test.pixels, other.test.pixels)


def test_a_single_test_image_of_a_class_cant_be_on_both_sides(write_npz: WriteNpz) -> None:
    data = load(write_npz(test_labels=np.array([0, 0, 1, 1, 2, 3, 3, 3])))
    message = (
        r"^trained_on: train validates on one half .* at least 2 test images .*, got 1 of class '2'\. Add"
    )
    with pytest.raises(InputError, match=message):
        validated_on_test(data, seed=0)
    pairs = load(write_npz(test_labels=np.array([0, 0, 1, 1, 2, 2, 3, 3])))
    assert len(validated_on_test(pairs, seed=0).test) == 4


def test_with_the_validation_images_trained_on_none_are_left_to_validate(write_npz: WriteNpz) -> None:
    data = load(write_npz())
    whole = trained_on_all(data)
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (40, 0, 8)
    assert torch.equal(whole.train.pixels, torch.cat([data.train.pixels, data.validation.pixels]))
    assert torch.equal(whole.train.labels, torch.cat([data.train.labels, data.validation.labels]))
    assert whole.test is data.test
    assert (whole.mean, whole.std, whole.image) == (data.mean, data.std, data.image)
    assert whole.address != data.address
    assert trained_on_all(data).address == whole.address
