"""TensorBoard event files, without torch, tensorflow or a thread: what a call wrote is there when it returns.

A file is a run of records, each framed by its length and two checksums (TFRecord). Whatever a kill leaves at
the end of one, and all behind a flipped byte, is found by them, and cut off before more is written behind it.
"""

import io
import math
import struct
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event as Proto
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from sweeper.masked_crc import checksums

_LENGTH = struct.Struct("<Q")
_SUM = struct.Struct("<I")
_FRAME = _LENGTH.size + 4 + 4
"""Bytes of a record beside its data: the length, and a checksum of each."""
_NAME = "events.out.tfevents"


def files(folder: Path) -> list[Path]:
    """The event files of one run, oldest first: TensorBoard reads them in this order, as one."""
    return sorted(folder.glob(f"{_NAME}.*"))


def create(folder: Path, protos: Iterable[Proto] = ()) -> Path:
    """Begin a run anew: its older files go, a new one holds ``protos``.

    It has a name of its own, later than any before, so that a TensorBoard that is looking on goes on to it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = files(folder)
    for file in old:
        file.unlink()
    now = max(time.time_ns(), 1 + max(map(_made, old), default=0))  # also where the clock was set back
    file = folder / f"{_NAME}.{now // 10**9:010d}.{now % 10**9:09d}"
    append(file, [Proto(wall_time=now / 1e9, file_version="brain.Event:2"), *protos])
    return file


def _made(file: Path) -> int:
    """When a file was made, in nanoseconds since 1970, by its name; 0 for one of another program."""
    seconds, _, nanoseconds = file.name.removeprefix(f"{_NAME}.").partition(".")
    return int(seconds) * 10**9 + int(nanoseconds) if seconds.isdigit() and nanoseconds.isdigit() else 0


def append(file: Path, protos: Iterable[Proto]) -> None:
    """Write events behind those that are there, in one write.

    Raises:
        OSError: the disk is full, or the folder is gone.
    """
    framed = io.BytesIO()
    writer = RecordWriter(framed)
    for proto in protos:
        writer.write(proto.SerializeToString())
    with file.open("ab") as stream:
        stream.write(framed.getvalue())


def read(file: Path) -> tuple[list[Proto], int]:
    """The events of a file up to the first damaged one, and how many bytes they take; all, if it is whole."""
    content = file.read_bytes()
    spans = _whole(content)
    return [Proto.FromString(content[a:b]) for a, b in spans], spans[-1][1] + 4 if spans else 0


def holds(file: Path, tag: str) -> bool:
    """Whether the file is whole and its last event has this tag; cheap, since only that one is decoded."""
    content = file.read_bytes()
    spans = _whole(content)
    if not spans or spans[-1][1] + 4 != len(content):
        return False
    start, end = spans[-1]
    return any(value.tag == tag for value in Proto.FromString(content[start:end]).summary.value)


def _whole(content: bytes) -> list[tuple[int, int]]:
    """Where the data of each record begins and ends, up to the first that is not what was written."""
    spans = list(_spans(content))
    lengths = checksums([content[a - 12 : a - 4] for a, _ in spans])
    sums = checksums([content[a:b] for a, b in spans])
    for number, (a, b) in enumerate(spans):
        found = (int(lengths[number]), int(sums[number]))
        if found != (_SUM.unpack_from(content, a - 4)[0], _SUM.unpack_from(content, b)[0]):
            return spans[:number]
    return spans


def _spans(content: bytes) -> Iterator[tuple[int, int]]:
    """Where the data of each record begins and ends, by the lengths."""
    at = 0
    while at + _FRAME <= len(content):
        (length,) = _LENGTH.unpack_from(content, at)
        start = at + _LENGTH.size + 4
        at += _FRAME + length
        if at > len(content):
            return
        yield start, start + length


def scalars(values: Mapping[str, Any], *, step: int, wall_time: float | None = None) -> Proto:
    """One event with the numbers among ``values``, under their names; the rest is left out."""
    summary = Summary()
    for tag, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            summary.value.add(tag=tag, simple_value=value)
    return event(summary, step=step, wall_time=wall_time)


def event(summary: Summary, *, step: int = 0, wall_time: float | None = None) -> Proto:
    """An event that holds a summary; ``wall_time`` in seconds since 1970, now unless given."""
    return Proto(wall_time=time.time() if wall_time is None else wall_time, step=step, summary=summary)
