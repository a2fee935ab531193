"""Who trained what: every process appends each epoch that it executed, so that kills can't hide work."""

import json
import os
import secrets
import socket
from functools import cache
from pathlib import Path


class Ledger:
    """An append-only file of one process in a folder; no folder, no record."""

    def __init__(self, folder: Path | None) -> None:
        """Name the file of this process; it is made with the first line."""
        self.folder = folder

    def add(self, *, stage: str, epoch: int, address: str, seconds: float, trial: int | None) -> None:
        """One executed epoch, as one line."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {
            "stage": stage,
            "epoch": epoch,
            "address": address,
            "seconds": round(seconds, 4),
            "trial": trial,
        }
        file = self.folder / _name(os.getpid())
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")


@cache
def _name(process: int) -> str:
    """A file of its own for every process, also for a later one with the same number."""
    return f"{socket.gethostname()}-{process}-{secrets.token_hex(4)}.jsonl"
