"""A large data set is prepared once a machine: written to the store, and mapped by every process.

The pages of the file are shared, so a further worker costs no memory for images and no time for decoding
them. A process computes the address of the images when it maps them, so a flipped byte is noticed; the file is
then made again. No pickle: the format is safetensors, with one entry of metadata that is sealed by its SHA-256.
The mapping is private: what a process wrote into its tensors would stay its own.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from trainables.aside import said_of, write_aside
from trainables.data.dataset import Dataset, Images, address_of
from trainables.data.origin import key_of
from trainables.locks import lock_of
from trainables.pulse import PULSE
from trainables.recipe import Data

log = logging.getLogger(__name__)

SMALLEST = 8 * 10**6
"""Bytes of images below which every process reads them by itself: that takes less than a second."""
PARTS = ("train", "validation", "test")
ABOUT, SEAL = "sweeper-images-1", "sha256"


def mapped(
    data: Data, *, seen: bool, folder: Path, max_bytes: int, make: Callable[[], Dataset]
) -> tuple[Dataset, Path | None]:
    """The images of ``data``, mapped from a file below ``folder``, which is written if it is not there.

    Args:
        data: which images.
        seen: as in ``key_of``.
        folder: for such files.
        max_bytes: limit of the store; images that would take half of it are read by each process.
        make: reads the images from their source; ``pad`` and ``flip`` of a mapped set are not its own.

    Returns:
        The images, and their file if they are mapped.

    Raises:
        OSError: no space, or the folder can't be written; it names the store.
    """
    key = key_of(data, seen=seen)
    if key is None:
        return make(), None
    file = folder / f"{key}.images"
    found = read_whole(file)
    if found is not None:
        return found, file
    lock = lock_of(folder / "lock")
    with said_of(folder.parent):
        folder.mkdir(parents=True, exist_ok=True)
        _acquire(lock)
    try:  # of several processes that begin together one reads the source
        found = read_whole(file)
        if found is not None:
            return found, file
        made = make()
        if not SMALLEST <= _size(made) <= max_bytes / 2 or key_of(data, seen=seen) != key:
            return made, None
        with said_of(folder.parent):
            _write(file, made)
        found = read_whole(file)
        return (made, None) if found is None else (found, file)
    finally:
        lock.release()


def _acquire(lock: FileLock) -> None:
    """Wait for a lock, alive: whoever holds it may read for long."""
    while True:
        with suppress(Timeout):
            lock.acquire(timeout=1)
            return
        PULSE.beat()


def used(file: Path) -> None:
    """Note that the images are in use, so that they are not the first to be evicted."""
    with suppress(FileNotFoundError):
        os.utime(file)


def read_whole(file: Path) -> Dataset | None:
    """The images of a file; a damaged one is said once, removed, and counts as absent."""
    try:
        return read(file)
    except FileNotFoundError:
        return None
    except ValueError as error:
        log.warning("%s: %s; it is made again", file, error)
        file.unlink(missing_ok=True)
        return None


def read(file: Path) -> Dataset:
    """The images of a file, mapped, with ``pad`` 0 and no ``flip``.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not, to the byte, what was written.
    """
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            text = metadata[ABOUT]
            parts = [
                Images(pixels=opened.get_tensor(f"{part}.pixels"), labels=opened.get_tensor(f"{part}.labels"))
                for part in PARTS
            ]
    except (SafetensorError, KeyError) as error:
        raise ValueError("damaged: no images of this version") from error
    about = json.loads(text) if metadata.get(SEAL) == _digest(text) else {}
    mean, std = tuple(about.get("mean", ())), tuple(about.get("std", ()))
    names = tuple(about.get("class_names", ()))
    typed = all((part.pixels.dtype, part.labels.dtype) == (torch.uint8, torch.int64) for part in parts)
    address = address_of(parts, len(names), mean, std)
    if not typed or about.get("address") != address:
        raise ValueError("damaged: the images do not have the address that was written with them")
    train, validation, test = parts
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        class_names=names,
        pad=0,
        flip=False,
        mean=mean,
        std=std,
        address=address,
    )


def _write(file: Path, data: Dataset) -> None:
    names = ("address", "class_names", "mean", "std")
    text = json.dumps({name: getattr(data, name) for name in names})
    tensors: dict[str, torch.Tensor] = {}
    for part in PARTS:
        images = getattr(data, part)
        tensors |= {f"{part}.pixels": images.pixels, f"{part}.labels": images.labels}
    about = {ABOUT: text, SEAL: _digest(text)}
    try:
        write_aside(file, lambda path: save_file(tensors, path, about))
    except SafetensorError as error:  # it has the system's error only in its words
        number = re.search(r"os error (\d+)", str(error))
        code = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code)) from error


def _size(data: Dataset) -> int:
    return sum(getattr(data, part).pixels.nbytes for part in PARTS)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
