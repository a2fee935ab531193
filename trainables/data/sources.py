"""The sources of images that ``data.source`` can name, with the defaults of each. No torch here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainables.data.raw import RawImages

DOWNLOADS = Path("data")
"""Where torchvision's sets are unless ``data.path`` says otherwise."""
Read = Callable[[Path | None, bool], "RawImages"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A source of images.

    Attributes:
        label: What people call it, for messages and reports.
        read: ``read(path, download)`` gives the images; its module is imported only then.
        files: What it reads below ``data.path``, files or whole folders; "" is the path itself.
        takes_path: Whether ``data.path`` means anything: a file or folder, or the torchvision root.
        needs_path: Whether it must be given.
        downloads: Whether ``data.download`` means anything.
        pad: Default pixels of black around an image before the random crop. None: an eighth of the
            shorter side, at most 4.
        flip: Whether images are mirrored at random by default.
        mean: Official mean of each channel of pixel / 255. None: measured on the training images.
        std: The standard deviation that goes with it.
    """

    label: str
    read: Read
    files: tuple[str, ...] = ()
    takes_path: bool = True
    needs_path: bool = False
    downloads: bool = False
    pad: int | None = None
    flip: bool = False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def _digits(path: Path | None, download: bool) -> RawImages:
    from trainables.data.digits import read

    return read()


def _torchvision(name: str, path: Path | None, download: bool) -> RawImages:
    from trainables.data.torchvision_sets import read

    return read(name, path, download=download)


def _npz(path: Path | None, download: bool) -> RawImages:
    from trainables.data.npz import read

    assert path is not None
    return read(path)


def _folder(path: Path | None, download: bool) -> RawImages:
    from trainables.data.folder import read

    assert path is not None
    return read(path)


# Crop of 4 and flip for CIFAR: network-slimming's main.py and DIST's image_classification_sota alike.
# CIFAR-100's statistics are DIST's (network-slimming normalises CIFAR-100 with CIFAR-10's numbers).
# Digits and house numbers are not flipped: a mirrored 2 is no 2. Shifts of 28 x 28 images stay at 2.
SOURCES: dict[str, Source] = {
    "digits": Source(label="scikit-learn's digits", read=_digits, takes_path=False, pad=1),
    "cifar10": Source(
        label="CIFAR-10",
        read=partial(_torchvision, "CIFAR10"),
        files=("cifar-10-batches-py",),
        downloads=True,
        pad=4,
        flip=True,
        mean=(0.4914, 0.4822, 0.4465),
        std=(0.2023, 0.1994, 0.2010),
    ),
    "cifar100": Source(
        label="CIFAR-100",
        read=partial(_torchvision, "CIFAR100"),
        files=("cifar-100-python",),
        downloads=True,
        pad=4,
        flip=True,
        mean=(0.5071, 0.4867, 0.4408),
        std=(0.2675, 0.2565, 0.2761),
    ),
    "mnist": Source(
        label="MNIST", read=partial(_torchvision, "MNIST"), files=("MNIST/raw",), downloads=True, pad=2
    ),
    "fashion_mnist": Source(
        label="Fashion-MNIST",
        read=partial(_torchvision, "FashionMNIST"),
        files=("FashionMNIST/raw",),
        downloads=True,
        pad=2,
        flip=True,
    ),
    "svhn": Source(
        label="SVHN",
        read=partial(_torchvision, "SVHN"),
        files=("train_32x32.mat", "test_32x32.mat"),
        downloads=True,
        pad=4,
    ),
    "npz": Source(label="an .npz file as MedMNIST's", read=_npz, files=("",), needs_path=True, flip=True),
    "folder": Source(label="a folder of images", read=_folder, files=("",), needs_path=True, flip=True),
}
