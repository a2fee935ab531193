"""A run folder in which something is damaged: what is good is gone on from, and nothing is lost in silence."""

import shutil
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

from analysis import plain_yaml
from analysis.errors import ResultsError
from analysis.files import write_bytes, write_text
from analysis.lines import MEND, Lines
from analysis.run_files import (
    CONFIRM,
    CONFIRM_LEDGER,
    LEDGER,
    SPACE,
    TRIALS,
    append_only,
    lost,
    parse_space,
)
from sweeper.folder import written
from sweeper.manifest import kept_facts
from sweeper.space import load
from trainables.errors import DamagedFileError, InputError

DAMAGED = ".damaged"
"""Ends the name of a file that is kept as it was found."""
Say = Callable[[str], None]


def whole_space(folder: Path, say: Say) -> None:
    """See to it that the space of a run can be read, from the copy in its manifest if need be.

    Args:
        folder: the run's.
        say: is told, in a sentence, that it was restored, or what in it is not what it was.

    Raises:
        DamagedFileError: it can't be accepted, or is missing and the manifest has no copy.
    """
    file = folder / SPACE
    copy = kept_facts(folder).get("space_text")
    if not isinstance(copy, str):
        if not file.exists():
            raise DamagedFileError(f"{file}: is missing. Copy the space file of the sweep there.")
        return
    found = file.read_bytes() if file.exists() else b""
    if found == copy.encode():
        return
    before = parse_space(copy.encode(), file)
    try:
        after = parse_space(found, file)
    except ResultsError as error:
        if file.exists():
            shutil.copyfile(file, file.with_name(file.name + DAMAGED))
        with written(folder):
            write_text(file, copy)
        state = str(error).removeprefix(f"{file}") if found else ": was empty or missing"
        say(f"{file}{state.rstrip('.')}; it is restored from the manifest")
        return
    _acceptable(file)
    changes = [f"{key} {old} -> {new}" for key, old, new in _differences(before, after)]
    if changes:
        say(f"{file}: is not what it was when the run was last worked on: {', '.join(changes)}")


def _acceptable(file: Path) -> None:
    try:
        load(str(file))
    except InputError as error:
        first, *more = str(error).splitlines()
        others = f" {len(more)} more faults." if more else ""
        raise DamagedFileError(
            f"{first}{others} It is not what was run: delete {file}, and resume restores it."
        ) from error


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Dotted keys with another value: (key, before, after)."""
    one, other = dict(_flat(before)), dict(_flat(after))
    return [
        (key, one.get(key, "nothing"), other.get(key, "nothing"))
        for key in (one | other)
        if one.get(key) != other.get(key)
    ]


def _flat(section: Mapping[str, Any], above: str = "") -> list[tuple[str, str]]:
    found = []
    for key, value in section.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{above}{key}.")
        else:
            found.append((f"{above}{key}", plain_yaml.dump({"x": value}).removeprefix("x:").strip()))
    return found


def whole_events(folder: Path, facts: Mapping[str, Any], *, trained: Set[int], asked: Set[int]) -> None:
    """Refuse to go on where events are missing.

    Args:
        folder: the run's.
        facts: of its manifest.
        trained: trials that the ledger knows.
        asked: trials that ``trials.jsonl`` knows.

    Raises:
        ResultsError: the manifest, or the ledger, knows of more.
    """
    lost(folder, facts, TRIALS, CONFIRM, LEDGER, CONFIRM_LEDGER)
    if missing := trained - asked:
        raise ResultsError(
            f"{folder / TRIALS}: was cut, it knows nothing of trial {min(missing)}, "
            f"which was trained by {LEDGER}/. {MEND}"
        )


def accept_loss(folder: Path, say: Say) -> None:
    """Cut every append-only file of a run off before its first damaged line; what it told is done again.

    Args:
        folder: the run's.
        say: is told what was cut off; the file as it was stays beside it.

    Raises:
        CannotFinishError: the disk does not take it.
    """
    for file in append_only(folder):
        content = file.read_bytes()
        good, trouble = _good(content, file)
        if trouble:
            kept = file.with_name(file.name + DAMAGED)
            with written(folder):
                write_bytes(kept, content)
                write_bytes(file, good)
            count = good.count(b"\n")
            say(f"{trouble.removesuffix(MEND)}The {count} lines before it are gone on from; all is in {kept}")


def _good(content: bytes, file: Path) -> tuple[bytes, str]:
    """The lines up to the first damaged one, and what is wrong with that ("": none is)."""
    reader, at = Lines(file=str(file)), 0
    for line in content.split(b"\n")[:-1]:
        try:
            reader.take(line)
        except ResultsError as error:
            return content[:at], str(error)
        at += len(line) + 1
    return content, ""
