from collections.abc import Callable
from typing import Any

import pytest

from sweeper.judge import Judge
from sweeper.live import Live
from sweeper.space import Space

SWEEP = "sweep: {trials: 12, sampler: random"


@pytest.fixture
def stopping(space_of: Callable[[str], Space], space_text: str) -> Space:
    """The small space with rungs after epochs 2 and 3 of finetuning."""
    return space_of(
        space_text.replace(SWEEP, SWEEP + ", asha: {min_peers: 2, reduction: 2, compare_within: []}")
    )


def live(space: Space, number: int) -> Live:
    params = {"sparsity.s": 0.001, "prune.percent": 0.5, "finetune.kd": "none"}
    return Live(number=number, params=params, recipe=space.recipe(params))


def entry(epoch: int, accuracy: float, address: str, stage: str = "finetune") -> dict[str, Any]:
    return {"stage": stage, "epoch": epoch, "accuracy": accuracy, "address": address}


def test_only_the_ends_of_plateaus_of_the_last_stage_are_rungs(stopping: Space) -> None:
    judge, one = Judge(stopping), live(stopping, 0)
    assert judge.at_rung(one, entry(2, 0.9, "a", stage="sparsity")) is None
    assert [epoch for epoch in (1, 2, 3, 4) if judge.at_rung(one, entry(epoch, 0.9, "a"))] == [2, 3]
    assert one.rungs == {2: 0.9, 3: 0.9}


def test_without_asha_no_one_is_compared(space: Space) -> None:
    assert Judge(space).at_rung(live(space, 0), entry(2, 0.1, "a")) is None


def test_the_weaker_of_two_stops_with_its_place_and_an_event_to_write_first(stopping: Space) -> None:
    judge = Judge(stopping)
    first = judge.at_rung(live(stopping, 0), entry(2, 0.9, "a"))
    second = judge.at_rung(live(stopping, 1), entry(2, 0.5, "b"))
    assert first is not None
    assert second is not None
    assert (first.reason, second.reason) == (None, "2 of 2 at rung drops=0 after epoch 2")
    assert second.event == {
        "event": "rung", "trial": 1, "rung": "drops=0", "epoch": 2, "address": "b", "value": 0.5,
        "peers": 2, "decision": "stop",
    }  # fmt: skip


def test_what_an_earlier_session_decided_stands_and_is_not_written_again(stopping: Space) -> None:
    earlier, later = Judge(stopping), Judge(stopping)
    for number, (accuracy, address) in enumerate([(0.9, "a"), (0.5, "b")]):
        verdict = earlier.at_rung(live(stopping, number), entry(2, accuracy, address))
        assert verdict is not None
        assert verdict.event is not None
        later.replay(verdict.event)
    again = later.at_rung(live(stopping, 1), entry(2, 0.5, "b"))
    assert again is not None
    assert (again.event, again.reason) == (None, "2 of 2 at rung drops=0 after epoch 2")


@pytest.mark.parametrize(
    ("metrics", "reason", "amount"),
    [
        ({"macs": 600, "macs_unpruned": 1000}, None, 0.0),
        ({"macs": 610, "macs_unpruned": 1000}, "macs 610 (0.610 of the unpruned) is not <= 0.6", 0.01),
    ],
)
def test_a_bound_is_kept_or_broken_by_so_much(
    space: Space, metrics: dict[str, float], reason: str | None, amount: float
) -> None:
    one = live(space, 0)
    assert Judge(space).outside(one, metrics) == reason
    assert one.violations == {"macs": pytest.approx(amount)}


def test_a_metric_that_is_not_known_yet_breaks_no_bound(space: Space) -> None:
    one = live(space, 0)
    assert Judge(space).outside(one, {"accuracy_pruned": 0.1}) is None
    assert one.violations == {}


def test_the_rungs_of_scratch_b_are_those_of_its_own_schedule(
    space_of: Callable[[str], Space], space_text: str
) -> None:
    sweep = SWEEP + ", asha: {min_peers: 2, reduction: 2, compare_within: []}"
    scaled = space_of(
        space_text.replace(SWEEP, sweep).replace("finetune: {epochs", "finetune: {start: scratch_b, epochs")
    )
    judge, one = Judge(scaled), live(scaled, 0)
    one.curve.append({"stage": "prune", "epoch": 0, "accuracy": 0.3, "macs": 300, "macs_unpruned": 600})
    # 4 epochs with drops after 2 and 3 are 8 with drops after 4 and 6
    rungs = [epoch for epoch in range(1, 9) if judge.at_rung(one, entry(epoch, 0.9, f"a{epoch}"))]
    assert rungs == [4, 6]


def test_a_gradual_prunes_epochs_are_no_rungs(stopping: Space) -> None:
    assert Judge(stopping).at_rung(live(stopping, 0), entry(2, 0.9, "a", stage="gradual")) is None
