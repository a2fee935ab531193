import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import ResultsError
from sweeper.budget import Improvement, Meter, Spent, seconds_of, used_up, uses
from sweeper.settings import Sweep

ACCURACY = (("accuracy", "maximize"),)
BOTH = (("accuracy", "maximize"), ("macs", "minimize"))


def line(**more: Any) -> str:
    usual = {"stage": "finetune", "epoch": 1, "address": "a", "macs": 10, "seconds": 0.1, "trial": 0}
    return json.dumps(usual | more) + "\n"


def views(*, live: str = "", **more: Any) -> str:
    return line(kind="views", computed=3, again=0, live=live, **more)


@pytest.fixture
def ledger(tmp_path: Path) -> Callable[..., Path]:
    """Appends lines to the file of a process; returns the folder."""

    def add(*lines: str, process: str = "p") -> Path:
        with (tmp_path / f"{process}.jsonl").open("a") as stream:
            stream.writelines(lines)
        return tmp_path

    return add


def test_epochs_are_distinct_ones_of_students(ledger: Callable[..., Path]) -> None:
    folder = ledger(line(), line(trial=1), line(address="b"), line(stage="teacher", address="t"), views())
    assert Meter(folder).spent().epochs == 2


def test_macs_are_of_students_and_teachers_and_what_a_kill_repeats_counts_once(
    ledger: Callable[..., Path],
) -> None:
    look = views(macs=1000, live="no room")
    folder = ledger(line(), line(stage="teacher", address="t", macs=100), look)
    ledger(line(), look, line(trial=1), process="after the kill")  # without a store trial 1 trains it, too
    assert Meter(folder).spent().macs == 10 + 100 + 1000 + 10


def test_looks_that_fill_a_table_are_parts_of_one_epochs(ledger: Callable[..., Path]) -> None:
    assert Meter(ledger(views(macs=1000), views(macs=200))).spent().macs == 1200


def test_what_is_added_later_is_read_once_it_is_whole(ledger: Callable[..., Path]) -> None:
    meter = Meter(ledger(line()))
    assert meter.spent().epochs == 1
    text = line(address="b", trial=4)
    ledger(text[:20])
    assert (meter.spent().epochs, meter.trials) == (1, {0})
    ledger(text[20:], line(address="c"))
    assert (meter.spent().epochs, meter.trials) == (3, {0, 4})


def test_a_confirmation_is_not_counted(ledger: Callable[..., Path]) -> None:
    folder = ledger(line())
    (folder / "confirm").mkdir()
    (folder / "confirm" / "p.jsonl").write_text(line(address="b"))
    assert Meter(folder).spent().epochs == 1


def test_a_damaged_ledger_is_told(ledger: Callable[..., Path]) -> None:
    with pytest.raises(ResultsError, match=r"p\.jsonl:1: damaged, not a strict JSON object"):
        Meter(ledger("oops\n")).spent()


def test_time_goes_on_from_earlier_sessions_and_never_back(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [50.0]
    monkeypatch.setattr("sweeper.budget.time.monotonic", lambda: moment[0])
    monkeypatch.setattr("sweeper.budget.time.time", lambda: pytest.fail("a clock that may jump"))
    meter = Meter(None, seconds=100.0)
    assert meter.spent() == Spent(seconds=100.0)
    moment[0] += 7.5
    assert meter.spent().seconds == 107.5
    events = [{"event": "asked"}, {"event": "end", "spent": {"seconds": 3.0}}, {"event": "end"}]
    assert (seconds_of(events), seconds_of([])) == (3.0, 0.0)


@pytest.mark.parametrize(
    ("asked", "spent", "since", "by"),
    [
        ({"epochs": 10}, Spent(epochs=9), 99, None),
        ({"epochs": 10}, Spent(epochs=10), 0, "epochs"),
        ({"hours": 0.5}, Spent(seconds=1799.9), 0, None),
        ({"hours": 0.5}, Spent(seconds=1800.0), 0, "hours"),
        ({"macs": 1e9}, Spent(macs=10**9 - 1), 0, None),
        ({"macs": 1e9}, Spent(macs=10**9), 0, "macs"),
        ({"patience": 3}, Spent(), 2, None),
        ({"patience": 3, "epochs": 5}, Spent(), 3, "patience"),
        ({"trials": 1}, Spent(epochs=10**9), 10**9, None),
    ],
)
def test_a_budget_is_used_up_once_so_much_is_spent(
    asked: dict[str, Any], spent: Spent, since: int, by: str | None
) -> None:
    assert used_up(Sweep(**asked), spent, since) == by


def test_uses_are_told_in_words() -> None:
    sweep = Sweep(epochs=4000, hours=2, macs=5e12, trials=3)
    found = uses(sweep, Spent(seconds=1800, epochs=1200, macs=10**12))
    words = ["1,200 of 4,000 epochs", "0.5 of 2 hours", "1.00 T of 5.00 T MACs"]
    assert [use.words for use in found] == words
    assert [use.share for use in found] == [0.3, 0.25, 0.2]
    assert uses(Sweep(trials=3), Spent()) == ()


def after(directions: Any, *ends: Any) -> int:
    found = Improvement(directions)
    for end in ends:
        if isinstance(end, str):
            found.take(end, {})
        else:
            found.take("complete", dict(zip(("accuracy", "macs"), end, strict=False)))
    return found.since


def test_only_a_complete_trial_that_is_better_than_all_before_ends_the_wait() -> None:
    assert after(ACCURACY, "failed", "stopped", "infeasible") == 3
    assert after(ACCURACY, "failed", (0.5,)) == 0
    assert after(ACCURACY, (0.5,), (0.5,), (0.4,), "stopped") == 3
    assert after(ACCURACY, (0.5,), (0.4,), (0.6,)) == 0
    assert after((("loss", "minimize"),)) == 0


def test_with_several_objectives_a_new_member_of_the_front_ends_the_wait() -> None:
    assert after(BOTH, (0.5, 100), (0.6, 200), (0.4, 50)) == 0
    assert after(BOTH, (0.5, 100), (0.5, 100), (0.4, 100), (0.5, 101)) == 3
    assert after(BOTH, (0.5, 100), (0.6, 90), (0.5, 100)) == 1


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_a_front_that_is_kept_tells_the_same_as_all_trials(values: list[tuple[int, int]]) -> None:
    expected = 0
    for number, (accuracy, macs) in enumerate(values):
        before = values[:number]
        expected = expected + 1 if any(a >= accuracy and m <= macs for a, m in before) else 0
    assert after(BOTH, *values) == expected
