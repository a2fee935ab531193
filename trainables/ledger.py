"""Who trained what: every process appends each epoch that it executed, so that kills can't hide work.

What a teacher computed for it stands in lines of their own kind, ``views``. Where the run's folder is out of reach,
on a node of a cluster, the lines are carried home in the trial's records instead.
"""

import errno
import json
import os
import secrets
import socket
from collections.abc import Generator, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32


class Ledger:
    """An append-only file of one process in a folder; no folder, no record."""

    def __init__(self, folder: Path | None, *, carried: bool = False) -> None:
        """Name the file of this process; it is made with the first line.

        Args:
            folder: of the files; None: no file.
            carried: whether lines are kept until they are ``taken``.
        """
        self.folder = folder
        self.carried: list[str] | None = [] if carried else None

    @property
    def file(self) -> Path:
        """The file of this process; asked for only where there is a folder."""
        assert self.folder is not None
        return self.folder / _name(os.getpid())

    def add(
        self, *, stage: str, epoch: int, address: str, macs: int, seconds: float, trial: int | None
    ) -> None:
        """One executed epoch, as one line; ``macs`` without those of a teacher."""
        took = {"macs": macs, "seconds": round(seconds, 4)}
        self._write(stage=stage, epoch=epoch, address=address, **took, trial=trial)

    def views(
        self,
        *,
        stage: str,
        epoch: int,
        computed: int,
        again: int,
        live: str,
        macs: int,
        seconds: float,
        trial: int | None,
    ) -> None:
        """Views of images that a teacher looked at for an epoch, as one line.

        Args:
            stage: whose epoch.
            epoch: which.
            computed: so many views.
            again: of these, known to have been computed before: their row was damaged.
            live: why they are not kept; "": they are.
            macs: multiply-accumulates of all of them.
            seconds: taken by the teacher; 0 where it was not timed.
            trial: for which.
        """
        more = {
            "computed": computed,
            "again": again,
            "live": live,
            "macs": macs,
            "seconds": round(seconds, 4),
        }
        self._write(kind="views", stage=stage, epoch=epoch, **more, trial=trial)

    def taken(self) -> list[str]:
        """The lines that were kept since the last time."""
        lines, self.carried = self.carried or [], []
        return lines

    def _write(self, **line: Any) -> None:
        if self.carried is not None:
            self.carried.append(json.dumps(line))
        if self.folder is not None:
            write_lines(self.folder, [json.dumps(line)])


def write_lines(folder: Path, lines: Iterable[str]) -> None:
    """Append lines to the file of this process in a folder.

    Raises:
        OSError: the disk does not take them; it names the file, which ends with a whole line.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for line in lines:
        _append(folder / _name(os.getpid()), line.encode())


def with_lines(
    records: Generator[dict[str, Any], None, object], ledger: Ledger
) -> Generator[dict[str, Any], None, None]:
    """Records that carry the lines that were written since the one before, under ``ledger``."""
    try:
        for record in records:
            yield record | {"ledger": ledger.taken()}
    finally:
        records.close()


_ends: dict[Path, tuple[int, int]] = {}
"""File of this process -> how many bytes it holds, and their CRC-32."""


def _append(file: Path, line: bytes) -> None:
    """Write a line behind the others, with the checksum that ``analysis.lines`` describes.

    Raises:
        OSError: the disk does not take it; it names the file, which is then as it was before.
    """
    size, before = _ends.get(file, (0, 0))
    body = line[:-1]
    sealed = body + b', "sum": "%08x"}\n' % crc32(body, before)
    try:
        with file.open("ab", buffering=0) as stream:
            if stream.tell() > size:  # what is left of a line, should cutting it have failed, too
                stream.truncate(size)
            try:
                if stream.write(sealed) != len(sealed):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                with suppress(OSError):
                    stream.truncate(size)
                raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error
    _ends[file] = size + len(sealed), crc32(sealed, before)


@cache
def _name(process: int) -> str:
    """A file of its own for every process, also for a later one with the same number."""
    return f"{socket.gethostname()}-{process}-{secrets.token_hex(4)}.jsonl"
