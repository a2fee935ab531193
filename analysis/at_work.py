"""Whether a process works in a run folder: the kernel knows, since it lets a lock go however its holder ends."""

from __future__ import annotations

import os
from pathlib import Path

LOCK = ".lock"
"""What a sweep holds in its folder, as an exclusive flock, for as long as it lives."""


def at_work(folder: Path) -> bool:
    """Whether a process holds `folder` at this moment; True as well where that can't be told.

    It makes no file and waits for no one. A free lock is shared for an instant, by any number of readers;
    a sweep that begins in that instant tries again (`sweeper.folder`).
    """
    try:
        import fcntl
    except ImportError:  # no Unix
        return True
    quietly = os.O_NONBLOCK | os.O_NOFOLLOW  # whatever bears the name
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | quietly)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # held, or a disk without such locks
        return True
    finally:
        os.close(handle)
    return False
