import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.asha import decide, group, rung
from sweeper.settings import Asha
from trainables.recipe import Finetune
from trainables.schedule import drops, plateau_ends

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
PEERS = st.dictionaries(NAMES, st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9]), min_size=1, max_size=20)
REDUCTION = st.sampled_from([1.5, 2.0, 3.0, 4.0])
MIN_PEERS = st.integers(2, 8)


def plainly(peers: dict[str, float], address: str, reduction: float, min_peers: int) -> str:
    """The best floor(n / reduction) go on, at least one; the last one's equals with it."""
    if len(peers) < min_peers:
        return "continue"
    ranked = sorted(peers.values(), reverse=True)
    goes_on = max(1, int(len(ranked) // reduction))
    return "continue" if peers[address] >= ranked[goes_on - 1] else "stop"


@settings(deadline=None, max_examples=300)
@given(PEERS, REDUCTION, MIN_PEERS)
def test_decisions_are_those_of_a_plain_ranking(
    peers: dict[str, float], reduction: float, min_peers: int
) -> None:
    for address in peers:
        decision = decide(peers, address, reduction=reduction, min_peers=min_peers)
        assert decision == plainly(peers, address, reduction, min_peers)


@settings(deadline=None)
@given(PEERS, REDUCTION, MIN_PEERS)
def test_too_few_peers_stop_no_one_and_the_best_is_never_stopped(
    peers: dict[str, float], reduction: float, min_peers: int
) -> None:
    decisions = {one: decide(peers, one, reduction=reduction, min_peers=min_peers) for one in peers}
    assert decisions[max(peers, key=lambda one: peers[one])] == "continue"
    if len(peers) < min_peers:
        assert set(decisions.values()) == {"continue"}


@settings(deadline=None)
@given(PEERS, REDUCTION, MIN_PEERS, st.floats(0, 1))
def test_a_better_value_never_turns_continue_into_stop(
    peers: dict[str, float], reduction: float, min_peers: int, more: float
) -> None:
    for address in peers:
        if decide(peers, address, reduction=reduction, min_peers=min_peers) == "continue":
            better = peers | {address: peers[address] + more}
            assert decide(better, address, reduction=reduction, min_peers=min_peers) == "continue"


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
