from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainables.data.npz import read
from trainables.data.raw import checked
from trainables.errors import InputError

WriteNpz = Callable[..., Path]


def test_colour_images_are_turned_to_channels_first(write_npz: WriteNpz) -> None:
    path = write_npz()
    raw = read(path)
    with np.load(path) as archive:
        assert np.array_equal(raw.train.pixels.transpose(0, 2, 3, 1), archive["train_images"])
        assert np.array_equal(raw.test.labels, archive["test_labels"][:, 0])
    assert raw.class_names == ("0", "1", "2", "3")
    assert raw.validation is None


def test_grey_images_get_one_channel(write_npz: WriteNpz) -> None:
    grey = np.zeros((40, 7, 5), dtype=np.uint8)
    assert read(write_npz(train_images=grey)).train.pixels.shape == (40, 1, 7, 5)
    assert read(write_npz(train_images=grey[..., None])).train.pixels.shape == (40, 1, 7, 5)


def test_flat_labels_are_read_too(write_npz: WriteNpz) -> None:
    labels = np.arange(40, dtype=np.int32) % 4
    assert read(write_npz(train_labels=labels)).train.labels.tolist() == labels.tolist()


def test_a_validation_set_of_its_own_is_read(write_npz: WriteNpz) -> None:
    images, labels = np.ones((4, 12, 10, 3), dtype=np.uint8), np.arange(4)
    raw = read(write_npz(val_images=images, val_labels=labels))
    assert raw.validation is not None
    assert raw.validation.labels.tolist() == [0, 1, 2, 3]


def test_a_missing_file_is_named_with_its_nearest_neighbour(write_npz: WriteNpz) -> None:
    path = write_npz("pathmnist.npz")
    with pytest.raises(
        InputError, match=r"data.path: must exist, got .*pathmist.npz. Did you mean .*pathmnist.npz\?"
    ):
        read(path.with_name("pathmist.npz"))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data.path: must be an .npz file, got .*a.npz"):
        read(path)


def test_a_folder_and_a_bare_array_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"data.path: must be an .npz file, got one bare array in .*a.npy"):
        read(tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"data.path: must be an .npz file, got "):
        read(tmp_path)


def test_a_flipped_byte_is_noticed(write_npz: WriteNpz) -> None:
    path = write_npz()
    content = bytearray(path.read_bytes())
    content[3000] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"data.path: train_images of .*set.npz can't be read: Bad CRC-32"):
        read(path)


def test_python_objects_are_refused(write_npz: WriteNpz) -> None:
    path = write_npz(test_images=np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"data.path: test_images of .* can't be read: Object arrays"):
        read(path)


@pytest.mark.parametrize("key", ["train_images", "train_labels", "test_images", "test_labels"])
def test_a_missing_array_is_named(write_npz: WriteNpz, key: str) -> None:
    with pytest.raises(InputError, match=rf"data.path: .*set.npz must hold {key}, got t"):
        read(write_npz(leave_out=(key,)))


def test_validation_images_without_labels_are_refused(write_npz: WriteNpz) -> None:
    with pytest.raises(InputError, match=r"must hold val_labels, got .*val_images"):
        read(write_npz(val_images=np.zeros((4, 12, 10, 3), dtype=np.uint8)))


@pytest.mark.parametrize(
    ("key", "array", "message"),
    [
        ("train_images", np.zeros((40, 12, 10, 3)), r"uint8 .* got float64 \(40, 12, 10, 3\)"),
        ("train_images", np.zeros((40, 28, 28, 28), np.uint8), r"uint8 .* got uint8 \(40, 28, 28, 28\)"),
        ("test_labels", np.zeros((8, 14), np.uint8), r"integers .* one class an image, got uint8 \(8, 14\)"),
        ("test_labels", np.zeros(8), r"integers .* got float64 \(8,\)"),
        ("test_labels", np.zeros(7, np.uint8), r"test_images and test_labels .* equally many, got 8 and 7"),
    ],
)
def test_an_array_of_another_kind_is_refused(
    write_npz: WriteNpz, key: str, array: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=rf"data.path: .*{message}"):
        read(write_npz(**{key: array}))


def test_a_label_far_out_of_range_is_named_at_once(write_npz: WriteNpz) -> None:
    labels = np.arange(40, dtype=np.int64) % 4
    labels[7] = 10**15
    with pytest.raises(
        InputError, match=r"data.path: labels of x must be 0 to 39, .* got 1000000000000000 in train"
    ):
        checked(read(write_npz(train_labels=labels)), "x")


def test_images_without_pixels_are_refused(write_npz: WriteNpz) -> None:
    with pytest.raises(
        InputError, match=r"data.path: every part needs images, got none in the train part of x"
    ):
        checked(read(write_npz(train_images=np.zeros((40, 0, 10), np.uint8))), "x")
