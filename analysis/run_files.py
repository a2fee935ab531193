"""The files of a run folder beside its events, and whether anything is missing of them.

The manifest counts the lines of every append-only file each time that it is written, keeps the text of the space
as it is run, and carries a SHA-256 of itself. So a file that was cut, emptied or deleted is noticed, and a damaged
space changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.errors import InputError, OtherFormatError, ResultsError
from analysis.files import write_json
from analysis.lines import MEND, parse_object

FORMAT = 1
SPACE = "space.yaml"
MANIFEST = "manifest.json"
TRIALS = "trials.jsonl"
CONFIRM = "confirm.jsonl"
LEDGER = "ledger"
CONFIRM_LEDGER = "ledger/confirm"
WARNINGS = "warnings.log"


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the manifest of a run, with the lines that its files have now.

    Raises:
        OSError: the disk does not take it.
    """
    written = dict(facts) | {"lines": count_lines(folder)}
    write_json(folder / MANIFEST, written | {"sha256": _digest(written)})


def read_manifest(file: Path) -> dict[str, Any]:
    """What a manifest says.

    Raises:
        InputError: there is none, nor anything else of a run.
        OtherFormatError: it is of another format than `FORMAT`.
        ResultsError: it is damaged, or missing.
    """
    if not file.exists():
        if any((file.parent / name).exists() for name in (TRIALS, SPACE)):
            raise ResultsError(f"{file}: is missing. sweeper resume {file.parent} makes it again.")
        raise InputError(f"{file.parent}: no run folder, it has no {MANIFEST}. Name a folder below runs/.")
    again = f"sweeper resume {file.parent} makes it again."
    manifest = parse_object(file.read_bytes(), str(file), mend=again)
    written = manifest.pop("sha256", None)
    if written != _digest(manifest) and (written is not None or "lines" in manifest):
        raise ResultsError(f"{file}: damaged, its checksum is not the one that was written. {again}")
    if manifest.get("format") != FORMAT:
        raise OtherFormatError(
            f"{file}: format: this version reads {FORMAT}, got {manifest.get('format')!r}. "
            "Use the version that wrote it (see `versions` there)."
        )
    return manifest


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def ledger_files(folder: Path) -> list[Path]:
    """The files of a ledger, without those of a confirmation; none where none is kept."""
    return sorted(folder.glob("*.jsonl"))


def count_lines(folder: Path) -> dict[str, int]:
    """Every append-only file of a run that is there, by its place in the folder -> its whole lines."""
    return {str(file.relative_to(folder)): _lines(file) for file in append_only(folder)}


def append_only(folder: Path) -> list[Path]:
    """The files of a run that only grow, as far as they are there."""
    files = [file for file in (folder / TRIALS, folder / CONFIRM) if file.exists()]
    return [*files, *ledger_files(folder / LEDGER), *ledger_files(folder / CONFIRM_LEDGER)]


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def lost(folder: Path, manifest: Mapping[str, Any], *names: str) -> None:
    """Refuse a run of which lines are missing.

    Args:
        folder: the run's.
        manifest: what it says.
        names: files, and folders of files, in it that are looked at.

    Raises:
        ResultsError: fewer lines are there than were when the manifest was written. The message names the file.
    """
    if TRIALS in names and not (folder / TRIALS).exists() and manifest.get("status") != "running":
        raise ResultsError(f"{folder / TRIALS}: is missing, and with it every trial. {MEND}")
    for name, count in (manifest.get("lines") or {}).items():
        file = folder / name
        if name not in names and str(Path(name).parent) not in names:
            continue
        if not file.exists():
            raise ResultsError(f"{file}: is missing, and with it {count} lines. {MEND}")
        if (left := _lines(file)) < count:
            raise ResultsError(f"{file}: was cut, {left} of its {count} lines are left. {MEND}")


def read_space(folder: Path, manifest: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The space as it is run, and a note where the folder's own file is not it ("": it is).

    Raises:
        ResultsError: the file is missing or damaged, and the manifest, of an earlier version, has no copy.
    """
    file, copy = folder / SPACE, manifest.get("space_text")
    if not isinstance(copy, str):
        if not file.exists():
            raise ResultsError(f"{file}: is missing. Copy the space file of the sweep there.")
        return parse_space(file.read_bytes(), file), ""
    if file.exists() and file.read_bytes() == copy.encode():
        return parse_space(copy.encode(), file), ""
    state = "was changed since" if file.exists() else "is missing"
    return parse_space(copy.encode(), file), f"{SPACE} {state}: what {MANIFEST} keeps of it is shown."


def parse_space(content: bytes, file: Path) -> dict[str, Any]:
    """The sections in the bytes of a space; `file` is for messages.

    Raises:
        ResultsError: it is no YAML, or no mapping of sections. The message names FILE:LINE.
    """
    import yaml

    from analysis import plain_yaml

    try:
        space = plain_yaml.load(content.decode())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else f"{file}"
        raise ResultsError(f"{where}: not YAML: {getattr(error, 'problem', error)}.") from error
    if not isinstance(space, dict):
        raise ResultsError(f"{file}: a mapping of sections, got {type(space).__name__}.")
    for name in ("search", "objective", "sweep", "confirm"):
        if not isinstance(space.get(name) or {}, dict):
            raise ResultsError(f"{file}: {name}: a mapping, got {space[name]!r}. Restore the file.")
    return space
