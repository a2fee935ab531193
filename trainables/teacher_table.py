r"""A teacher's logits [image, view, class] in one sparse file, which every process fills as it needs them.

    one page  a line of JSON: what the table holds, for people
    marks     uint32 [images views]: the checksum of a row that is there; 0, a hole of the file, of one that is not
    rows      float32 or float16 [images views, classes]

A row counts only if it has its mark, which begins with the table's address and the row's number. So a process that is
killed while it writes, two that write the same row, a flipped byte, a torn page after a loss of power and a
row in a wrong place are one case: the row is not there, and is computed again. Files are read through a memory
map and written by ``pwrite``, so that a full disk is an error and no signal. Opening makes what is missing of a
file; any number of processes may do so at once.
"""

import errno
import fcntl
import json
import mmap
import os
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from trainables.addresses import digest
from trainables.locks import held

FORMAT = "sweeper-table-1"
BLOCK = 1024
"""Images whose rows are filled under one lock: two processes that need the same rows fill different blocks."""
PAGE = 4096
ENDING = ".table"
"""Of the files."""

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What a table is of."""

    about: Mapping[str, Any]
    """All that its numbers depend on, as plain data."""
    images: int
    views: int
    classes: int
    precision: Literal["float32", "float16"] = "float32"

    @property
    def address(self) -> str:
        """The hash of what it is."""
        return digest([FORMAT, self.images, self.views, self.classes, self.precision, dict(self.about)])

    @property
    def entries(self) -> int:
        """Rows of a full table."""
        return self.images * self.views

    @property
    def dtype(self) -> np.dtype[np.floating[Any]]:
        """Of a number."""
        return np.dtype(self.precision)

    @property
    def rows_at(self) -> int:
        """Where the rows begin in the file."""
        return PAGE + -(-4 * self.entries // PAGE) * PAGE

    @property
    def bytes(self) -> int:
        """Of a full table: 3.28 GB for CIFAR-100 in float32."""
        return self.rows_at + self.entries * self.classes * self.dtype.itemsize


class Table:
    """An open table. As long as it is, nobody evicts it."""

    def __init__(
        self, folder: Path, contents: Contents, *, wrote: Callable[[int], None] = lambda count: None
    ) -> None:
        """Open it, and make what is missing of its file.

        Args:
            folder: of the tables.
            contents: what it is of.
            wrote: is told the bytes of everything that was written.
        """
        self.contents = contents
        self.address = contents.address
        self.path = folder / f"{self.address}{ENDING}"
        self._locks = folder / "locks"
        self._locks.mkdir(parents=True, exist_ok=True)
        self._wrote = wrote
        self._seed = crc32(self.address.encode())
        self._fd = _opened(self.path)
        weakref.finalize(self, os.close, self._fd)
        head = {"format": FORMAT, "address": self.address, "images": contents.images, "views": contents.views}
        head |= {"classes": contents.classes, "precision": contents.precision, "of": dict(contents.about)}
        os.ftruncate(self._fd, contents.bytes)
        os.pwrite(self._fd, json.dumps(head).encode()[: PAGE - 1].ljust(PAGE - 1) + b"\n", 0)
        shared = mmap.mmap(self._fd, contents.bytes, access=mmap.ACCESS_READ)
        self._marks = np.frombuffer(shared, np.uint32, contents.entries, PAGE)
        count = contents.entries * contents.classes
        self._rows = np.frombuffer(shared, contents.dtype, count, contents.rows_at).reshape(
            contents.entries, -1
        )

    def read(self, entries: Indices) -> tuple[Rows, Flags, int]:
        """Some rows.

        Args:
            entries: which, image · views + view, (n,).

        Returns:
            The rows (n, classes), whether each is there, and how many are damaged, which are not. What is not
            there is arbitrary.
        """
        marks = self._marks[entries]
        rows: Rows = np.zeros((len(entries), self.contents.classes), self.contents.dtype)
        marked = marks != 0
        rows[marked] = self._rows[entries[marked]]
        there = marked.copy()
        there[marked] = marks[marked] == self._checksums(entries[marked], rows[marked])
        return rows, there, int(marked.sum() - there.sum())

    def write(self, entries: Indices, rows: Rows) -> None:
        """Keep rows (n, classes), then mark them.

        Raises:
            OSError: no space; it names the table.
        """
        rows = np.ascontiguousarray(rows, self.contents.dtype)
        marks = self._checksums(entries, rows)
        width = rows[0].nbytes
        try:
            for entry, row in zip(entries.tolist(), rows, strict=True):
                self._put(row.tobytes(), self.contents.rows_at + entry * width)
            for entry, mark in zip(entries.tolist(), marks, strict=True):
                self._put(mark.tobytes(), PAGE + 4 * entry)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path.parent.parent)) from error
        self._wrote(rows.nbytes + marks.nbytes)

    def lock(self, block: int) -> AbstractContextManager[bool]:
        """A context: try to be the one who fills a block; it says whether it was free."""
        return held(self._locks, int(self.address[:8], 16) + block)

    def touch(self) -> None:
        """Note that it was used now."""
        os.utime(self._fd)

    def _put(self, content: bytes, at: int) -> None:
        if os.pwrite(self._fd, content, at) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _checksums(self, entries: Indices, rows: Rows) -> NDArray[np.uint32]:
        """CRC-32 of each row, begun with the table and the row's number; never 0."""
        seeds = ((self._seed + entries) & 0xFFFFFFFF).tolist()
        content, width = memoryview(rows.tobytes()), self.contents.classes * self.contents.dtype.itemsize
        found = [crc32(content[i * width : (i + 1) * width], seed) or 1 for i, seed in enumerate(seeds)]
        return np.array(found, np.uint32)


def damaged_rows(path: Path) -> int:
    """How many rows of a table's file are not what was written; they count as absent where the table is used.

    Raises:
        ValueError: its first line is not that of a table.
    """
    try:
        head = json.loads(path.read_bytes()[:PAGE])
        kept = {name: head[name] for name in ("images", "views", "classes", "precision")}
        contents = Contents(about=head["of"], **kept)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("damaged: its first line is not that of a table") from error
    if f"{contents.address}{ENDING}" != path.name or path.stat().st_size != contents.bytes:
        raise ValueError("damaged: its first line is not that of this table")
    table = Table(path.parent, contents)
    steps = range(0, contents.entries, BLOCK)
    return sum(table.read(np.arange(at, min(at + BLOCK, contents.entries)))[2] for at in steps)


def _opened(path: Path) -> int:
    """A descriptor of the file at ``path``, which says by a shared lock that the table is in use."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        os.close(descriptor)  # it was evicted in between
