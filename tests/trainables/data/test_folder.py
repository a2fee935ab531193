from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainables.data.folder import read
from trainables.errors import InputError

WriteFolder = Callable[..., Path]


def test_images_come_by_class_then_by_name(write_folder: WriteFolder) -> None:
    path = write_folder()
    raw = read(path)
    assert raw.class_names == ("cat", "dog")
    assert raw.train.labels.tolist() == [0] * 5 + [1] * 5
    assert raw.train.pixels.shape == (10, 3, 9, 10)
    with Image.open(path / "train" / "dog" / "3.png") as image:
        assert np.array_equal(raw.train.pixels[8], np.asarray(image).transpose(2, 0, 1))
    assert raw.validation is None


def test_a_val_folder_is_the_validation_set(write_folder: WriteFolder) -> None:
    raw = read(write_folder(parts=("train", "val", "test")))
    assert raw.validation is not None
    assert len(raw.validation.labels) == 10


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("1", 1), ("P", 3), ("RGBA", 3)])
def test_images_are_grey_only_where_all_are(write_folder: WriteFolder, mode: str, channels: int) -> None:
    assert read(write_folder(mode=mode)).train.pixels.shape == (10, channels, 9, 10)


def test_one_colour_image_makes_all_rgb(write_folder: WriteFolder) -> None:
    path = write_folder(mode="L")
    Image.new("RGB", (10, 9), (1, 2, 3)).save(path / "test" / "dog" / "9.png")
    raw = read(path)
    assert raw.test.pixels[-1, :, 0, 0].tolist() == [1, 2, 3]
    assert (raw.train.pixels[:, :1] == raw.train.pixels).all()


def test_other_and_hidden_files_are_left_out(write_folder: WriteFolder) -> None:
    path = write_folder()
    (path / "train" / "dog" / "notes.txt").write_text("x")
    (path / "train" / "dog" / "._0.png").write_text("x")
    (path / "train" / ".cache").mkdir()
    assert len(read(path).train.labels) == 10


def test_a_test_set_may_lack_a_class_but_not_add_one(write_folder: WriteFolder) -> None:
    path = write_folder()
    (path / "test" / "cat").rename(path / "spare")
    assert read(path).test.labels.tolist() == [1] * 5
    (path / "spare").rename(path / "test" / "cow")
    with pytest.raises(
        InputError, match=r"data.path: classes of .*test must be among .* got 'cow'. Add train/cow"
    ):
        read(path)


def test_the_first_image_of_another_size_is_named(write_folder: WriteFolder) -> None:
    path = write_folder()
    Image.new("RGB", (4, 7)).save(path / "test" / "cat" / "2.png")
    with pytest.raises(
        InputError, match=r"one size, got 10 x 9 in .*cat/0.png and 4 x 7 in .*test/cat/2.png"
    ):
        read(path)


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_an_image_that_can_not_be_read_is_named(write_folder: WriteFolder, keep: int) -> None:
    path = write_folder()
    file = path / "train" / "cat" / "4.png"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"data.path: .*train/cat/4.png can't be read as an image"):
        read(path)


def test_images_of_sixteen_bits_are_refused(write_folder: WriteFolder) -> None:
    path = write_folder()
    Image.new("I;16", (10, 9)).save(path / "train" / "cat" / "0.png")
    with pytest.raises(
        InputError, match=r"data.path: images must have 8 bits a channel, got mode I;16 in .*0.png"
    ):
        read(path)


def test_missing_and_empty_folders_are_named(write_folder: WriteFolder, tmp_path: Path) -> None:
    path = write_folder(parts=("train",))
    with pytest.raises(
        InputError, match=r"data.path: must hold test/CLASS/\*.png, got no folder .*pets/test"
    ):
        read(path)
    with pytest.raises(InputError, match=r"data.path: must exist, got .*pet. Did you mean .*pets\?"):
        read(tmp_path / "pet")
    (path / "test" / "cat").mkdir(parents=True)
    with pytest.raises(InputError, match=r"data.path: every class needs images .* got none in .*test/cat"):
        read(path)
    (path / "test" / "cat").rmdir()
    with pytest.raises(InputError, match=r"data.path: .*test must hold a folder for every class, got none"):
        read(path)
