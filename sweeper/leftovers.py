"""What a killed sweep leaves running: found by a mark in its environment, and ended.

Ray's servers and agents, and the workers that they start, inherit their environment from the sweep, so all of
them bear its mark: a random word that the run folder remembers until they are gone. A process number is given
to others in time, a mark never is, so no one else's process can be taken for one of ours. Where there is no
/proc nothing is found, and Ray's processes end when they notice by themselves.
"""

import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sweeper.folder import written

SESSION = ".session"
"""Where the run folder remembers the mark."""
MARK = "SWEEPER_SESSION"
_KEEP_ENVIRONMENT = "SPT_NOENV"
"""Ray gives its workers titles, for which it would use the room of their environment."""
WAIT = 5.0
"""Seconds for which a killed process is waited for; the kernel may be writing its memory out."""


@contextmanager
def marked(folder: Path) -> Iterator[None]:
    """Whatever is started inside bears a mark, and does not outlive it.

    Raises:
        CannotFinishError: the run's folder does not take the mark.
    """
    word = secrets.token_hex(16)
    with written(folder):
        (folder / SESSION).write_text(word, encoding="ascii")
    os.environ |= {MARK: word, _KEEP_ENVIRONMENT: "1"}
    try:
        yield
    finally:
        os.environ.pop(MARK, None)
        end_leftovers(folder)


def end_leftovers(folder: Path) -> None:
    """End what bears the mark that a run's folder remembers, and forget it. The caller owns the folder."""
    try:
        word = (folder / SESSION).read_text(encoding="ascii")
    except (OSError, ValueError):
        return
    if re.fullmatch("[0-9a-f]{32}", word):
        deadline = time.monotonic() + WAIT
        while (left := list(bearing(word))) and time.monotonic() < deadline:
            for number in left:
                with suppress(OSError):
                    os.kill(number, signal.SIGKILL)
            time.sleep(0.05)
    with suppress(OSError):
        (folder / SESSION).unlink()


def bearing(word: str) -> Iterator[int]:
    """The numbers of all other processes that bear a mark; one that has ended bears none."""
    sought = f"{MARK}={word}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # another user's, or gone meanwhile
            if sought in (process / "environ").read_bytes().split(b"\0") and process.name != str(os.getpid()):
                yield int(process.name)
