"""The runs of a confirmation, walked through by hand: a real book over a real file, no Ray."""

import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.events import EventLog, read_events
from sweeper.ahead import Ahead
from sweeper.confirm import Planned, key_of, plan_runs
from sweeper.confirm_book import ConfirmBook
from sweeper.live import Live
from sweeper.space import Space
from trainables.addresses import DataIdentity

DISTILLED = {"sparsity.s": 1e-3, "prune.percent": 0.7, "finetune.kd": "dist", "finetune.kd_weight": 1}
PLAIN = {"sparsity.s": 1e-3, "prune.percent": 0.7, "finetune.kd": "none"}
IDENTITY = DataIdentity(address="a", classes=10, channels=1, pad=0, flip=False, mean=(0.5,), std=(0.2,))
METRICS = {"test_accuracy": 0.5, "test_images": 360, "macs": 400}


@pytest.fixture
def confirming(space_of: Callable[[str], Space], space_text: str) -> Space:
    return space_of(space_text + "confirm: {top: 2, seeds: 2}\n")


@pytest.fixture
def runs(confirming: Space) -> list[Planned]:
    """Two finalists, a baseline and a twin, which is what the second finalist is, on two seeds."""
    return plan_runs(confirming, [(4, DISTILLED), (9, PLAIN)])


Open = Callable[[Sequence[Planned]], ConfirmBook]


@pytest.fixture
def open_book(confirming: Space, tmp_path: Path) -> Iterator[Open]:
    """Planned runs -> their book in ``tmp_path``, as a session makes it."""
    logs = []

    def make(planned: Sequence[Planned]) -> ConfirmBook:
        logs.append(EventLog(tmp_path / "confirm.jsonl"))
        book = ConfirmBook(confirming, logs[-1], planned)
        book.replay(read_events(tmp_path / "confirm.jsonl")[0])
        return book

    yield make
    for log in logs:
        log.close()


def end(book: ConfirmBook, live: Live) -> None:
    """A run trains one epoch, without validation images, and is done."""
    entry = {"stage": "finetune", "epoch": 1, "lr": 0.1, "train_loss": 1.0, "address": f"{live.number}"}
    assert book.record(live.number, {"kind": "epoch", **entry}) == "continue"
    assert book.record(live.number, {"kind": "done", "metrics": METRICS}) == "stop"


def finish(book: ConfirmBook) -> list[int]:
    """Run all that is left; the numbers that were begun."""
    begun = []
    while (live := book.next()) is not None:
        begun.append(live.number)
        end(book, live)
    return begun


def test_every_planned_run_is_asked_once_and_says_what_it_is(
    open_book: Open, runs: list[Planned], tmp_path: Path
) -> None:
    book = open_book(runs)
    assert (book.left, book.finished, book.budget) == (True, False, 8)
    assert finish(book) == [*range(8)]
    assert (book.left, book.finished, book.budget) == (False, True, 8)
    events = read_events(tmp_path / "confirm.jsonl")[0]
    for kind in ("asked", "end"):
        told = [event for event in events if event["event"] == kind]
        assert [key_of(event) for event in told] == [key_of(one.about) for one in runs]
        assert [event["params"] for event in told] == [one.params for one in runs]
    ends = [event for event in events if event["event"] == "end"]
    assert all(event["metrics"] == METRICS for event in ends)
    assert [event["settings"]["seed"] for event in ends] == [1] * 4 + [2] * 4


def test_a_bound_of_the_search_stops_no_run(open_book: Open, runs: list[Planned]) -> None:
    book = open_book(runs)
    live = book.next()
    assert live is not None
    cut = {"stage": "prune", "epoch": 0, "macs": 999, "macs_unpruned": 1000, "address": "cut"}
    assert book.record(live.number, {"kind": "prune", **cut}) == "continue"
    end(book, live)
    assert book.ended[live.number]["state"] == "complete"


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=4))
def test_however_often_it_is_killed_every_run_ends_once(
    open_book: Open, runs: list[Planned], tmp_path: Path, stops: list[tuple[int, int]]
) -> None:
    (tmp_path / "confirm.jsonl").unlink(missing_ok=True)
    for ended, under_way in stops:
        book = open_book(runs)
        for done in [True] * ended + [False] * under_way:
            live = book.next()
            if live is not None and done:
                end(book, live)
    finish(open_book(runs))
    events = read_events(tmp_path / "confirm.jsonl")[0]
    for kind in ("asked", "end"):
        told = [key_of(event) for event in events if event["event"] == kind]
        assert sorted(told) == sorted(key_of(one.about) for one in runs)


def test_equal_recipes_are_trained_once(open_book: Open, runs: list[Planned]) -> None:
    book = open_book(runs)
    book.look_ahead(Ahead(identity=IDENTITY, arithmetic={}))
    assert len(finish(book)) == 6  # the twin is the second finalist, on both seeds
    twins = [event for event in book.ended.values() if event["role"] == "twin"]
    assert [book.ended[event["duplicate_of"]]["of"] for event in twins] == [9, 9]
    assert [event["metrics"] for event in twins] == [METRICS, METRICS]
    assert book.finished


def test_new_finalists_are_added_and_former_ones_stay_but_are_not_gone_on_with(
    open_book: Open, confirming: Space, runs: list[Planned], tmp_path: Path
) -> None:
    book = open_book(runs)
    finalist, _ = book.next(), book.next()
    assert finalist is not None
    end(book, finalist)  # killed here, with the second finalist under way
    better = {**DISTILLED, "prune.percent": 0.5}
    book = open_book(plan_runs(confirming, [(12, better), (4, DISTILLED)]))
    assert book.budget == 8
    begun = finish(book)
    assert begun == [*range(2, 9)]
    assert key_of(book.ended[0]) == ("finalist", 4, 1, "train")
    assert 1 not in book.ended
    assert book.finished


def test_runs_on_other_images_answer_nothing(open_book: Open, confirming: Space, runs: list[Planned]) -> None:
    finish(open_book(runs))
    joined = confirming.settings.model_copy(
        update={"confirm": confirming.settings.confirm.model_copy(update={"data": "train+val"})}  # type: ignore[union-attr]
    )
    book = open_book(plan_runs(replace(confirming, settings=joined), [(4, DISTILLED), (9, PLAIN)]))
    book.look_ahead(Ahead(identity=IDENTITY, arithmetic={}))
    assert (book.budget, len(book.ended)) == (8, 0)
    assert len(finish(book)) == 6
    assert {event["data"] for event in book.ended.values()} == {"train+val"}


def test_a_worker_that_dies_is_begun_again_and_at_last_fails_its_run(
    open_book: Open, runs: list[Planned]
) -> None:
    book = open_book(runs[:1])
    for _ in range(4):
        live = book.next()
        assert live is not None
        book.died(live.number, "its worker process died")
    assert book.ended[0]["state"] == "failed"
    assert (book.ended[0]["role"], book.finished) == ("finalist", True)


def test_a_full_disk_ends_it_and_names_its_file(
    open_book: Open, runs: list[Planned], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = open_book(runs)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(EventLog, "append", full)
    with pytest.raises(OSError, match="No space left"):
        book.next()
    assert book.fatal == "confirm.jsonl can't be written: No space left on device"
    assert not book.finished
