"""What a node of a cluster is asked before trials run on it. This runs on the node; it is sent there by ``cluster``."""

import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.locks import free

WORD = ".cluster-check-{key}.{who}"
"""Name of a file in a folder that the driver, or a node, has written a word into for the other side to read."""
LOCK = ".cluster-check-{key}.lock"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of every node."""

    key: str
    """A random word, new each time."""
    shared: tuple[str, ...]
    """Folders that driver and node should both see: in each lies a file with the key."""
    locked: str | None
    """Folder among them in which the driver holds a lock."""
    own: str | None
    """Folder that the node keeps states in for itself; None: it shares the driver's."""
    files: tuple[str, ...]
    """What its trials read: images, networks."""
    directory: str
    """Where the driver works: relative paths begin there."""
    threads: int
    gpus: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a node says."""

    host: str
    unseen: tuple[str, ...]
    """Shared folders that it does not see."""
    unlocked: bool
    """Whether it could take the lock that the driver holds."""
    unwritable: tuple[str, str] | None
    """A folder that it can't write, and why."""
    missing: tuple[str, ...]
    """Files that are not there."""
    arithmetic: Mapping[str, Any]


def look(question: Question, node: str) -> Answer:
    """Answer for the node that this runs on.

    Args:
        question: what is asked.
        node: Ray's name of it, which is written into the shared folders.
    """
    from trainables.arithmetic import describe, pick_device

    with suppress(OSError):
        os.chdir(question.directory)
    unseen = tuple(folder for folder in question.shared if not _reads(Path(folder), question.key))
    unwritable = None
    for folder in (*question.shared, *([question.own] if question.own else [])):
        if folder in unseen:
            continue
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            file = Path(folder) / WORD.format(key=question.key, who=node)
            file.write_text(node, encoding="ascii")
            if folder == question.own:
                file.unlink()
        except OSError as error:
            unwritable = (folder, error.strerror or str(error))
    lock = None if question.locked is None else Path(question.locked) / LOCK.format(key=question.key)
    return Answer(
        host=platform.node(),
        unseen=unseen,
        unlocked=lock is not None and lock.exists() and free(lock),
        unwritable=unwritable,
        missing=tuple(file for file in question.files if not Path(file).exists()),
        arithmetic=describe(threads=question.threads, device=pick_device(question.gpus)),
    )


def _reads(folder: Path, key: str) -> bool:
    """Whether the driver's word is there."""
    try:
        return (folder / WORD.format(key=key, who="driver")).read_text(encoding="ascii") == key
    except (OSError, ValueError):
        return False
