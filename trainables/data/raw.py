"""What a source reads, before it is split: NumPy arrays and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainables.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Part:
    """Images of one part of a data set: pixels uint8 (N, C, H, W), any strides; labels int64 (N,)."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RawImages:
    """A whole data set as its source has it; ``validation`` only where the source ships its own."""

    train: Part
    test: Part
    class_names: tuple[str, ...]
    validation: Part | None = None


def existing(path: Path) -> Path:
    """The path itself where something is there.

    Raises:
        InputError: Nothing is there; the message names the most similar neighbour, if there is one.
    """
    if path.exists():
        return path
    siblings = sorted(p.name for p in path.parent.iterdir()) if path.parent.is_dir() else []
    near = get_close_matches(path.name, siblings, n=1)
    mend = f"Did you mean {path.parent / near[0]}?" if near else "Give the path of what is there."
    raise InputError(f"data.path: must exist, got {path}. {mend}")


def checked(raw: RawImages, where: str) -> RawImages:
    """The images themselves, where they make one data set.

    Args:
        raw: What was read.
        where: The source in words, such as its path, for the messages.

    Raises:
        InputError: A part is empty, image sizes differ between parts, or a label is negative or beyond
            ``class_names``, or a class has no training image.
    """
    parts = {"train": raw.train, "validation": raw.validation, "test": raw.test}
    shape = raw.train.pixels.shape[1:]
    for name, part in parts.items():
        if part is None:
            continue
        if part.pixels.size == 0:
            raise InputError(f"data.path: every part needs images, got none in the {name} part of {where}.")
        if part.pixels.shape[1:] != shape:
            raise InputError(
                f"data.path: all parts of {where} must hold images of one (channels, height, width), "
                f"got {shape} in train and {part.pixels.shape[1:]} in {name}."
            )
        low, high = int(part.labels.min()), int(part.labels.max())
        if low < 0 or high >= len(raw.class_names):
            raise InputError(
                f"data.path: labels of {where} must be 0 to {len(raw.class_names) - 1}, as in its training "
                f"part, got {low if low < 0 else high} in {name}."
            )
    counts = np.bincount(raw.train.labels, minlength=len(raw.class_names))
    if not counts.all():
        missing = raw.class_names[int(counts.argmin())]
        raise InputError(
            f"data.path: every class needs training images, got none of class {missing!r} in {where}. "
            "Number the classes from 0 without gaps."
        )
    return raw
