"""A book whose budget is not trials alone, walked through by hand, with a ledger as workers would write it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.events import EventLog, read_events
from analysis.files import write_json, write_text
from analysis.records import read_run
from sweeper.ahead import Ahead
from sweeper.book import EXHAUSTED, Book
from sweeper.budget import Meter
from sweeper.space import Space
from sweeper.trials import QUEUE
from trainables.addresses import DataIdentity

SPACE = """\
name: small
data: {source: digits}
model: preresnet8x4
sparsity: {epochs: 2, warmup: 0, decay_every: 1, lr: 0.05}
prune: {}
finetune: {epochs: 4, warmup: 1, decay_every: 1, lr: 0.02}
constraints: {macs: "<= 0.6"}
search:
  seed: {int_uniform: [0, 999]}
"""
METRICS = {"macs": 400, "macs_unpruned": 1000, "params": 1, "params_unpruned": 3}
Open = Callable[..., "Walk"]


class Walk:
    """A session at a run in a folder; every trial trains 4 epochs of its own, of 10 MACs each."""

    def __init__(self, folder: Path, space: Space, seconds: float = 0.0) -> None:
        self.file, self.ledger = folder / "trials.jsonl", folder / "ledger"
        self.ledger.mkdir(exist_ok=True)
        events = read_events(self.file)[0] if self.file.exists() else []
        self.log = EventLog(self.file)
        self.book = Book(space, self.log, meter=Meter(self.ledger, seconds=seconds))
        self.book.replay(events)

    @property
    def events(self) -> list[dict[str, Any]]:
        return read_events(self.file)[0]

    @property
    def asked(self) -> int:
        return sum(event["event"] == "asked" for event in self.events)

    def begin(self) -> int:
        live = self.book.next()
        assert live is not None
        return live.number

    def train(self, number: int, epochs: int = 4) -> None:
        lines = [
            {"stage": "finetune", "epoch": e, "address": f"{number}-{e}", "macs": 10, "trial": number}
            for e in range(1, epochs + 1)
        ]
        with (self.ledger / "p.jsonl").open("a") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in lines)

    def end(self, number: int, accuracy: float = 0.5) -> None:
        metrics = METRICS | {"accuracy": accuracy, "loss": 0.5}
        self.book.record(number, {"kind": "done", "metrics": metrics})

    def whole(self, accuracy: float = 0.5) -> None:
        number = self.begin()
        self.train(number)
        self.end(number, accuracy)

    def fail(self) -> None:
        self.book.record(self.begin(), {"kind": "failed", "reason": "the loss is nan"})


@pytest.fixture
def opened(tmp_path: Path, space_of: Callable[[str], Space]) -> Any:
    made: list[Walk] = []

    def make(sweep: str, **more: Any) -> Walk:
        made.append(Walk(tmp_path, space_of(SPACE + f"sweep: {{sampler: random, {sweep}}}\n"), **more))
        return made[-1]

    yield make
    for walk in made:
        walk.log.close()


@pytest.mark.parametrize(
    ("sweep", "trials", "by"),
    [
        ("epochs: 10", 3, "epochs"),
        ("epochs: 8", 2, "epochs"),
        ("macs: 81", 3, "macs"),
        ("patience: 3", 4, "patience"),
        ("patience: 3, epochs: 12, trials: 9", 3, "epochs"),
        ("trials: 2, epochs: 1000, patience: 2", 2, "trials"),
    ],
)
def test_once_a_budget_is_used_up_no_trial_is_asked_for(
    opened: Open, sweep: str, trials: int, by: str
) -> None:
    walk = opened(sweep)
    while walk.book.left:
        assert not walk.book.finished
        walk.whole()
    assert (walk.asked, walk.book.ended_by, walk.book.finished) == (trials, by, True)
    again = opened(sweep)
    assert (again.book.left, again.book.ended_by, again.book.finished) == (False, by, True)


def test_every_end_says_what_was_spent_up_to_it(opened: Open) -> None:
    walk = opened("trials: 2", seconds=100.0)
    walk.whole()
    walk.whole()
    spent = [event["spent"] for event in walk.events if event["event"] == "end"]
    assert [(one["epochs"], one["macs"]) for one in spent] == [(4, 40), (8, 80)]
    assert 100 <= spent[0]["seconds"] <= spent[1]["seconds"] < 160


def test_trials_under_way_finish(opened: Open) -> None:
    walk = opened("epochs: 4")
    one, other = walk.begin(), walk.begin()
    walk.train(one)
    walk.end(one)
    assert (walk.book.left, walk.book.finished) == (False, False)
    walk.book.died(other, "its worker process died")  # begun again: it was under way
    assert walk.begin() == other
    walk.end(other)
    assert walk.book.finished


def test_what_was_under_way_when_it_was_killed_finishes_in_the_next_session(opened: Open) -> None:
    walk = opened("epochs: 4")
    one, other = walk.begin(), walk.begin()
    walk.train(other, 2)
    walk.train(one)
    walk.end(one)
    later = opened("epochs: 4")
    assert later.begin() == other
    later.end(other)
    assert (later.book.finished, later.asked, later.book.ended_by) == (True, 2, "epochs")


def test_interrupted_anywhere_one_worker_asks_for_as_many_trials(opened: Open) -> None:
    walk = opened("epochs: 10")
    for trained in (1, 4, 3, 2):
        if not walk.book.left:
            break
        walk.train(walk.begin(), trained)
        walk = opened("epochs: 10")  # killed
        number = walk.begin()
        walk.train(number)  # what is not kept is trained again
        walk.end(number)
    assert (walk.asked, walk.book.ended_by) == (3, "epochs")


def test_a_better_trial_that_was_under_way_gives_patience_again(opened: Open) -> None:
    walk = opened("patience: 2")
    walk.whole(0.5)
    late = walk.begin()
    walk.whole(0.4)
    walk.whole(0.4)
    assert (walk.book.left, walk.book.finished) == (False, False)
    walk.end(late, 0.6)
    assert walk.book.left


def test_the_time_of_earlier_sessions_counts(opened: Open) -> None:
    walk = opened("hours: 1", seconds=3599.0)
    assert walk.book.left
    late = opened("hours: 1", seconds=3600.0)
    assert (late.book.left, late.book.ended_by) == (False, "hours")


def test_more_budget_goes_on_as_if_it_had_been_asked_for_from_the_start(opened: Open, tmp_path: Path) -> None:
    walk = opened("trials: 2")
    while walk.book.left:
        walk.whole()
    more = opened("trials: 5")
    while more.book.left:
        more.whole()
    params = [event["params"] for event in more.events if event["event"] == "asked"]
    (tmp_path / "trials.jsonl").unlink()
    whole = opened("trials: 5")
    while whole.book.left:
        whole.whole()
    assert [event["params"] for event in whole.events if event["event"] == "asked"] == params


def test_what_was_asked_for_ahead_and_never_begun_waits_for_more_budget(
    opened: Open, tmp_path: Path, space_of: Callable[[str], Space]
) -> None:
    identity = DataIdentity(
        address="images", classes=10, channels=1, pad=1, flip=False, mean=(0.5,), std=(0.25,)
    )
    ahead = Ahead(identity=identity, arithmetic={"device": "cpu"})
    walk = opened("epochs: 8, trials: 100")
    walk.book.look_ahead(ahead)
    one, other = walk.begin(), walk.begin()
    assert walk.asked > QUEUE
    for number in (one, other):
        walk.train(number)
        walk.end(number)
    assert (walk.book.finished, len(walk.book.ended)) == (True, 2)
    write_text(tmp_path / "space.yaml", walk.book.space.text())
    write_json(tmp_path / "manifest.json", {"format": 1, "status": "done", "ended_by": "epochs"})
    assert [trial.number for trial in read_run(tmp_path).trials] == [one, other]
    more = opened("epochs: 12, trials: 100")
    assert more.begin() == 2
    assert more.asked == walk.asked


def test_without_a_number_of_trials_failures_alone_do_not_go_on_for_ever(opened: Open) -> None:
    walk = opened("epochs: 10")
    while walk.book.left:
        walk.fail()
    assert (walk.asked, walk.book.exhausted, walk.book.ended_by) == (EXHAUSTED, True, "exhausted")


def test_with_a_number_of_trials_failures_are_counted_like_others(opened: Open) -> None:
    walk = opened(f"trials: {EXHAUSTED + 5}")
    while walk.book.left:
        walk.fail()
    assert (walk.asked, walk.book.ended_by) == (EXHAUSTED + 5, "trials")


def test_a_grid_that_was_tried_whole_is_exhausted(tmp_path: Path, space_of: Callable[[str], Space]) -> None:
    text = SPACE.replace("int_uniform: [0, 999]", "choice: [1, 2]")
    for sweep, by in (("{sampler: grid}", "exhausted"), ("{sampler: grid, trials: 2}", "trials")):
        folder = tmp_path / by
        folder.mkdir()
        walk = Walk(folder, space_of(f"{text}sweep: {sweep}\n"))
        while walk.book.left:
            walk.whole()
        assert (walk.asked, walk.book.ended_by) == (2, by)
        walk.log.close()
