import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.pareto import dominates
from sweeper.asha import decide, group, ranked_by, rung, rung_of
from sweeper.fronts import Vector
from sweeper.settings import Asha, SpaceFile
from trainables.recipe import Finetune
from trainables.schedule import drops, plateau_ends

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
RULE = st.builds(
    Asha,
    reduction=st.sampled_from([1.5, 2.0, 3.0, 4.0]),
    min_peers=st.integers(2, 8),
    protect=st.integers(1, 4),
)


def vectors(size: int) -> st.SearchStrategy[Vector]:
    return st.tuples(*[st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9])] * size)


def rungs_of(size: int) -> st.SearchStrategy[tuple[dict[str, Vector], list[Vector]]]:
    """A group at a rung, and the other groups there."""
    peers = st.dictionaries(NAMES, vectors(size), min_size=1, max_size=16)
    return st.tuples(peers, st.lists(vectors(size), max_size=6))


RUNGS = st.integers(1, 3).flatmap(rungs_of)


@settings(deadline=None, max_examples=300)
@given(rungs_of(1), RULE)
def test_decisions_on_one_value_are_those_of_a_plain_ranking(
    found: tuple[dict[str, Vector], list[Vector]], asha: Asha
) -> None:
    peers, others = found
    ranked = sorted(peers.values(), reverse=True)
    last = ranked[: max(asha.protect, int(len(peers) // asha.reduction))][-1]
    best = max([*ranked, *others])
    for address, own in peers.items():
        goes_on = len(peers) < asha.min_peers or own >= last or own == best
        assert decide(peers, address, asha, others=others) == ("continue" if goes_on else "stop")


@settings(deadline=None)
@given(RUNGS, RULE)
def test_too_few_peers_stop_no_one_and_neither_front_nor_the_best_are_ever_stopped(
    found: tuple[dict[str, Vector], list[Vector]], asha: Asha
) -> None:
    peers, others = found
    decisions = {one: decide(peers, one, asha, others=others) for one in peers}
    everyone = [*peers.values(), *others]
    for address, decision in decisions.items():
        on_front = not any(dominates(one, peers[address]) for one in everyone)
        if len(peers) < asha.min_peers or on_front:
            assert decision == "continue"
    assert list(decisions.values()).count("continue") >= min(asha.protect, len(peers))
    for address, own in peers.items():
        if sum(any(a > b for a, b in zip(one, own, strict=True)) for one in peers.values()) < asha.protect:
            assert decisions[address] == "continue"


@settings(deadline=None)
@given(RUNGS, RULE)
def test_whoever_dominates_or_equals_one_that_goes_on_goes_on(
    found: tuple[dict[str, Vector], list[Vector]], asha: Asha
) -> None:
    peers, others = found
    decisions = {one: decide(peers, one, asha, others=others) for one in peers}
    for one, own in peers.items():
        for other, weaker in peers.items():
            if decisions[other] == "continue" and (own == weaker or dominates(own, weaker)):
                assert decisions[one] == "continue"


@settings(deadline=None, max_examples=300)
@given(rungs_of(1), RULE, st.floats(0, 1))
def test_a_better_value_never_turns_continue_into_stop(
    found: tuple[dict[str, Vector], list[Vector]], asha: Asha, more: float
) -> None:
    peers, others = found
    for address, (own,) in peers.items():
        if decide(peers, address, asha, others=others) == "continue":
            better = peers | {address: (own + more,)}
            assert decide(better, address, asha, others=others) == "continue"


def front_of(peers: dict[str, Vector], address: str) -> int:
    """In which front a network is: one behind the last of those that dominate it."""
    own = peers[address]
    return 1 + max((front_of(peers, one) for one in peers if dominates(peers[one], own)), default=0)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(NAMES, vectors(2), min_size=1, max_size=8), RULE, vectors(2))
def test_several_better_values_that_reach_a_better_front_never_turn_continue_into_stop(
    peers: dict[str, Vector], asha: Asha, more: Vector
) -> None:
    for address, own in peers.items():
        better = peers | {address: tuple(a + b for a, b in zip(own, more, strict=True))}
        if decide(peers, address, asha) == "continue" and front_of(better, address) < front_of(
            peers, address
        ):
            assert decide(better, address, asha) == "continue"


def test_within_a_front_a_better_network_may_come_too_close_to_another_one_to_go_on() -> None:
    # four of seven go on: the leader and three of the second front, whose ends are (7, 2) and (3, 8)
    peers = {"leader": (9.0, 9.0), "a": (7.0, 2.0), "b": (6.0, 5.0), "c": (5.0, 6.0), "d": (3.0, 8.0)}
    peers |= {"e": (5.0, 3.0), "f": (4.0, 2.0)}
    rule = Asha(reduction=1.5, min_peers=2)
    assert decide(peers, "c", rule) == "continue"
    assert decide(peers | {"c": (5.0, 7.0)}, "c", rule) == "stop"


def finetune(epochs: int, warmup: int, decay_every: int) -> Finetune:
    return Finetune(epochs=epochs, warmup=warmup, decay_every=decay_every)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 20), st.integers(1, 10))
def test_rungs_at_plateaus_are_their_ends_named_by_the_drops_so_far(
    epochs: int, warmup: int, decay_every: int
) -> None:
    training = finetune(epochs, warmup, decay_every)
    named = {epoch: rung(Asha(), training, epoch) for epoch in range(1, epochs + 1)}
    ends = plateau_ends(training)
    assert {epoch for epoch, name in named.items() if name is not None} == set(ends)
    assert [named[epoch] for epoch in ends] == [f"drops={k}" for k in range(len(ends))]
    assert all(drops(training, epoch + 1) == drops(training, epoch) + 1 for epoch in ends)


def test_schedules_of_different_length_meet_at_the_rung_of_equal_drops() -> None:
    short, long = finetune(8, 2, 2), finetune(12, 4, 4)
    assert [rung(Asha(), short, epoch) for epoch in plateau_ends(short)] == ["drops=0", "drops=1"]
    assert rung(Asha(), short, 4) == rung(Asha(), long, 8) == "drops=0"


def test_shares_are_of_a_trials_own_epochs_and_its_end_is_no_rung() -> None:
    asha = Asha(rungs=[0.25, 0.5])
    found = {epoch: rung(asha, finetune(12, 4, 4), epoch) for epoch in range(1, 13)}
    assert {epoch: name for epoch, name in found.items() if name} == {3: "share=0.25", 6: "share=0.5"}
    assert rung(asha, finetune(2, 1, 1), 1) == "share=0.25"
    assert rung(Asha(rungs=[0.9]), finetune(2, 1, 1), 2) is None


@pytest.mark.parametrize(
    ("within", "name"),
    [((), "drops=0"), (("finetune.kd", "prune.percent"), "drops=0 finetune.kd=dist prune.percent=0.5")],
)
def test_a_group_is_a_rung_and_the_values_in_common(within: tuple[str, ...], name: str) -> None:
    assert group("drops=0", within, {"finetune.kd": "dist", "prune.percent": 0.5, "seed": 0}) == name


def test_the_rung_of_a_group_is_its_first_word() -> None:
    assert rung_of("share=0.25 finetune.kd=dist") == rung_of("share=0.25") == "share=0.25"


PIPELINE = {"data": {"source": "digits"}, "model": "preresnet8", "sparsity": {}, "finetune": {}, "prune": {}}


@pytest.mark.parametrize(
    ("objective", "ranked"),
    [
        ({"maximize": "accuracy"}, [("accuracy", "maximize")]),
        ({"minimize": "loss"}, [("loss", "minimize")]),
        ({"maximize": "accuracy_pruned"}, [("accuracy", "maximize")]),
        ({"minimize": ["macs", "loss"]}, [("loss", "minimize"), ("macs", "minimize")]),
        ({"minimize": "params"}, [("accuracy", "maximize"), ("params", "minimize")]),
        (
            {"maximize": ["percent_cut", "accuracy"], "minimize": ["macs", "params"]},
            [("accuracy", "maximize"), ("macs", "minimize"), ("params", "minimize")],
        ),
    ],
)
def test_networks_are_ranked_by_accuracy_or_loss_and_by_their_size_where_it_is_an_objective(
    objective: dict[str, object], ranked: list[tuple[str, str]]
) -> None:
    assert ranked_by(SpaceFile.model_validate(PIPELINE | {"objective": objective})) == tuple(ranked)


@pytest.mark.parametrize("missing", ["prune", "finetune"])
def test_sizes_that_no_cut_has_settled_before_a_rung_rank_no_one(missing: str) -> None:
    objective = {"maximize": "accuracy", "minimize": "macs"}
    early = SpaceFile.model_validate(PIPELINE | {"objective": objective, missing: None})
    assert ranked_by(early) == (("accuracy", "maximize"),)
