"""What a sweep has running, as the kernel tells it."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    """A process: a number is given again in time, never with the same start."""

    number: int
    start: str
    title: str


def below(process: subprocess.Popen[str]) -> list[Process]:
    """All that a process has begun, and what that has begun."""
    found = {int(folder.name): _look(folder) for folder in Path("/proc").glob("[0-9]*")}
    parents = {number: look[0] for number, look in found.items() if look is not None}

    def begun_by(number: int) -> bool:
        while number in parents:
            number = parents[number]
            if number == process.pid:
                return True
        return False

    return [look[1] for number, look in found.items() if look is not None and begun_by(number)]


def lives(process: Process) -> bool:
    """Whether it is there and has not ended."""
    look = _look(Path("/proc") / str(process.number))
    return look is not None and look[1].start == process.start


def end(processes: list[Process]) -> None:
    """SIGKILL to those that live."""
    for process in filter(lives, processes):
        with suppress(ProcessLookupError):
            os.kill(process.number, signal.SIGKILL)


def _look(folder: Path) -> tuple[int, Process] | None:
    """Its parent, and what it is; None where it is gone or a zombie."""
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        title = (folder / "cmdline").read_text().replace("\0", " ").strip()
    except (OSError, ValueError):
        return None
    if fields[0] == "Z":
        return None
    return int(fields[1]), Process(number=int(folder.name), start=fields[19], title=title)
