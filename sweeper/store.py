"""What a store holds, whether it is whole, and less of it."""

import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from analysis.files import shown
from analysis.text import plain
from sweeper.closing import say_json
from sweeper.settings import StoreLimit
from trainables.errors import DamagedFileError, InputError
from trainables.table_room import evict
from trainables.upkeep import IMAGES, STATES, TABLE_FILES, entries, size_of, stage_of, trim

GIGABYTE = 10**9


def say_store(folder: Path, stream: TextIO, *, verify: bool, trim_to: float | None, as_json: bool) -> int:
    """Show a store; before that remove what is damaged, or what was not used for longest, if asked to.

    Args:
        folder: of the store.
        stream: for people.
        verify: whether every state and data set is read; a damaged one is said in a line and removed.
        trim_to: size in GB that it should come down to, from 0; None: nothing is deleted.
        as_json: end with one JSON line.

    Returns:
        The exit code: 3 if something was damaged, though it is gone now; else 0.

    Raises:
        InputError: there is no such store, or the size is below 0.
    """
    if not (folder / "locks").is_dir():
        raise InputError(
            f"{folder}: is no store. Give --store DIR, or SWEEPER_STORE; a sweep makes one where it runs."
        )
    if trim_to is not None and not 0 <= trim_to < float("inf"):
        raise InputError(f"--trim: a size in GB from 0, got {trim_to}. Write --trim 5 for 5 GB.")
    changes: dict[str, Any] = {}
    if verify:
        changes["damaged"] = _verified(folder, stream)
    if trim_to is not None:
        changes |= _trimmed(folder, trim_to, stream)
    facts = _facts(folder)
    if as_json:
        say_json(facts | changes)
    else:
        for name, text in _rows(facts):
            stream.write(f"{name:10}{text}\n")
    return DamagedFileError.exit_code if changes.get("damaged") else 0


def _verified(folder: Path, stream: TextIO) -> list[str]:
    """Read everything; the files that were not what had been written, and are gone."""
    from trainables.data.mapped import read
    from trainables.store import decode
    from trainables.teacher_table import damaged_rows

    damaged, checked = [], 0
    for pattern, whole in ((STATES, lambda path: decode(path.read_bytes())), (IMAGES, read)):
        for entry in entries(folder, pattern):
            try:
                whole(entry.path)
            except FileNotFoundError:  # evicted meanwhile
                continue
            except ValueError as error:
                entry.path.unlink(missing_ok=True)
                damaged.append(str(entry.path))
                stream.write(f"{plain(shown(entry.path))}: {error}; removed, it can be made again\n")
            checked += 1
    for entry in entries(folder, TABLE_FILES):
        try:
            rows = damaged_rows(entry.path)
            words = f"{rows:,} damaged rows" if rows else ""
        except ValueError as error:
            words = str(error)
        checked += 1
        if words:
            gone = "removed" if evict(entry.path) else "in use"
            damaged.append(str(entry.path))
            stream.write(f"{plain(shown(entry.path))}: {words}; {gone}, they are made again when needed\n")
    stream.write(f"{checked:,} files read, {len(damaged):,} damaged\n")
    return damaged


def _trimmed(folder: Path, size: float, stream: TextIO) -> dict[str, int]:
    gone = trim(folder, int(size * GIGABYTE))
    freed = sum(entry.size for entry in gone)
    stream.write(f"{len(gone):,} files deleted, {_gb(freed)} freed\n")
    left = sum(entry.size for entry in entries(folder, STATES, IMAGES, TABLE_FILES))
    if left > size * GIGABYTE:
        stream.write(f"{_gb(left)} were used within the last seconds, or are in use, and stay\n")
    return {"deleted": len(gone), "freed_bytes": freed}


def _facts(folder: Path) -> dict[str, Any]:
    states, images, tables = (list(entries(folder, one)) for one in (STATES, IMAGES, TABLE_FILES))
    stages = Counter(stage_of(entry.path) or "unknown" for entry in states)
    used = [entry.used for entry in (*states, *images, *tables)]
    return {
        "store": str(folder.resolve()),
        "bytes": size_of(folder),
        "limit_gb": StoreLimit().max_gb,
        "free_bytes": shutil.disk_usage(folder).free,
        "states": dict(stages.most_common()),
        "state_bytes": sum(entry.size for entry in states),
        "data_sets": len(images),
        "data_bytes": sum(entry.size for entry in images),
        "table_bytes": sum(entry.size for entry in tables),
        "first_use": _time(min(used)) if used else None,
        "last_use": _time(max(used)) if used else None,
    }


def _rows(facts: dict[str, Any]) -> Sequence[tuple[str, str]]:
    stages = ", ".join(f"{count:,} {plain(stage)}" for stage, count in facts["states"].items())
    rows = [
        ("store", plain(shown(Path(facts["store"])))),
        (
            "size",
            f"{_gb(facts['bytes'])}; limit {facts['limit_gb']:g} GB, unless store.max_gb says otherwise",
        ),
        ("states", f"{_gb(facts['state_bytes'])}: {stages or 'none'}"),
        ("images", f"{_gb(facts['data_bytes'])}: {facts['data_sets']} prepared data sets"),
        ("tables", f"{_gb(facts['table_bytes'])} of teachers' logits"),
        ("used", f"last {facts['last_use'] or 'never'}, the oldest {facts['first_use'] or 'never'}"),
        ("disk", f"{_gb(facts['free_bytes'])} free"),
    ]
    empty = {"images": facts["data_sets"] == 0, "tables": facts["table_bytes"] == 0}
    return [row for row in rows if not empty.get(row[0])]


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")


def _gb(size: int) -> str:
    return f"{size / GIGABYTE:,.2f} GB" if size >= 10**7 else f"{size / 10**6:,.2f} MB"
