import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeper.audit import drawn
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
    assert list(one.rungs.values()) == [(2, 0.9), (3, 0.9)]


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


SEVERAL = "objective: {maximize: accuracy, minimize: macs}\n"
KDS = ("none", "dist")
SOME = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def several(space_of: Callable[[str], Space], space_text: str) -> Callable[[str], Space]:
    """More of asha's settings -> the small space with two objectives, compared within finetune.kd."""
    sweep = SWEEP + ", asha: {min_peers: 3, reduction: 2"
    return cache(lambda more: space_of(space_text.replace(SWEEP, f"{sweep}{more}}}") + SEVERAL))


def sized(space: Space, number: int, kd: str, macs: int) -> Live:
    """A trial after its cut."""
    one = live(space, number)
    one.params["finetune.kd"] = kd
    one.curve.append({"stage": "prune", "epoch": 0, "accuracy": 0.3, "macs": macs, "macs_unpruned": 1000})
    return one


def plainly(seen: list[tuple[str, str, float, int]], kd: str, own: tuple[float, int]) -> str:
    """Schmucker et al. 2021 among ``seen`` (kd, address, accuracy, MACs), the last of which is judged."""
    peers = {address: (accuracy, macs) for k, address, accuracy, macs in seen if k == kd}
    beats = lambda a, b: a != b and a[0] >= b[0] and a[1] <= b[1]  # noqa: E731
    if len(peers) < 3 or not any(beats((a, m), own) for _, _, a, m in seen):
        return "continue"
    left, before = set(peers.values()), []
    while own not in before:
        front = sorted((a for a in left if not any(beats(b, a) for b in left)), key=lambda a: (-a[0], a[1]))
        left -= set(front)
        wide = [max(v) - min(v) or 1 for v in zip(*front, strict=True)]
        low, high = min(a for a, _ in front), max(m for _, m in front)
        flat = {(a, m): ((a - low) / wide[0], (high - m) / wide[1]) for a, m in front}
        order = [front.pop(0)]
        while front:
            far = [min(math.dist(flat[a], flat[b]) for b in order) for a in front]
            order.append(front.pop(far.index(max(far))))
        before += order
    ahead = sum(value in before[: before.index(own)] for value in peers.values())
    return "continue" if ahead < max(1, len(peers) // 2) else "stop"


WALKS = st.lists(
    st.tuples(
        st.sampled_from(KDS), st.sampled_from("abcdefgh"), st.sampled_from([0.1, 0.3, 0.5, 0.9]),
        st.sampled_from([100, 200, 400]),
    ),
    min_size=1, max_size=20,
)  # fmt: skip


@SOME
@given(walk=WALKS, cut=st.integers(0, 20))
def test_decisions_on_accuracy_and_macs_are_the_plain_ones_whenever_they_are_replayed(
    several: Callable[[str], Space], walk: list[tuple[str, str, float, int]], cut: int
) -> None:
    space = several("")
    judge, events, newest = Judge(space), [], {}
    for number, (kd, address, accuracy, macs) in enumerate(walk):
        if number == cut:
            judge = Judge(space)
            for event in events:
                judge.replay(event)
        newest[kd, address] = (kd, address, accuracy, macs)
        verdict = judge.at_rung(sized(space, number, kd, macs), entry(2, accuracy, address))
        assert verdict is not None
        assert verdict.event is not None
        events.append(verdict.event)
        assert verdict.event["rung"] == f"drops=0 finetune.kd={kd}"
        assert verdict.event["values"] == {"accuracy": accuracy, "macs": macs}
        assert verdict.event["decision"] == plainly(list(newest.values()), kd, (accuracy, macs))
        assert (verdict.reason is None) == (verdict.event["decision"] == "continue")


def test_a_dominated_network_stops_with_its_place_by_both_values(several: Callable[[str], Space]) -> None:
    space = several("")
    judge = Judge(space)
    for number, (accuracy, macs) in enumerate([(0.9, 400), (0.5, 100)]):
        judge.at_rung(sized(space, number, "none", macs), entry(2, accuracy, f"a{number}"))
    verdict = judge.at_rung(sized(space, 2, "none", 300), entry(2, 0.4, "a2"))
    assert verdict is not None
    assert verdict.reason == "3 of 3 by accuracy and macs at rung drops=0 finetune.kd=none after epoch 2"


def test_the_front_of_all_groups_goes_on_and_that_of_one_group_need_not(
    several: Callable[[str], Space],
) -> None:
    space = several("")
    plain = [(0.9, 100), (0.89, 90), (0.88, 80)]
    said = {}
    for cheaper in (70, 85):  # than all of the other group with such an accuracy, or not
        judge = Judge(space)
        for number, (accuracy, macs) in enumerate(plain):
            judge.at_rung(sized(space, number, "none", macs), entry(2, accuracy, f"a{number}"))
        group = [(0.8, 95), (0.6, 60), (0.75, 90), (0.7, cheaper)]
        for number, (accuracy, macs) in enumerate(group, 3):
            verdict = judge.at_rung(sized(space, number, "dist", macs), entry(2, accuracy, f"b{number}"))
            assert verdict is not None
        assert verdict.event is not None
        said[cheaper] = verdict.event["decision"]
    assert said == {70: "continue", 85: "stop"}


def test_a_decision_on_a_single_value_stands_and_is_no_peer_of_several(
    several: Callable[[str], Space],
) -> None:
    space, rung = several(", compare_within: []"), "drops=0"
    judge = Judge(space)
    for number in range(4):
        old = {"event": "rung", "trial": number, "rung": rung, "epoch": 2, "address": f"a{number}"}
        judge.replay(old | {"value": 0.9, "peers": number + 1, "decision": "stop" if number else "continue"})
    again = judge.at_rung(sized(space, 3, "none", 300), entry(2, 0.4, "a3"))
    assert again is not None
    assert (again.event, again.reason) == (None, "1 of 1 by accuracy and macs at rung drops=0 after epoch 2")
    new = judge.at_rung(sized(space, 4, "none", 300), entry(2, 0.1, "a4"))
    assert new is not None
    assert new.event is not None
    assert (new.event["peers"], new.event["decision"]) == (1, "continue")


@pytest.fixture
def audited(space_of: Callable[[str], Space], space_text: str) -> Callable[[float], Space]:
    """The share that is audited -> the small space with rungs after epochs 2 and 3 of finetuning."""
    sweep = SWEEP + ", asha: {min_peers: 2, reduction: 2, compare_within: [], audit: "
    return cache(lambda share: space_of(space_text.replace(SWEEP, f"{sweep}{share}}}")))


def walked(
    space: Space, ways: list[tuple[float, float]], cut: int = -1
) -> tuple[list[dict[str, Any]], list[Live]]:
    """Trials one after another, with so much accuracy at each rung, killed before trial ``cut``."""
    judge, events, lives = Judge(space), [], []
    for number, way in enumerate(ways):
        if number == cut:
            judge = Judge(space)
            for event in events:
                judge.replay(event)
        lives.append(live(space, number))
        for epoch, accuracy in enumerate(way, 2):
            verdict = judge.at_rung(lives[-1], entry(epoch, accuracy, f"a{number}-{epoch}"))
            assert verdict is not None
            assert verdict.event is not None
            events.append(verdict.event)
            if verdict.reason:
                break
    return events, lives


def test_an_audited_trial_goes_on_and_is_judged_at_every_rung(audited: Callable[[float], Space]) -> None:
    events, lives = walked(audited(1), [(0.9, 0.9), (0.5, 0.5), (0.6, 0.95)])
    decisions = [(event["trial"], event["epoch"], event["decision"], event["peers"]) for event in events]
    assert decisions == [
        (0, 2, "continue", 1), (0, 3, "continue", 1),
        (1, 2, "audit", 2), (1, 3, "audit", 2),
        (2, 2, "audit", 3), (2, 3, "continue", 2),  # trial 1 is no peer where it would not have come
    ]  # fmt: skip
    assert [one.audited for one in lives] == [None, "drops=0", "drops=0"]


@SOME
@given(
    ways=st.lists(st.tuples(*[st.sampled_from([0.1, 0.3, 0.5, 0.9])] * 2), min_size=1, max_size=12),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    cut=st.integers(0, 12),
)
def test_an_audit_changes_no_decision_on_others_and_is_the_same_after_a_kill(
    audited: Callable[[float], Space], ways: list[tuple[float, float]], share: float, cut: int
) -> None:
    plain, _ = walked(audited(0), ways)
    events, lives = walked(audited(share), ways, cut)
    assert events == walked(audited(share), ways)[0]
    stopped = {event["trial"] for event in plain if event["decision"] == "stop"}
    goes_on = {number for number in stopped if drawn(0, number, share)}
    assert {one.number for one in lives if one.audited} == goes_on
    first = [event for event in events if not (event["trial"] in goes_on and event["epoch"] == 3)]
    expected = [
        event | {"decision": "audit"} if event["decision"] == "stop" and event["trial"] in goes_on else event
        for event in plain
    ]
    assert first == [e for e in expected if not (e["trial"] in goes_on and e["epoch"] == 3)]


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
