"""What a sweep may spend, and what it has spent so far.

Spent is what the ledger tells, which every process writes before it says a word, and the time of all sessions;
both are looked at when a trial ends, and written into its end. So what is decided from them is decided again by
a resumed sweep: with one worker it asks for the same trials, as long as no clock is asked (``hours``).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from analysis.lines import Lines
from analysis.text import human, show
from sweeper.settings import Sweep

EndedBy = Literal["trials", "epochs", "hours", "macs", "patience", "exhausted"]
"""Why nothing more is asked for."""
BUDGETS = ("trials", "epochs", "hours", "macs", "patience")
"""Keys of ``sweep`` that say how much, and may be raised once a run has begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a search has cost."""

    seconds: float = 0.0
    """Wall time, of all sessions."""
    epochs: int = 0
    """Distinct student epochs that were trained."""
    macs: int = 0
    """Multiply-accumulates, of students and teachers; what a kill has made a trial do twice is counted once."""

    @property
    def facts(self) -> dict[str, Any]:
        """As an event holds it."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """How much of one budget is used."""

    name: Literal["epochs", "hours", "macs"]
    used: float
    limit: float

    @property
    def share(self) -> float:
        """From 0 to 1, and above it by what was under way when the budget was used up."""
        return self.used / self.limit

    @property
    def words(self) -> str:
        """``120 of 400 epochs``."""
        if self.name == "macs":
            return f"{human(self.used)} of {human(self.limit)} MACs"
        if self.name == "hours":
            return f"{show(self.used)} of {show(self.limit)} hours"
        return f"{self.used:,.0f} of {self.limit:,.0f} epochs"


def uses(sweep: Sweep, spent: Spent) -> tuple[Use, ...]:
    """How much is used of each budget that is given, but for those that count trials."""
    found: tuple[tuple[Literal["epochs", "hours", "macs"], float, float | None], ...] = (
        ("epochs", spent.epochs, sweep.epochs),
        ("hours", spent.seconds / 3600, sweep.hours),
        ("macs", spent.macs, sweep.macs),
    )
    return tuple(Use(name=name, used=used, limit=limit) for name, used, limit in found if limit is not None)


def used_up(sweep: Sweep, spent: Spent, since: int) -> EndedBy | None:
    """The first budget that is used up, beside that of trials.

    Args:
        sweep: what may be spent.
        spent: what was.
        since: trials that have ended since one was better than all before.
    """
    for use in uses(sweep, spent):
        if use.share >= 1:
            return use.name
    return "patience" if sweep.patience is not None and since >= sweep.patience else None


def seconds_of(events: Iterable[Mapping[str, Any]]) -> float:
    """Wall time that the ends of earlier sessions' trials tell."""
    return max((event["spent"]["seconds"] for event in events if "spent" in event), default=0.0)


class Meter:
    """Counts from the ledger's files, of which it reads each line once, and on a clock that never jumps."""

    def __init__(self, ledger: Path | None, *, seconds: float = 0.0) -> None:
        """Begin to count.

        Args:
            ledger: folder of the ledger; None: there is none, and only time is counted.
            seconds: of earlier sessions.
        """
        self.trials: set[int] = set()
        """Trials that something was trained for."""
        self.earlier = seconds
        self._ledger = ledger
        self._began = time.monotonic()
        self._read: dict[Path, tuple[int, Lines]] = {}
        self._epochs: set[str] = set()
        self._counted: set[tuple[Any, ...]] = set()
        """What is not counted again."""
        self._macs = 0

    def spent(self) -> Spent:
        """What was spent up to now.

        Raises:
            ResultsError: a line of the ledger is damaged.
        """
        for file in sorted(self._ledger.glob("*.jsonl")) if self._ledger is not None else ():
            self._take(file)
        seconds = self.earlier + time.monotonic() - self._began
        return Spent(seconds=seconds, epochs=len(self._epochs), macs=self._macs)

    def _take(self, file: Path) -> None:
        """The lines of a file that are new, up to the last whole one; one that has not grown is not opened."""
        at, reader = self._read.get(file, (0, Lines(file=str(file))))
        if file.stat().st_size == at:
            return
        with file.open("rb") as stream:
            stream.seek(at)
            *lines, rest = stream.read().split(b"\n")
            self._read[file] = stream.tell() - len(rest), reader
        for line in lines:
            self._count(reader.take(line))

    def _count(self, line: Mapping[str, Any]) -> None:
        trial, stage, looks = line["trial"], line["stage"], line.get("kind") == "views"
        self.trials.add(trial)
        if not looks and stage != "teacher":
            self._epochs.add(line["address"])
        if looks and not line["live"]:  # fills a table: in several parts, none of them twice
            self._macs += line["macs"]
            return
        what = (trial, stage, line["epoch"]) if looks else (trial, line["address"])
        self._macs += 0 if what in self._counted else line["macs"]
        self._counted.add(what)


class Improvement:
    """Whether complete trials get better: a higher best one or, with several objectives, a new one on the front."""

    def __init__(self, directions: Sequence[tuple[str, str]]) -> None:
        """Nothing is known yet; ``directions`` are (metric, maximize | minimize)."""
        self.since = 0
        """Trials that have ended since one was better than all before."""
        self._directions = directions
        self._front: list[tuple[float, ...]] = []

    def take(self, state: str, metrics: Mapping[str, Any]) -> None:
        """The next trial has ended."""
        self.since += 1
        if state != "complete":
            return
        signs = [1.0 if side == "maximize" else -1.0 for _, side in self._directions]
        value = tuple(
            sign * metrics[metric] for sign, (metric, _) in zip(signs, self._directions, strict=True)
        )
        if not any(_reaches(other, value) for other in self._front):
            self.since = 0
            self._front = [other for other in self._front if not _reaches(value, other)] + [value]


def _reaches(one: Iterable[float], other: Iterable[float]) -> bool:
    """Whether it is nowhere worse; larger is better."""
    return all(a >= b for a, b in zip(one, other, strict=True))
