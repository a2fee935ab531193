"""Append-only files of events, one strict JSON object a line, that survive a kill at any moment."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from analysis.errors import ResultsError
from analysis.files import sync_folder

EVENTS = ("asked", "rung", "end")


def read_events(path: str | os.PathLike[str]) -> tuple[list[dict[str, Any]], bool]:
    """The JSON objects of an append-only file, one a line, and whether a torn last line was dropped.

    Raises:
        ResultsError: a line that ends, but is no strict JSON object. The message names FILE:LINE.
        FileNotFoundError: there is no such file.
    """
    *lines, rest = Path(path).read_bytes().split(b"\n")
    return [parse_object(line, f"{path}:{number}") for number, line in enumerate(lines, 1)], bool(rest)


def parse_object(line: bytes, where: str) -> dict[str, Any]:
    """The JSON object that `line` holds; `where` (FILE or FILE:LINE) begins the message when it holds none.

    Raises:
        ResultsError: anything else than one object of strict JSON in UTF-8.
    """
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ResultsError(
            f"{where}: damaged, not a strict JSON object ({error}). Restore the file."
        ) from error
    if not isinstance(value, dict):
        raise ResultsError(f"{where}: damaged, a JSON object expected, got {type(value).__name__}.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _not_finite(value: object, path: str = "") -> str:
    """The place and value of the first NaN or infinity in nested plain data, "" where there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{path}={value}"
    items = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    found = (_not_finite(item, f"{path}.{key}" if path else str(key)) for key, item in items)
    return next(filter(None, found), "")


class EventLog:
    """An append-only file of events: what `append` returned from is on the disk, whole.

    Opening makes the file when missing and cuts a torn last line off, so that no later line is glued to it.

    Args:
        path: the file, usually RUN/trials.jsonl. One process may write it at a time; others may read.

    Attributes:
        path: the file.
        torn: the text that was cut off on opening, "" where the file was whole.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._file = self.path.open("a+b", buffering=0)
        self._file.seek(0)
        content = self._file.read()
        self._size = content.rfind(b"\n") + 1
        self.torn = content[self._size :].decode("utf-8", "replace")
        self._file.truncate(self._size)
        os.fsync(self._file.fileno())
        sync_folder(self.path.parent)

    def append(self, event: Mapping[str, Any]) -> None:
        """Write one event as one line and wait until the disk has it.

        Raises:
            ValueError: its `event` is none of `EVENTS`, or a number in it is NaN or infinite.
            OSError: the disk is full; the file is then as it was before.
        """
        if event.get("event") not in EVENTS:
            raise ValueError(f"event: one of {', '.join(EVENTS)}, got {event.get('event')!r}.")
        if bad := _not_finite(event):
            raise ValueError(f"{event['event']} of trial {event.get('trial')}: a finite number, got {bad}.")
        line = json.dumps(event, allow_nan=False).encode() + b"\n"
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
