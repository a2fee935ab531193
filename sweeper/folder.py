"""A run's folder: one process at a time works in it, and a disk that does not take it is told in one line."""

import errno
import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from analysis.at_work import LOCK, at_work
from analysis.run_files import MANIFEST, SPACE, TRIALS
from sweeper.errors import BusyError, CannotFinishError
from trainables.errors import InputError

OWNER = ".owner"
PATIENCE = 0.5
"""Seconds for which a folder is tried: whoever asks whether it is free has it for an instant."""


def refuse_begun(folder: Path) -> None:
    """A new run needs a folder without one. Leaves no trace in it.

    Raises:
        InputError: a run was begun there.
        BusyError: and goes on there at this moment.
    """
    if _begun(folder):
        raise _busy(folder) if at_work(folder) else _exists(folder)


def refuse_unbegun(folder: Path) -> None:
    """Only what was begun can be gone on with. Leaves no trace in it.

    Raises:
        InputError: there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder. Name one that sweeper run has made.")
    if not any((folder / name).exists() for name in (SPACE, MANIFEST)):
        raise InputError(f"{folder}: has no {SPACE}, so no run was begun in it. Start it with sweeper run.")


def make(folder: Path, *, option: str) -> None:
    """Make a folder, and those above it; ``option`` of the command line names another.

    Raises:
        CannotFinishError: the disk does not take it, or a file is in its place.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotFinishError(
            f"{folder}: can't be made: {error.strerror}. Give {option} another folder."
        ) from error


@contextmanager
def owned(folder: Path, *, new: bool = False) -> Iterator[None]:
    """Hold a run's folder; the kernel frees it when this process ends, however it ends.

    Args:
        folder: the run's.
        new: no run may have been begun in it. It is made, and gone again if none is begun in it by the end.

    Raises:
        BusyError: another process holds it.
        InputError: another process has just begun a run there.
        CannotFinishError: the disk does not take it.
    """
    lock, made = _lock(folder, new=new)
    try:
        if new and _begun(folder):
            raise _exists(folder)
        with written(folder):
            (folder / OWNER).write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
            for aside in folder.glob(".*.tmp"):  # a write that a kill cut short
                aside.unlink()
        try:
            yield
        finally:
            with suppress(OSError):
                (folder / OWNER).unlink()
                if new and not _begun(folder):
                    _unmake(folder, made)
    finally:
        lock.release()


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Whatever the disk refuses inside ends the sweep, in one line.

    Raises:
        CannotFinishError: it did.
    """
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error) from error


def _lock(folder: Path, *, new: bool) -> tuple[BaseFileLock, list[Path]]:
    """The lock of a folder, taken, and the folders that were made for it, deepest first."""
    lock = FileLock(folder / LOCK, timeout=PATIENCE)
    while True:
        made = [one for one in (folder, *folder.parents) if new and not one.exists()]
        if new:
            make(folder, option="--out")
        try:
            lock.acquire()
        except Timeout:
            raise _busy(folder) from None
        except OSError as error:
            if new and not folder.exists():  # whoever held it was refused, and has taken it along
                continue
            raise _unwritable(folder, error) from error
        return lock, made


def _unmake(folder: Path, made: Iterable[Path]) -> None:
    """Remove what holding a folder has made; whoever waits for its lock tries again with another file."""
    (folder / LOCK).unlink(missing_ok=True)
    for one in made:
        one.rmdir()


def _busy(folder: Path) -> BusyError:
    who = "another process"
    with suppress(OSError):  # it has just gone
        who = (folder / OWNER).read_text(encoding="utf-8").strip() or who
    return BusyError(f"{folder}: {who} is running this sweep. Wait for it, or stop it.")


def _begun(folder: Path) -> bool:
    return (folder / TRIALS).exists() or (folder / SPACE).exists()


def _exists(folder: Path) -> InputError:
    return InputError(
        f"{folder}: the run exists already. "
        f"Go on with it: sweeper resume {folder}, or give --name another name."
    )


def _unwritable(folder: Path, error: OSError) -> CannotFinishError:
    room = "Free space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Make it writable"
    mend = f"{room}, then sweeper resume {folder}" if _begun(folder) else f"{room}, or give --out"
    return CannotFinishError(f"{folder}: can't be written: {error.strerror or error}. {mend}.")
