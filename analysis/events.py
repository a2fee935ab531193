"""Append-only files of events, one strict JSON object a line, that survive a kill at any moment."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zlib import crc32

from analysis.files import sync_folder
from analysis.lines import Lines, seal

EVENTS = ("asked", "rung", "end")


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """What an append-only file holds."""

    events: list[dict[str, Any]]
    torn: bool
    """Whether a torn last line was dropped."""
    unsealed: int
    """Lines of an earlier version, without checksums that nothing behind them covers."""


def read_log(path: str | os.PathLike[str]) -> Log:
    """The JSON objects of an append-only file, one a line.

    Raises:
        ResultsError: a line that ends, but is no strict JSON object, or not what was written. The message names
            FILE:LINE.
        FileNotFoundError: there is no such file.
    """
    *lines, rest = Path(path).read_bytes().split(b"\n")
    reader = Lines(file=str(path))
    events = [reader.take(line) for line in lines]
    unsealed = reader.unsealed if reader.unsealed == reader.number else 0
    return Log(events=events, torn=bool(rest), unsealed=unsealed)


def read_events(path: str | os.PathLike[str]) -> tuple[list[dict[str, Any]], bool]:
    """The objects of `read_log`, and whether a torn last line was dropped."""
    log = read_log(path)
    return log.events, log.torn


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
        try:
            self._file.seek(0)
            content = self._file.read()
            self._size = content.rfind(b"\n") + 1
            self._sum = crc32(content[: self._size])
            self.torn = content[self._size :].decode("utf-8", "replace")
            self._cut()
            os.fsync(self._file.fileno())
            sync_folder(self.path.parent)
        except BaseException:
            self._file.close()
            raise

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
        line, total = seal(json.dumps(event, allow_nan=False).encode(), self._sum)
        self._cut()  # what is left of one before, should cutting it have failed, too
        try:
            written = 0
            while written < len(line):
                written += self._file.write(line[written:]) or 0
            os.fsync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._cut()
            raise
        self._size, self._sum = self._size + len(line), total

    def _cut(self) -> None:
        self._file.truncate(self._size)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
