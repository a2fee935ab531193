"""A folder of images: ``PATH/train/CLASS/*.png``, ``PATH/test/CLASS/*.png``, optionally ``PATH/val``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trainables.data.raw import Part, RawImages, existing
from trainables.errors import InputError
from trainables.pulse import PULSE

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".pgm")


def read(path: Path) -> RawImages:
    """All images below ``path``, ordered by class, then by file name; classes are ordered by name.

    Files with another ending than ``ENDINGS``, hidden files and folders, and folders within a class are
    left out. Grey images are kept grey where all are; else all become RGB, without transparency.

    Raises:
        InputError: A folder is missing or empty, test or val have a class that train lacks, an image
            can't be read, has more than 8 bits a channel, or is not of the size of the first.
    """
    names = _classes(existing(path) / "train")
    sets = {"train": read_part(path / "train", names), "test": read_part(path / "test", names)}
    if (path / "val").is_dir():
        sets["val"] = read_part(path / "val", names)
    _check_sizes(sets)
    grey = all(image.ndim == 2 for files in sets.values() for _, image, _ in files)
    parts = {name: _part(files, grey) for name, files in sets.items()}
    return RawImages(
        train=parts["train"], test=parts["test"], validation=parts.get("val"), class_names=tuple(names)
    )


_File = tuple[Path, NDArray[np.uint8], int]  # where, pixels (H, W) or (H, W, 3), class


def _classes(part: Path) -> list[str]:
    if not part.is_dir():
        raise InputError(
            f"data.path: must hold {part.name}/CLASS/*.png, got no folder {part}. Give the folder above it."
        )
    names = sorted(p.name for p in part.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not names:
        raise InputError(f"data.path: {part} must hold a folder for every class, got none.")
    return names


def read_part(part: Path, names: list[str]) -> list[_File]:
    """Images of a folder of classes, each of which is among ``names``: (file, pixels, class)."""
    files: list[_File] = []
    for name in _classes(part):
        if name not in names:
            raise InputError(
                f"data.path: classes of {part} must be among the training classes, got {name!r}. "
                f"Add train/{name}, or take {part / name} away."
            )
        found = [
            (file, _read_image(file), names.index(name))
            for file in sorted((part / name).iterdir())
            if file.suffix.lower() in ENDINGS and not file.name.startswith(".")
        ]
        if not found:
            raise InputError(
                f"data.path: every class needs images ({', '.join(ENDINGS)}), got none in {part / name}."
            )
        files += found
    return files


def _read_image(file: Path) -> NDArray[np.uint8]:
    PULSE.beat()
    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise InputError(
                    f"data.path: images must have 8 bits a channel, got mode {image.mode} in {file}."
                )
            return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(
            f"data.path: {file} can't be read as an image. Repair it, or take it away."
        ) from error


def _check_sizes(sets: dict[str, list[_File]]) -> None:
    first, pixels, _ = sets["train"][0]
    height, width = pixels.shape[:2]
    for files in sets.values():
        for file, image, _ in files:
            if image.shape[:2] != (height, width):
                raise InputError(
                    f"data.path: all images must have one size, got {width} x {height} in {first} "
                    f"and {image.shape[1]} x {image.shape[0]} in {file}. Resize them."
                )


def _part(files: list[_File], grey: bool) -> Part:
    height, width = files[0][1].shape[:2]
    pixels = np.empty((len(files), 1 if grey else 3, height, width), dtype=np.uint8)
    for row, (_, image, _) in enumerate(files):
        pixels[row] = image if image.ndim == 2 else image.transpose(2, 0, 1)
    return Part(pixels=pixels, labels=np.array([label for _, _, label in files], dtype=np.int64))
