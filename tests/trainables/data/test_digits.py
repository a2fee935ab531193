import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainables.data import Dataset, load_data
from trainables.data.digits import read


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_data("digits", path=None, val_fraction=0.2, split_seed=0)


def test_the_parts_have_the_documented_sizes(digits: Dataset) -> None:
    assert (len(digits.train), len(digits.validation), len(digits.test)) == (1150, 287, 360)
    assert (digits.image, digits.classes, digits.pad, digits.flip) == ((1, 8, 8), 10, 1, False)


def test_the_images_are_those_of_scikit_learn_scaled_to_bytes() -> None:
    raw, ours = load_digits(), read()
    pixels = np.concatenate([ours.train.pixels, ours.test.pixels]).reshape(-1, 64).astype(int)
    theirs = (255 * raw.images.reshape(-1, 64) + 8) // 16
    assert pixels.min() == 0
    assert pixels.max() == 255
    rows = np.column_stack([pixels, np.concatenate([ours.train.labels, ours.test.labels])])
    expected = np.column_stack([theirs, raw.target]).astype(int)
    assert sorted(map(tuple, rows)) == sorted(map(tuple, expected))


def test_the_test_set_does_not_depend_on_the_split(digits: Dataset) -> None:
    other = load_data("digits", path=None, val_fraction=0.1, split_seed=7)
    assert other.test.pixels.equal(digits.test.pixels)
    assert other.test.labels.bincount().tolist() == [36, 37, 35, 37, 36, 36, 36, 36, 35, 36]


def test_the_address_is_the_same_for_ever(digits: Dataset) -> None:
    assert digits.address == "fa75e89c745455a612aa146ef739e077b870dfa9e6421972d6ce42d74eb5bdf1"
