import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from analysis.events import EventLog, read_events
from sweeper.book import Book
from sweeper.space import Space, check
from sweeper.strict_yaml import parse

TEXT = """\
data: {source: digits}
model: preresnet8
sparsity: {epochs: 2, warmup: 1, decay_every: 1}
prune: {method: slimming}
finetune: {epochs: 4, warmup: 1, decay_every: 1}
search:
  seed: {int_uniform: [0, 1000]}
constraints: {macs: "<= 0.5"}
sweep: {trials: 8, sampler: random, asha: {min_peers: 2, reduction: 2}}
"""
# finetune's rate drops after epochs 2 and 3: rungs drops=0 and drops=1

Event = dict[str, Any]
LOGS: list[EventLog] = []


def space(text: str = TEXT) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


class Desk:
    """A book over a file in a folder, fed by hand."""

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        self.file = folder / "trials.jsonl"
        self.heard: list[Event] = []
        self.watched: list[tuple[int, str, int, bool]] = []
        events = read_events(self.file)[0] if self.file.exists() else []
        log = EventLog(self.file)
        LOGS.append(log)
        self.book = Book(
            space(text),
            log,
            listeners=[self.heard.append],
            watchers=[
                lambda number, entry, reused: self.watched.append(
                    (number, entry["stage"], entry["epoch"], reused)
                )
            ],
        )
        self.book.replay(events)

    @property
    def events(self) -> list[Event]:
        return read_events(self.file)[0]

    @property
    def kinds(self) -> list[tuple[str, int]]:
        return [(event["event"], event["trial"]) for event in self.events]

    def begin(self) -> int:
        number = self.book.next().number
        assert self.book.record(number, {"kind": "begin", "pid": 1}) == "continue"
        return number

    def to_finetune(self, number: int, macs: float = 40.0) -> str:
        for epoch in (1, 2):
            assert self.book.record(number, epoch_of("sparsity", epoch, 0.9, "s")) == "continue"
        return self.book.record(number, {"kind": "prune", **cut(macs)})

    def finetune(self, number: int, accuracies: list[float], address: str | None = None) -> list[str]:
        """Epochs one after another until the book says stop."""
        said = []
        for epoch, accuracy in enumerate(accuracies, start=1):
            said.append(
                self.book.record(number, epoch_of("finetune", epoch, accuracy, address or f"net{number}"))
            )
            if said[-1] == "stop":
                break
        return said


def entry_of(stage: str, epoch: int, accuracy: float, network: str) -> Event:
    return {
        "stage": stage,
        "epoch": epoch,
        "accuracy": accuracy,
        "loss": 1 - accuracy,
        "address": f"{network}-{stage}-{epoch}",
        "lr": 0.1,
        "train_loss": 1.0,
        "seconds": 0.1,
    }


def epoch_of(stage: str, epoch: int, accuracy: float, network: str) -> Event:
    return {"kind": "epoch", **entry_of(stage, epoch, accuracy, network)}


def cut(macs: float) -> Event:
    return {
        "stage": "prune",
        "epoch": 0,
        "accuracy": 0.3,
        "loss": 2.0,
        "address": "cut",
        "params": 50,
        "params_unpruned": 100,
        "macs": macs,
        "macs_unpruned": 100,
        "percent_cut": 0.5,
    }


def done(accuracy: float, macs: float = 40.0) -> Event:
    measured = {key: value for key, value in cut(macs).items() if key in ("params", "macs", "percent_cut")}
    more = {"macs_unpruned": 100, "params_unpruned": 100, "accuracy_pruned": 0.3}
    return {"kind": "done", "metrics": {"accuracy": accuracy, "loss": 0.1, **measured, **more}}


@pytest.fixture(autouse=True)
def _closed_logs() -> Iterator[None]:
    yield
    while LOGS:
        LOGS.pop().close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_trial_is_written_down_before_it_begins(desk: Desk) -> None:
    live = desk.book.next()
    assert desk.kinds == [("asked", 0)]
    assert desk.events[0]["params"] == live.params
    assert desk.heard == desk.events


def test_a_whole_trial_is_told_with_its_curve_and_its_epochs(desk: Desk) -> None:
    number = desk.begin()
    desk.to_finetune(number)
    assert desk.finetune(number, [0.5, 0.6, 0.7, 0.8]) == ["continue"] * 4
    assert desk.book.record(number, done(0.8)) == "stop"
    end = desk.events[-1]
    assert (end["event"], end["state"], end["reason"]) == ("end", "complete", None)
    assert (end["epochs_trained"], end["epochs_reused"], end["teacher_epochs_trained"]) == (6, 0, 0)
    assert [entry["epoch"] for entry in end["curve"]] == [1, 2, 0, 1, 2, 3, 4]
    assert end["metrics"]["accuracy"] == 0.8
    assert end["violations"] == {"macs": pytest.approx(-0.1)}
    assert end["settings"]["finetune"]["epochs"] == 4
    assert number not in desk.book.live
    assert [kind for kind, _ in desk.kinds] == ["asked", "rung", "rung", "end"]


def test_a_network_outside_a_bound_ends_right_after_the_cut(desk: Desk) -> None:
    number = desk.begin()
    assert desk.to_finetune(number, macs=60.0) == "stop"
    end = desk.events[-1]
    assert (end["state"], end["violations"]) == ("infeasible", {"macs": pytest.approx(0.1)})
    assert end["reason"] == "macs 60 (0.600 of the unpruned) is not <= 0.5"
    assert "accuracy" not in end["metrics"]
    assert end["metrics"]["macs"] == 60
    assert end["epochs_trained"] == 2


def test_the_rung_is_written_before_the_end_that_it_brings(desk: Desk) -> None:
    first, second = desk.begin(), desk.begin()
    for number in (first, second):
        desk.to_finetune(number)
    desk.finetune(first, [0.8, 0.8])
    assert desk.finetune(second, [0.5, 0.5, 0.9]) == ["continue", "stop"]
    rung, end = desk.events[-2:]
    assert (rung["event"], rung["trial"], rung["decision"], rung["peers"]) == ("rung", second, "stop", 2)
    assert (rung["rung"], rung["epoch"], rung["value"]) == ("drops=0", 2, 0.5)
    assert (end["event"], end["state"]) == ("end", "stopped")
    assert end["reason"] == "2 of 2 at rung drops=0 after epoch 2"
    assert end["metrics"]["accuracy"] == 0.5


def test_what_comes_after_the_end_is_answered_with_stop_and_changes_nothing(desk: Desk) -> None:
    number = desk.begin()
    desk.to_finetune(number, macs=60.0)
    before = desk.events
    assert desk.book.record(number, epoch_of("finetune", 1, 0.9, "x")) == "stop"
    desk.book.died(number, "too late")
    assert desk.events == before


def test_reused_epochs_are_judged_like_trained_ones(desk: Desk) -> None:
    first, second = desk.begin(), desk.begin()
    desk.to_finetune(first)
    desk.finetune(first, [0.8, 0.8])
    stored = [entry_of("sparsity", epoch, 0.9, "s") for epoch in (1, 2)] + [cut(40.0)]
    stored += [entry_of("finetune", epoch, 0.4, "weak") for epoch in (1, 2, 3)]
    assert desk.book.record(second, {"kind": "reused", "stage": "finetune", "epochs": stored}) == "stop"
    end = desk.events[-1]
    assert (end["state"], end["epochs_trained"], end["epochs_reused"]) == ("stopped", 0, 4)
    assert [entry["epoch"] for entry in end["curve"]] == [1, 2, 0, 1, 2]
    assert all(reused for number, _, _, reused in desk.watched if number == second)


def test_the_teachers_epochs_are_counted_by_themselves_and_are_no_part_of_the_curve(desk: Desk) -> None:
    number = desk.begin()
    for epoch in (1, 2, 3):
        desk.book.record(number, epoch_of("teacher", epoch, 0.9, "t"))
    desk.book.record(
        number, {"kind": "reused", "stage": "teacher", "epochs": [entry_of("teacher", 4, 1, "t")]}
    )
    desk.to_finetune(number)
    desk.finetune(number, [0.5] * 4)
    desk.book.record(number, done(0.5))
    end = desk.events[-1]
    assert (end["teacher_epochs_trained"], end["epochs_trained"]) == (3, 6)
    assert "teacher" not in {entry["stage"] for entry in end["curve"]}


def test_a_worker_that_begins_again_counts_nothing_twice(desk: Desk) -> None:
    first, second = desk.begin(), desk.begin()
    desk.to_finetune(first)
    desk.finetune(first, [0.8, 0.8])
    desk.to_finetune(second)
    desk.finetune(second, [0.9, 0.9])
    rungs = desk.kinds.count(("rung", second))
    desk.book.record(second, {"kind": "begin", "pid": 2})
    desk.to_finetune(second)
    assert desk.finetune(second, [0.9, 0.9]) == ["continue"] * 2
    assert desk.kinds.count(("rung", second)) == rungs
    for epoch in (3, 4):
        desk.book.record(second, epoch_of("finetune", epoch, 0.9, "net1"))
    desk.book.record(second, done(0.9))
    end = desk.events[-1]
    assert [entry["stage"] for entry in end["curve"]].count("sparsity") == 2
    assert end["epochs_trained"] == 2 + 4


@pytest.mark.parametrize("stage", ["teacher", "finetune"])
def test_a_value_that_is_not_finite_fails_the_trial_at_once(desk: Desk, stage: str) -> None:
    number = desk.begin()
    desk.to_finetune(number)
    entry = epoch_of(stage, 1, 0.9, "net") | {"loss": float("nan")}
    assert desk.book.record(number, entry) == "stop"
    end = desk.events[-1]
    assert (end["state"], end["reason"]) == ("failed", f"{stage}: loss is nan after epoch 1")
    assert [entry["stage"] for entry in end["curve"]] == ["sparsity", "sparsity", "prune"]


def test_equal_networks_are_one_peer(desk: Desk) -> None:
    numbers = [desk.begin() for _ in range(3)]
    for number in numbers:
        desk.to_finetune(number)
        assert desk.finetune(number, [0.5, 0.5], address="same") == ["continue"] * 2
    assert [event["peers"] for event in desk.events if event["event"] == "rung"] == [1, 1, 1]


def test_trials_are_compared_with_their_like_only(tmp_path: Path) -> None:
    text = TEXT.replace("  seed: {int_uniform: [0, 1000]}", "  prune.percent: [0.5, 0.9]")
    desk = Desk(tmp_path, text.replace("sampler: random", "sampler: grid"))
    strong, weak = desk.begin(), desk.begin()
    for number, accuracy in ((strong, 0.9), (weak, 0.2)):
        desk.to_finetune(number)
        assert desk.finetune(number, [accuracy] * 2) == ["continue"] * 2
    names = [event["rung"] for event in desk.events if event["event"] == "rung"]
    assert names == ["drops=0 prune.percent=0.5", "drops=0 prune.percent=0.9"]


@pytest.mark.parametrize(
    "objective", ["{maximize: accuracy}", "{minimize: loss}", "{minimize: macs}", "{maximize: percent_cut}"]
)
def test_the_weaker_network_is_stopped_whatever_the_objective(objective: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path, f"{TEXT}objective: {objective}\n")
    first, strong, weak = desk.begin(), desk.begin(), desk.begin()
    for number in (first, strong, weak):
        desk.to_finetune(number)
    desk.finetune(first, [0.5, 0.5])
    assert desk.finetune(strong, [0.8, 0.8])[-1] == "continue"
    assert desk.finetune(weak, [0.2, 0.2])[-1] == "stop"


def test_a_failed_trial_says_why_and_the_sweep_goes_on(desk: Desk) -> None:
    number, other = desk.begin(), desk.begin()
    desk.book.record(number, {"kind": "failed", "reason": "the loss is not finite"})
    assert [(event["state"], event["reason"]) for event in desk.events[-1:]] == [
        ("failed", "the loss is not finite")
    ]
    assert other in desk.book.live
    assert desk.book.left
    assert desk.book.fatal is None


def test_a_trial_whose_worker_died_is_begun_again_under_its_number_but_not_for_ever(desk: Desk) -> None:
    number = desk.begin()
    for _ in range(3):
        desk.book.died(number, "its worker process died")
        assert number not in desk.book.live
        assert desk.book.left
        assert desk.book.next().number == number
    desk.book.died(number, "its worker process died")
    assert [event["event"] for event in desk.events] == ["asked", "end"]
    assert desk.events[-1]["state"] == "failed"
    assert desk.events[-1]["reason"] == "its worker process died, again after 3 retries"


def test_each_way_in_which_the_workers_of_a_trial_died_is_told_once(desk: Desk) -> None:
    number = desk.begin()
    for reason in ("out of memory", "it hung", "out of memory"):
        desk.book.died(number, reason)
        assert desk.begin() == number
    desk.book.died(number, "it hung")
    assert desk.events[-1]["reason"] == "out of memory; then it hung, again after 3 retries"


def test_a_full_disk_ends_the_sweep_and_leaves_the_trial_to_be_resumed(desk: Desk, tmp_path: Path) -> None:
    number = desk.begin()
    assert desk.book.record(number, {"kind": "failed", "reason": "no space", "fatal": True}) == "stop"
    assert desk.book.fatal == "no space"
    assert not desk.book.left
    assert desk.kinds == [("asked", number)]
    later = Desk(tmp_path)
    assert later.book.left
    assert later.begin() == number


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file can grow beyond a size, as on a full disk."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_once_the_disk_refuses_an_event_nothing_more_is_decided(desk: Desk, tmp_path: Path) -> None:
    one, other = desk.begin(), desk.begin()
    before = desk.file.read_bytes()
    with full_after(len(before) + 10):
        assert desk.book.record(one, {"kind": "failed", "reason": "the loss is nan"}) == "stop"
    assert desk.book.fatal == "trials.jsonl can't be written: File too large"
    assert desk.book.record(other, {"kind": "failed", "reason": "the loss is nan"}) == "stop"
    assert desk.file.read_bytes() == before
    assert (desk.book.left, desk.book.finished) == (False, False)
    later = Desk(tmp_path)
    assert [later.begin(), later.begin()] == [one, other]


def test_a_trial_that_cannot_be_written_down_is_not_begun(desk: Desk) -> None:
    with full_after(10), pytest.raises(OSError, match="File too large"):
        desk.book.next()
    assert desk.book.fatal == "trials.jsonl can't be written: File too large"
    assert desk.book.live == {}
    assert desk.events == []


def test_a_book_is_finished_when_every_trial_has_ended(desk: Desk) -> None:
    while desk.book.left:
        number = desk.begin()
        assert not desk.book.finished
        desk.book.record(number, {"kind": "failed", "reason": "the loss is nan"})
    assert desk.book.finished


def test_events_hold_no_number_that_json_has_not(desk: Desk) -> None:
    number = desk.begin()
    desk.to_finetune(number)
    metrics = done(0.5)["metrics"] | {"loss": float("inf"), "test_loss": float("nan")}
    desk.book.record(number, {"kind": "done", "metrics": metrics})
    end = json.loads(desk.file.read_bytes().splitlines()[-1], parse_constant=pytest.fail)
    assert not {"loss", "test_loss"} & set(end["metrics"])
    assert end["metrics"]["accuracy"] == 0.5


def test_a_book_from_the_events_asks_for_the_same_trials(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = Desk(tmp_path / "whole")
    asked = [whole.book.next().params for _ in range(8)]
    assert not whole.book.left
    (tmp_path / "cut").mkdir()
    cut_ = Desk(tmp_path / "cut")
    for _ in range(3):
        cut_.begin()
    cut_.to_finetune(0, macs=60.0)
    later = Desk(tmp_path / "cut")
    begun = []
    while later.book.left:
        live = later.book.next()
        begun.append((live.number, live.params))
    assert begun == list(enumerate(asked))[1:]
    assert later.kinds.count(("asked", 1)) == 1


def test_killed_between_a_rung_and_its_end_the_decision_stays(desk: Desk, tmp_path: Path) -> None:
    first, second = desk.begin(), desk.begin()
    for number in (first, second):
        desk.to_finetune(number)
    desk.finetune(first, [0.8, 0.8])
    desk.finetune(second, [0.5, 0.5])
    lines = desk.file.read_bytes().splitlines(keepends=True)
    assert json.loads(lines[-1])["event"] == "end"
    desk.file.write_bytes(b"".join(lines[:-1]))
    later = Desk(tmp_path)
    assert [later.begin(), later.begin()] == [first, second]
    later.to_finetune(second)
    assert later.finetune(second, [0.5, 0.5, 0.9]) == ["continue", "stop"]
    end = later.events[-1]
    assert (end["event"], end["trial"], end["state"]) == ("end", second, "stopped")
    assert end["reason"] == "2 of 2 at rung drops=0 after epoch 2"
    assert later.kinds.count(("rung", second)) == 1


def test_peers_of_an_earlier_session_count(desk: Desk, tmp_path: Path) -> None:
    number = desk.begin()
    desk.to_finetune(number)
    desk.finetune(number, [0.8] * 4)
    desk.book.record(number, done(0.8))
    later = Desk(tmp_path)
    second = later.begin()
    later.to_finetune(second)
    assert later.finetune(second, [0.1, 0.1]) == ["continue", "stop"]


def test_waiting_is_seen_and_passes(desk: Desk) -> None:
    number = desk.begin()
    assert desk.book.record(number, {"kind": "waiting", "stage": "sparsity", "epoch": 2}) == "continue"
    live = desk.book.live[number]
    assert (live.waiting, live.stage, live.epoch, live.epochs) == (True, "sparsity", 2, 2)
    time.sleep(0.05)
    desk.book.record(number, epoch_of("sparsity", 2, 0.5, "s"))
    assert not desk.book.live[number].waiting
    desk.book.record(number, {"kind": "failed", "reason": "the loss is nan"})
    end = desk.events[-1]
    assert 0.05 <= end["seconds_waiting"] <= end["seconds"]


def from_file(stage: str, more: str = "") -> str:
    """A space whose pipeline begins with a file."""
    order = ["sparsity", "prune", "finetune"]
    lines = [
        line.replace(f"{stage}: {{", f"{stage}: {{init: network.pth, trained_on: train, ")
        for line in TEXT.splitlines(keepends=True)
        if not line.startswith(tuple(order[: order.index(stage)]))
    ]
    return "".join(lines).replace("prune: {", f"prune: {{{more}")


def test_a_pruned_network_from_a_file_is_measured_by_the_bounds_at_once(tmp_path: Path) -> None:
    desk = Desk(tmp_path, from_file("finetune"))
    fits, large = desk.begin(), desk.begin()
    assert desk.book.record(fits, {"kind": "init", **cut(40.0), "stage": "init"}) == "continue"
    assert desk.book.record(large, {"kind": "init", **cut(60.0), "stage": "init"}) == "stop"
    assert (desk.events[-1]["state"], desk.events[-1]["trial"]) == ("infeasible", large)
    desk.finetune(fits, [0.5, 0.6, 0.7, 0.8])
    desk.book.record(fits, done(0.8))
    assert [entry["stage"] for entry in desk.events[-1]["curve"]] == ["init", *["finetune"] * 4]
    assert desk.events[-1]["epochs_trained"] == 4


def test_a_network_from_a_file_that_is_cut_later_is_measured_then(tmp_path: Path) -> None:
    desk = Desk(tmp_path, from_file("prune"))
    number = desk.begin()
    assert desk.book.record(number, {"kind": "init", **cut(100.0), "stage": "init"}) == "continue"
    assert desk.book.record(number, {"kind": "prune", **cut(60.0)}) == "stop"
    assert desk.events[-1]["state"] == "infeasible"


def test_only_the_last_cut_of_a_gradual_prune_is_measured_by_the_bounds(tmp_path: Path) -> None:
    desk = Desk(tmp_path, TEXT.replace("prune: {", "prune: {gradual: {steps: 2, epochs: 1}, "))
    fits, large = desk.begin(), desk.begin()
    for number, macs in ((fits, 40.0), (large, 60.0)):
        assert desk.book.record(number, {"kind": "prune", **cut(80.0)}) == "continue"
        assert desk.book.record(number, epoch_of("gradual", 1, 0.5, "g")) == "continue"
        said = desk.book.record(number, {"kind": "prune", **cut(macs), "epoch": 1})
        assert said == ("continue" if number == fits else "stop")
    desk.finetune(fits, [0.5] * 4)
    desk.book.record(fits, done(0.5))
    end = desk.events[-1]
    assert end["epochs_trained"] == 5
    assert [entry["stage"] for entry in end["curve"]] == ["prune", "gradual", "prune", *["finetune"] * 4]
