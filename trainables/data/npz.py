"""MedMNIST-style ``.npz`` files (Yang et al. 2023, "MedMNIST v2").

``train_images`` and ``test_images`` uint8 (N, H, W), (N, H, W, 1) or (N, H, W, 3), ``train_labels`` and
``test_labels`` integers (N,) or (N, 1), counted from 0; optionally ``val_images`` and ``val_labels``.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from trainables.data.raw import Part, RawImages, existing
from trainables.errors import InputError

_UNREADABLE = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)


def read(path: Path) -> RawImages:
    """All parts of the file; class names are "0", "1", ... up to the largest training label.

    Nothing is unpickled: a file with Python objects in it is refused.

    Raises:
        InputError: The file is missing, is no ``.npz``, or an array is missing or of another kind.
    """
    try:
        with existing(path).open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, NpzFile):
                raise InputError(
                    f"data.path: must be an .npz file, got one bare array in {path}. Use numpy.savez."
                )
            train, test = _part(archive, path, "train"), _part(archive, path, "test")
            has_validation = "val_images" in archive.files or "val_labels" in archive.files
            validation = _part(archive, path, "val") if has_validation else None
    except InputError:
        raise
    except _UNREADABLE as error:
        raise InputError(f"data.path: must be an .npz file, got {path}: {_line(error)}.") from error
    # More classes than images can't be: `checked` then names the label, and no long tuple is made before.
    classes = min(int(train.labels.max(initial=-1)) + 1, len(train.labels))
    return RawImages(
        train=train, validation=validation, test=test, class_names=tuple(str(c) for c in range(classes))
    )


def _part(archive: NpzFile, path: Path, name: str) -> Part:
    images, labels = _array(archive, path, f"{name}_images"), _array(archive, path, f"{name}_labels")
    grey = images.ndim == 3
    if images.dtype != np.uint8 or not (grey or (images.ndim == 4 and images.shape[3] in (1, 3))):
        raise InputError(
            f"data.path: {name}_images of {path} must be uint8 (N, H, W) or (N, H, W, 1 or 3), "
            f"got {images.dtype} {images.shape}."
        )
    if labels.dtype.kind not in "iu" or not (labels.ndim == 1 or (labels.ndim == 2 and labels.shape[1] == 1)):
        raise InputError(
            f"data.path: {name}_labels of {path} must be integers (N,) or (N, 1), one class an image, "
            f"got {labels.dtype} {labels.shape}."
        )
    if len(images) != len(labels):
        raise InputError(
            f"data.path: {name}_images and {name}_labels of {path} must be equally many, "
            f"got {len(images)} and {len(labels)}."
        )
    pixels = images[:, None] if grey else images.transpose(0, 3, 1, 2)
    return Part(pixels=pixels, labels=labels.reshape(-1).astype(np.int64))


def _array(archive: NpzFile, path: Path, key: str) -> np.ndarray:
    if key not in archive.files:
        found = ", ".join(archive.files) or "nothing"
        raise InputError(f"data.path: {path} must hold {key}, got {found}.")
    try:
        array = archive[key]
    except _UNREADABLE as error:
        raise InputError(f"data.path: {key} of {path} can't be read: {_line(error)}.") from error
    if not isinstance(array, np.ndarray):  # numpy gives the bytes of what is no array
        raise InputError(f"data.path: {key} of {path} can't be read: it is no array. Use numpy.savez.")
    return array


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
