"""What a prepared data set depends on, as a key: the files that it is read from, and how it is split."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from trainables.data.sources import DOWNLOADS, SOURCES
from trainables.recipe import Data

READERS = ("numpy", "pillow", "torchvision")
"""Packages that decode images: another version may read other pixels from the same file."""


def key_of(data: Data, *, seen: bool) -> str | None:
    """A name, 64 hex digits, for the images of ``data`` as they are now; None where there are no files.

    Files are known by path, size, and the times of their last change, of content and of anything (which no
    program can set back). ``pad``, ``flip`` and ``batch_size`` are not in it: they change no stored pixel.

    Args:
        data: of a recipe; its source exists.
        seen: whether halves of the test set validate and test.
    """
    source = SOURCES[data.source]
    root = DOWNLOADS if data.path is None else Path(data.path)
    places = [root / name for name in source.files]
    files = sorted(file for place in places for file in (place, *place.rglob("*")) if file.is_file())
    if not files:
        return None
    facts = {
        "files": [_stamp(file) for file in files],
        "source": [data.source, source.mean, source.std],
        "split": [data.val_fraction, data.split_seed, seen],
        "readers": [version(name) for name in READERS],
    }
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _stamp(file: Path) -> list[str | int]:
    stat = file.stat()
    return [str(file.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
