"""A process's signs of life between two of its records: the time of a file, set while batches go by.

So a long epoch is told from a hung one without a message in its midst, on any node that shares the folder, and a
process that is stopped, wedged or stuck in a kernel of the device gives none.
"""

import time
from contextlib import suppress
from pathlib import Path

BEAT_SECONDS = 2.0
"""Signs are at least so far apart."""


class Pulse:
    """One process's; without a file it gives no sign."""

    def __init__(self) -> None:
        """No one is listening."""
        self._file: Path | None = None
        self._next = 0.0

    def begin(self, file: Path) -> Path:
        """Give signs on ``file`` from now on; it is made with the first one."""
        if file != self._file:
            self._file, self._next = file, 0.0
            with suppress(OSError):
                file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def beat(self) -> None:
        """Be alive; to be called often. A folder that takes no file is not this one's fault to tell."""
        moment = time.monotonic()
        if self._file is None or moment < self._next:
            return
        self._next = moment + BEAT_SECONDS
        with suppress(OSError):
            self._file.touch()


PULSE = Pulse()
"""This process's own."""


def last_beat(file: Path) -> int | None:
    """When a process last gave a sign, in nanoseconds of its file system's clock; None: never."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
