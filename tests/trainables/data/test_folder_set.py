from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data import Dataset, load_data
from trainables.data.folder_set import read_test_folder
from trainables.errors import InputError

KEY = "evaluate.test_sets.folders.mine"


@pytest.fixture
def data(write_folder: Callable[..., Path]) -> Callable[..., Dataset]:
    """A data set of dogs and cats, 10 pixels wide and 9 high."""

    def load(**written: str) -> Dataset:
        return load_data("folder", path=write_folder(**written), val_fraction=0.4, split_seed=0)

    return load


def write(folder: Path, name: str, pixels: np.ndarray, mode: str | None = None) -> Path:
    (folder / name).mkdir(parents=True, exist_ok=True)
    file = folder / name / f"{len(list((folder / name).iterdir()))}.png"
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file)
    return file


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_images_keep_their_pixels_and_the_data_sets_labels(
    data: Callable[..., Dataset], tmp_path: Path
) -> None:
    pixels = random(9, 10, 3)
    write(tmp_path / "mine", "dog", pixels)
    write(tmp_path / "mine", "dog", pixels)
    images = read_test_folder(tmp_path / "mine", data(), key=KEY)  # no cats: a class may be missing
    assert images.labels.tolist() == [1, 1]
    assert images.pixels.shape == (2, 3, 9, 10)
    assert torch.equal(images.pixels[0], torch.from_numpy(pixels).permute(2, 0, 1))


def test_grey_images_become_colour_where_the_data_is(data: Callable[..., Dataset], tmp_path: Path) -> None:
    pixels = random(9, 10)
    write(tmp_path / "mine", "cat", pixels)
    images = read_test_folder(tmp_path / "mine", data(), key=KEY)
    assert all(torch.equal(plane, torch.from_numpy(pixels)) for plane in images.pixels[0])


def test_colour_images_become_grey_as_pillow_makes_them(data: Callable[..., Dataset], tmp_path: Path) -> None:
    pixels = random(9, 10, 3)
    write(tmp_path / "mine", "cat", pixels)
    images = read_test_folder(tmp_path / "mine", data(mode="L"), key=KEY)
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    assert torch.equal(images.pixels[0, 0], torch.from_numpy(grey.copy()))


def test_images_of_another_size_are_refused_with_both_sizes(
    data: Callable[..., Dataset], tmp_path: Path
) -> None:
    file = write(tmp_path / "mine", "cat", random(12, 11, 3))
    with pytest.raises(
        InputError,
        match=rf"^{KEY}: images must be 10 x 9, as the data's, got 11 x 12 in .*{file.name}\. Resize them\.",
    ):
        read_test_folder(tmp_path / "mine", data(), key=KEY)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("bird", rf"^{KEY}: classes of .*mine must be among the training classes, got 'bird'\."),
        (None, rf"^{KEY}: must exist, got .*mine\."),
    ],
)
def test_what_is_no_such_folder_is_told_by_the_setting_that_names_it(
    data: Callable[..., Dataset], tmp_path: Path, name: str | None, match: str
) -> None:
    if name is not None:
        write(tmp_path / "mine", name, random(9, 10, 3))
    with pytest.raises(InputError, match=match):
        read_test_folder(tmp_path / "mine", data(), key=KEY)


def test_a_file_that_is_no_image_is_told(data: Callable[..., Dataset], tmp_path: Path) -> None:
    write(tmp_path / "mine", "cat", random(9, 10, 3)).write_bytes(b"no image")
    with pytest.raises(InputError, match=rf"^{KEY}: .*0\.png"):
        read_test_folder(tmp_path / "mine", data(), key=KEY)
