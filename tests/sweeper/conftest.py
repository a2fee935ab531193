"""A small space, and a sweep of it that is walked through by hand: a real book over a real file, no Ray."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from analysis.events import EventLog, read_events
from sweeper.book import Book
from sweeper.live import Live
from sweeper.space import Space, check
from sweeper.strict_yaml import parse

SPACE = """\
name: small
data: {source: digits}
model: preresnet8x4
teacher: {model: resnet8x4, epochs: 10, warmup: 1, decay_every: 1}
sparsity: {epochs: 2, warmup: 0, decay_every: 1, lr: 0.05}
prune: {}
finetune: {epochs: 4, warmup: 1, decay_every: 1, lr: 0.02}
constraints: {macs: "<= 0.6"}
sweep: {trials: 12, sampler: random}
search:
  sparsity.s: {log_uniform: [1e-3, 3e-2], points: 4}
  prune.percent: [0.5, 0.7]
  finetune.kd: [none, dist]
  finetune.kd_weight: {choice: [0.5, 1, 2], when: {finetune.kd: dist}}
"""
METRICS = {"macs": 400, "macs_unpruned": 1000, "params": 1_230_000, "params_unpruned": 3_000_000}


class Walk:
    """What workers would say, said by hand. The accuracy after epoch e is e/4."""

    def __init__(self, folder: Path, space: Space, **listening: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.space = space
        self.log = EventLog(folder / "trials.jsonl")
        self.book = Book(space, self.log, **listening)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All that is on the disk."""
        return read_events(self.log.path)[0]

    def begin(self) -> Live:
        """The next trial."""
        return self.book.next()

    def epochs(self, live: Live, stage: str, last: int, *, kind: str = "epoch") -> None:
        """Epochs 1 to ``last`` of a stage, trained or reused."""
        entries = [self.epoch(stage, e, f"{live.number}-{stage}-{e}") for e in range(1, last + 1)]
        if kind == "reused":
            self.book.record(live.number, {"kind": kind, "stage": stage, "epochs": entries})
        else:
            for entry in entries:
                self.book.record(live.number, {"kind": kind, **entry})

    def epoch(self, stage: str, number: int, address: str = "") -> dict[str, Any]:
        """The entry of one epoch."""
        values = {"accuracy": number / 4, "loss": 0.5, "lr": 0.1, "train_loss": 1 / (number + 1)}
        return {"stage": stage, "epoch": number, **values, "seconds": 0.25, "address": address}

    def cut(self, live: Live, macs: int = 400) -> None:
        """The cut, to so many of 1000 MACs."""
        more = {"percent_cut": 0.49, "channels": [3, 4], "channels_unpruned": [8, 8]}
        entry = self.epoch("prune", 0, f"{live.number}-cut") | METRICS | {"macs": macs, **more}
        self.book.record(live.number, {"kind": "prune", **entry})

    def complete(self, live: Live | None = None, *, accuracy: float = 0.75) -> int:
        """A whole trial, a new one unless given: 2 epochs reused, 4 trained; its number."""
        live = live or self.begin()
        self.epochs(live, "sparsity", 2, kind="reused")
        self.cut(live)
        self.epochs(live, "finetune", 4)
        metrics = METRICS | {"accuracy": accuracy, "accuracy_best_epoch": accuracy, "loss": 0.5}
        self.book.record(live.number, {"kind": "done", "metrics": metrics | {"address": f"net{live.number}"}})
        return live.number

    def infeasible(self, macs: int = 900) -> int:
        """A trial whose network is outside the bound; its number."""
        live = self.begin()
        self.epochs(live, "sparsity", 2)
        self.cut(live, macs)
        return live.number

    def fail(self, reason: str = "the loss is nan") -> int:
        """A trial that breaks at once; its number."""
        live = self.begin()
        self.book.record(live.number, {"kind": "failed", "reason": reason})
        return live.number


@pytest.fixture
def space_text() -> str:
    """The small space as a file holds it; more lines of ``search`` can be put behind it."""
    return SPACE


@pytest.fixture
def space_of() -> Callable[[str], Space]:
    """Text -> Space."""
    return lambda text: check(parse(text, "f.yaml"), default_name="f")


@pytest.fixture
def space(space_of: Callable[[str], Space]) -> Space:
    """The small space."""
    return space_of(SPACE)


@pytest.fixture
def walk_of(tmp_path: Path) -> Iterator[Callable[..., Walk]]:
    """(space, name of the folder, listeners and watchers of the book) -> a sweep to walk through."""
    made: list[Walk] = []

    def make(space: Space, name: str = "small", **listening: Any) -> Walk:
        made.append(Walk(tmp_path / name, space, **listening))
        return made[-1]

    yield make
    for walk in made:
        walk.log.close()


@pytest.fixture
def walk(walk_of: Callable[..., Walk], space: Space) -> Walk:
    """A sweep of the small space in ``tmp_path / "small"``."""
    return walk_of(space)
