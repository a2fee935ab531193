"""A further test set: a folder of images, ``FOLDER/CLASS/*.png``, with the classes of the data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.data.dataset import Dataset, Images
from trainables.data.folder import read_part
from trainables.data.raw import existing
from trainables.errors import InputError


def read_test_folder(folder: Path, data: Dataset, *, key: str) -> Images:
    """The images below ``folder``, in the colours of the data set.

    Colour images become grey where the data is grey, and grey ones RGB where it is not.

    Args:
        folder: one folder a class, each named as a class of ``data``; some classes may be missing.
        data: the data set.
        key: the setting that names the folder, for messages.

    Raises:
        InputError: there is no such folder, a class or a size is not the data's, or a file is no image.
    """
    channels, height, width = data.image
    try:
        files = read_part(existing(folder), list(data.class_names))
    except InputError as error:
        raise InputError(str(error).replace("data.path", key, 1)) from error
    pixels = np.empty((len(files), channels, height, width), dtype=np.uint8)
    for row, (file, image, _) in enumerate(files):
        if image.shape[:2] != (height, width):
            raise InputError(
                f"{key}: images must be {width} x {height}, as the data's, "
                f"got {image.shape[1]} x {image.shape[0]} in {file}. Resize them."
            )
        planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        if channels == 1 and len(planes) == 3:
            planes = _grey(planes)
        pixels[row] = planes
    labels = torch.tensor([label for _, _, label in files], dtype=torch.int64)
    return Images(pixels=torch.from_numpy(pixels), labels=labels)


def _grey(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """ITU-R 601 luma, as Pillow's mode L."""
    red, green, blue = planes.astype(np.uint32)
    luma: NDArray[np.uint32] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return luma.astype(np.uint8)[None]
