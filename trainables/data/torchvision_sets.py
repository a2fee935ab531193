"""torchvision's CIFAR10, CIFAR100, MNIST, FashionMNIST and SVHN, with their official splits.

torchvision reads the files, and checks the MD5 sums of CIFAR's and SVHN's: CIFAR's are pickles.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torchvision import datasets

from trainables.data.raw import Part, RawImages, existing
from trainables.data.sources import DOWNLOADS
from trainables.errors import InputError


def read(name: str, path: Path | None, *, download: bool) -> RawImages:
    """The set called ``name`` in torchvision, from the folder ``path`` (None: ``data``).

    Raises:
        InputError: The set is not there and may not be downloaded, or the download failed.
    """
    root = DOWNLOADS if path is None else path if download else existing(path)
    train, test = (_open(name, root, train=train, download=download) for train in (True, False))
    names = train.classes if name != "SVHN" else "0123456789"
    return RawImages(train=_part(train), test=_part(test), class_names=tuple(names))


def _open(name: str, root: Path, *, train: bool, download: bool) -> Any:
    split = {"split": "train" if train else "test"} if name == "SVHN" else {"train": train}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return getattr(datasets, name)(root=root, download=download, **split)
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if download:
            raise InputError(
                f"data.download: {name} could not be downloaded to {root}, got: {reason}. "
                "Check the network, or give data.path: the folder that holds it."
            ) from error
        mend = "Give data.download: true, or the folder that holds it."
        if "not found" in reason:
            raise InputError(f"data.path: {name} is not in {root}. {mend}") from error
        raise InputError(f"data.path: {name} in {root} can't be read: {reason}. {mend}") from error


def _part(images: Any) -> Part:
    pixels: NDArray[np.uint8] = np.asarray(images.data)
    if pixels.ndim == 3:
        pixels = pixels[:, None]
    elif pixels.shape[-1] == 3:
        pixels = pixels.transpose(0, 3, 1, 2)
    labels = images.labels if hasattr(images, "labels") else images.targets
    return Part(pixels=pixels, labels=np.asarray(labels, dtype=np.int64))
