"""Files that are whole or not there: written aside, synced, then renamed over the old one."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step; a reader sees the old file or the new one, never a part.

    Args:
        path: the file; its folder is made when missing.
        content: all of its bytes.

    Raises:
        OSError: the disk is full or the folder not writable. The old file is then untouched and nothing
            is left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).chmod(0o644)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """`write_bytes` of UTF-8 text."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, value: object) -> None:
    """`write_bytes` of indented strict JSON.

    Raises:
        ValueError: a NaN or an infinity is in `value`, which JSON does not have.
        TypeError: something in `value` is no JSON type.
    """
    write_text(path, json.dumps(value, allow_nan=False, indent=2, ensure_ascii=False) + "\n")


def shown(path: Path) -> str:
    """`path` as a shell takes it: from the current folder where it lies below it, else as it is."""
    below = os.path.relpath(path)
    return shlex.quote(str(path) if below.startswith("..") else below)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
