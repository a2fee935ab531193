"""TensorBoard event files, without torch, tensorflow or a thread: what a call wrote is there when it returns.

A file is a run of records, each framed by its length and two checksums (TFRecord). Whatever a kill leaves at
the end of one is found by walking the lengths, and cut off before more is written behind it.
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

_LENGTH = struct.Struct("<Q")
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
    for old in files(folder):
        old.unlink()
    now = time.time_ns()
    file = folder / f"{_NAME}.{now // 10**9:010d}.{now % 10**9:09d}"
    append(file, [Proto(wall_time=now / 1e9, file_version="brain.Event:2"), *protos])
    return file


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
    """The whole events of a file, and how many bytes they take; less than the file's size if it is torn."""
    content = file.read_bytes()
    spans = list(_spans(content))
    return [Proto.FromString(content[a:b]) for a, b in spans], spans[-1][1] + 4 if spans else 0


def holds(file: Path, tag: str) -> bool:
    """Whether the file is whole and its last event has this tag; cheap, since only that one is decoded."""
    content = file.read_bytes()
    start, end = 0, -4
    for start, end in _spans(content):  # noqa: B007  (the last one is what is asked for)
        pass
    if end + 4 != len(content) or not content:
        return False
    return any(value.tag == tag for value in Proto.FromString(content[start:end]).summary.value)


def _spans(content: bytes) -> Iterator[tuple[int, int]]:
    """Where the data of each whole record begins and ends."""
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
