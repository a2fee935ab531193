"""Locks between processes, on files that are never deleted (that would free a held one)."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCKS = 65_536
"""Lock files in a folder: a fixed set, each an empty file that is made when it is first needed. Two of a thousand
processes want the same one by chance in 1 of 65 tries; of 256 no more than 256 could be at work at once."""


def lock_of(file: Path, *, timeout: float = -1) -> FileLock:
    """A lock on a file, by ``flock``; ``timeout`` in seconds, -1 waits for ever.

    A disk without such locks is an error: a file whose mere presence locks would stay when its process is killed.
    """
    return FileLock(file, timeout=timeout, fallback_to_soft=False)


@contextmanager
def held(folder: Path, number: int) -> Iterator[bool]:
    """Yield whether this process now holds a lock; never waits.

    The kernel frees it when the process ends, however it ends. On NFS the server does, once the lease of a
    machine that is gone has ended.

    Args:
        folder: of the lock files.
        number: which lock; those that agree modulo ``LOCKS`` are one.

    Raises:
        OSError: the disk has no locks; it names the file.
    """
    file = folder / f"{number % LOCKS:05d}.lock"
    lock = lock_of(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            raise
        raise OSError(error.errno, "this disk has no locks (flock)", str(file)) from error
    try:
        yield True
    finally:
        lock.release()


def free(file: Path) -> bool:
    """Whether no one holds the lock of a file."""
    lock = lock_of(file, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return False
    lock.release()
    return True
