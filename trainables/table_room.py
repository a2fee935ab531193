"""Whether there is room for a teacher's table, and what becomes of tables that no one uses."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainables.teacher_table import ENDING, Contents

SHARE = 0.5
"""Part of a store's limit that its tables may take: the rest is for states."""


@contextmanager
def _unused(path: Path) -> Iterator[bool]:
    """Yield whether no process uses a table; none can begin to inside."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield True
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)


def evict(path: Path) -> bool:
    """Delete a table, unless a process uses it; whether it is gone."""
    with _unused(path) as unused:
        if unused:
            path.unlink(missing_ok=True)
    return unused


def refusal(contents: Contents, folder: Path, *, max_bytes: int) -> str:
    """Why there is no room for a table, in words; "" where there is. It makes nothing.

    Args:
        contents: what it would be of.
        folder: of the tables; need not exist.
        max_bytes: size limit of the store.
    """
    need, path = contents.bytes, folder / f"{contents.address}{ENDING}"
    limit = int(max_bytes * SHARE)
    if need > limit:
        return f"it needs {_size(need)}, and a store of {_size(max_bytes)} leaves {_size(limit)} to tables"
    others = 0
    for other in folder.glob(f"*{ENDING}"):
        with _unused(other) as unused:
            others += 0 if unused or other == path else other.stat().st_size
    if need + others > limit:
        return f"it needs {_size(need)}, and tables in use take {_size(others)} of {_size(limit)}"
    with suppress(FileNotFoundError):
        need -= min(need, path.stat().st_blocks * 512)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return f"it needs {_size(need)} more, and {_size(free)} are free" if need > free else ""


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e7 else f"{count / 1e6:.2f} MB"
