"""Files that are whole or not there: written aside, then renamed. Not fsynced, since all can be made again."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """Yield a new file beside ``path``, ``*.tmp``, that takes its place at the end; an error leaves nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    os.close(handle)
    try:
        yield Path(name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_aside(path: Path, fill: Callable[[Path], object]) -> None:
    """Let ``fill`` write a file that then takes the place of ``path``.

    Where the clock jumps ahead, another process may take the half-written file for one that was left: then once
    more.

    Raises:
        OSError: the disk does not take it; nothing is left.
    """
    try:
        with aside(path) as file:
            fill(file)
    except FileNotFoundError:
        with aside(path) as file:
            fill(file)


@contextmanager
def said_of(folder: Path) -> Iterator[None]:
    """Whatever can't be written inside: the error names ``folder``, by which people know it."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error
