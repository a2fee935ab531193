"""A store as a folder of files: what is in it, and what goes when it is too large. Needs no torch.

Every file can be made again, and whoever reads one has it whole in memory or mapped, which a deletion does
not touch. So deleting any of them at any moment is safe; it costs time at most. What was written or read within
the last seconds is still spared: another process may be waiting for it.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainables.table_room import evict
from trainables.teacher_table import ENDING

STATES = "??/*.state"
"""Trained states, by the first two characters of their address."""
IMAGES = "data/*.images"
"""Prepared data sets that processes map."""
TABLES = "tables"
"""Folder of the teachers' tables; none is deleted that a process has open."""
TABLE_FILES = f"{TABLES}/*{ENDING}"
"""They are sparse: they take less of the disk than their length."""
HALF_WRITTEN = ("??/*.tmp", "data/*.tmp")
IN_USE_SECONDS = 10.0
"""A file used so lately is in use: who waits for an epoch looks at the store several times a second."""
LEFT_OVER_SECONDS = 3600.0
"""Age at which a half-written file belongs to no one any more: its process was killed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A file of a store."""

    path: Path
    size: int
    """In bytes."""
    used: float
    """When it was last written or read, in seconds since 1970."""


def entries(folder: Path, *patterns: str) -> Iterator[Entry]:
    """The files of a store that match; what goes meanwhile is left out."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            with suppress(FileNotFoundError):
                stat = path.stat()
                size = stat.st_blocks * 512 if path.suffix == ENDING else stat.st_size
                yield Entry(path=path, size=size, used=stat.st_mtime)


def trim(folder: Path, max_bytes: int, *, keep: Path | None = None) -> Sequence[Entry]:
    """Delete the least recently used files until the rest fits, but none that is in use; return what went.

    What another process is just writing is neither counted nor touched. Several processes may do this at once:
    they choose the same files.

    Args:
        folder: of the store.
        max_bytes: what may stay, from 0.
        keep: a file that stays in any case.
    """
    now = time.time()
    for written in entries(folder, *HALF_WRITTEN):
        if abs(now - written.used) > LEFT_OVER_SECONDS:  # from the future: the clock was set back
            written.path.unlink(missing_ok=True)
    files = sorted(entries(folder, STATES, IMAGES, TABLE_FILES), key=lambda entry: entry.used)
    excess = sum(entry.size for entry in files) - max_bytes
    gone: list[Entry] = []
    for entry in files:
        if excess <= 0:
            break
        in_use = abs(now - entry.used) < IN_USE_SECONDS
        if not in_use and entry.path != keep and _deleted(entry.path):
            gone.append(entry)
            excess -= entry.size
    return gone


def _deleted(path: Path) -> bool:
    """Delete a file, but no table that a process has open; whether it is gone."""
    if path.suffix == ENDING:
        return evict(path)
    path.unlink(missing_ok=True)
    return True


def stage_of(state: Path) -> str | None:
    """The stage that a state was stored in, from its header alone; None where that can't be read."""
    try:
        with state.open("rb") as file:
            file.readline()
            return str(json.loads(file.readline())["history"][-1]["stage"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(entry.size for entry in entries(folder, "**/*") if entry.path.is_file())
