"""Locks between processes, on files that are never deleted (that would free a held one)."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCKS = 256
"""Lock files in a folder: a fixed set."""


@contextmanager
def held(folder: Path, number: int) -> Iterator[bool]:
    """Yield whether this process now holds a lock; never waits.

    The kernel frees it when the process ends, however it ends.

    Args:
        folder: of the lock files.
        number: which lock; those that agree modulo ``LOCKS`` are one.
    """
    lock = FileLock(folder / f"{number % LOCKS:03d}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
