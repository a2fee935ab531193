"""scikit-learn's digits: 1,797 real 8 x 8 images of handwritten digits, in the package itself.

From the test set of the UCI Optical Recognition of Handwritten Digits (Alpaydin and Kaynak, 1998).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from trainables.data.raw import Part, RawImages
from trainables.data.split import stratified
from trainables.errors import InputError

TEST_FRACTION = 360 / 1797
TEST_SEED = 1797


def read() -> RawImages:
    """All digits, 1,437 to train on and a fixed, stratified test set of 360.

    A pixel is a level from 0 to 16, written as uint8 ``(255 * level + 8) // 16``: 0 is 0 and 16 is 255.
    The file is read where scikit-learn keeps it, with the numbers of ``sklearn.datasets.load_digits`` (a
    test compares them): importing ``sklearn.datasets`` costs three seconds a process.

    Raises:
        InputError: scikit-learn is not installed, or keeps the file no longer there.
    """
    spec = find_spec("sklearn")
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else Path()
    file = folder / "datasets" / "data" / "digits.csv.gz"
    if not file.is_file():
        raise InputError(
            f"data.source: digits needs scikit-learn's file, got none at {file}. Install scikit-learn."
        )
    table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    pixels = ((255 * table[:, :64] + 8) // 16).astype(np.uint8).reshape(-1, 1, 8, 8)
    labels = table[:, 64]
    train, test = stratified(labels, TEST_FRACTION, TEST_SEED)
    return RawImages(
        train=Part(pixels=pixels[train], labels=labels[train]),
        test=Part(pixels=pixels[test], labels=labels[test]),
        class_names=tuple("0123456789"),
    )
