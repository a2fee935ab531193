from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from sweeper.audit import drawn
from sweeper.space import Space

NUMBERS = range(2000)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_share_of_0_draws_no_one_and_one_of_1_everyone(seed: int, number: int) -> None:
    assert (drawn(seed, number, 0), drawn(seed, number, 1)) == (False, True)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_who_is_drawn_by_a_share_is_drawn_by_every_larger_one(
    seed: int, number: int, one: float, other: float
) -> None:
    assert drawn(seed, number, min(one, other)) <= drawn(seed, number, max(one, other))


def test_about_the_share_is_drawn_and_another_seed_draws_others() -> None:
    first, second = ({n for n in NUMBERS if drawn(seed, n, 0.1)} for seed in (0, 1))
    assert all(abs(len(found) - 200) < 4 * (2000 * 0.1 * 0.9) ** 0.5 for found in (first, second))
    assert len(first & second) < 50


@pytest.fixture
def walk_with(
    walk_of: Callable[..., Any], space_of: Callable[[str], Space], space_text: str
) -> Callable[..., Any]:
    """(share, name of the folder) -> a sweep to walk through, of which one in two goes on."""
    sweep, asha = "sampler: random", "asha: {min_peers: 2, reduction: 2, compare_within: [], audit: "

    def make(share: float, name: str = "small") -> Any:
        return walk_of(space_of(space_text.replace(sweep, f"{sweep}, {asha}{share}}}")), name)

    return make


def weak(walk: Any, live: Any = None, last: int = 4) -> Any:
    """A trial whose network is worse than any other at its rungs."""
    live = live or walk.begin()
    walk.epochs(live, "sparsity", 2)
    walk.cut(live)
    for epoch in range(1, last + 1):
        low = {"accuracy": 0.01, "address": f"weak{live.number}-{epoch}"}
        walk.book.record(live.number, {"kind": "epoch", **walk.epoch("finetune", epoch), **low})
    return live


def test_an_audited_trial_is_complete_for_the_records_and_for_the_sampler(
    walk_with: Callable[..., Any],
) -> None:
    walk = walk_with(1)
    walk.complete()
    audited = weak(walk)
    walk.book.record(audited.number, {"kind": "done", "metrics": {"accuracy": 0.01, "loss": 2.0}})
    assert [e["decision"] for e in walk.events if e["event"] == "rung"] == ["continue"] * 2 + ["audit"] * 2
    first, second = (event for event in walk.events if event["event"] == "end")
    assert (second["state"], second["audited"], second["reason"]) == ("complete", "drops=0", None)
    assert "audited" not in first
    told = walk.book.search._study.trials[1]
    assert (told.state, told.value) == (TrialState.COMPLETE, 0.01)


def test_without_an_audit_the_same_trial_stops(walk_with: Callable[..., Any]) -> None:
    walk = walk_with(0)
    walk.complete()
    weak(walk)
    assert (walk.events[-1]["state"], "audited" in walk.events[-1]) == ("stopped", False)


def test_an_audited_trial_that_an_earlier_session_left_is_still_marked_at_its_end(
    walk_with: Callable[..., Any],
) -> None:
    earlier, later = walk_with(1), walk_with(1, "later")
    earlier.complete()
    weak(earlier, last=2)
    later.book.replay(earlier.events)
    again = weak(later, later.begin())
    later.book.record(again.number, {"kind": "done", "metrics": {"accuracy": 0.01, "loss": 2.0}})
    assert [(e["event"], e["trial"]) for e in later.events] == [("rung", 1), ("end", 1)]
    assert (later.events[0]["decision"], later.events[1]["audited"]) == ("audit", "drops=0")


def test_an_audited_trial_outside_a_bound_at_its_end_is_infeasible_and_marked(
    walk_with: Callable[..., Any],
) -> None:
    walk = walk_with(1)
    walk.complete()
    audited = weak(walk)
    metrics = {"accuracy": 0.01, "loss": 2.0, "macs": 900, "macs_unpruned": 1000}
    walk.book.record(audited.number, {"kind": "done", "metrics": metrics})
    assert (walk.events[-1]["state"], walk.events[-1]["audited"]) == ("infeasible", "drops=0")
