"""Who trained what: every process appends each epoch that it executed, so that kills can't hide work.

What a teacher computed for it stands in lines of their own kind, ``views``.
"""

import json
import os
import secrets
import socket
from functools import cache
from pathlib import Path
from typing import Any


class Ledger:
    """An append-only file of one process in a folder; no folder, no record."""

    def __init__(self, folder: Path | None) -> None:
        """Name the file of this process; it is made with the first line."""
        self.folder = folder

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

    def _write(self, **line: Any) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


@cache
def _name(process: int) -> str:
    """A file of its own for every process, also for a later one with the same number."""
    return f"{socket.gethostname()}-{process}-{secrets.token_hex(4)}.jsonl"
