import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from analysis.audit.links import Link, compared, links
from analysis.records import Run

Sweep = Callable[..., Run]
FEW = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
LEVELS = st.sampled_from([0.1, 0.2, 0.3, 0.5, 0.9])


def survivors(*pairs: tuple[float, float], **more: object) -> list[tuple[object, ...]]:
    """Trials that passed one rung with the first value and ended with the second."""
    return [((at_rung,), end, "complete", more) for at_rung, end in pairs]


@FEW
@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=3, max_size=12))
def test_of_survivors_in_one_group_tau_is_kendalls_own(
    sweep: Sweep, pairs: list[tuple[float, float]]
) -> None:
    (found,) = links(sweep(survivors(*pairs)))
    expected = kendalltau(*zip(*pairs, strict=True)).statistic
    if found.tau is None:
        assert len({one for one, _ in pairs}) == 1 or len({end for _, end in pairs}) == 1
    else:
        assert found.tau.value == pytest.approx(expected)
        assert -1 <= found.tau.low <= found.tau.value <= found.tau.high <= 1


def test_each_rung_is_told_from_the_earliest_on_with_its_share_of_a_trial(sweep: Sweep) -> None:
    trials = [((0.1 * n, 0.1 * n), 0.1 * n, "complete", {}) for n in range(1, 6)]
    found = links(sweep([*trials, ((0.9,), 0.05, "complete", {})]))
    assert [(link.rung, link.share, link.networks) for link in found] == [
        ("share=0.25", 0.25, 6), ("share=0.5", 0.5, 5)
    ]  # fmt: skip
    assert [round(link.tau.value, 2) for link in found if link.tau] == [0.33, 1.0]


def test_only_like_networks_are_compared(sweep: Sweep) -> None:
    mixed = survivors((0.1, 0.9), (0.2, 0.8), group=" finetune.kd=dist")
    mixed += survivors((0.8, 0.1), (0.9, 0.2), group=" finetune.kd=none")
    (found,) = links(sweep(mixed))
    assert found.tau is not None
    assert (found.tau.value, found.tau.pairs, found.networks) == (0, 2, 4)


def test_an_audited_network_stands_for_the_stops(sweep: Sweep) -> None:
    trials = survivors((0.8, 0.81), (0.9, 0.8)) + [((0.1,), 0.1, "stopped", {})] * 3
    (alone,) = links(sweep(trials))
    assert alone.tau is not None
    assert alone.tau.value == -1


def test_the_audited_correct_what_survivors_alone_would_say(sweep: Sweep) -> None:
    rng, errors = random.Random(0), {"survivors": 0.0, "audited": 0.0}
    for _ in range(20):
        everyone = [(x := rng.gauss(0.5, 0.1), min(1.0, max(0.0, x + rng.gauss(0, 0.1)))) for _ in range(60)]
        passed = sorted(everyone)[40:]
        below = [
            ((one,), end, "audited" if place % 4 == 0 else "stopped", {})
            for place, (one, end) in enumerate(sorted(everyone)[:40])
        ]
        truth = kendalltau(*zip(*everyone, strict=True)).statistic
        for name, trials in (("survivors", []), ("audited", below)):
            (found,) = links(sweep([*survivors(*passed), *trials]))
            assert found.tau is not None
            errors[name] += (found.tau.value - truth) / 20
    assert errors["survivors"] < -0.1
    assert abs(errors["audited"]) < 0.05


def test_trials_of_one_network_are_one(sweep: Sweep) -> None:
    twice = survivors((0.1, 0.2), (0.3, 0.4)) + survivors((0.3, 0.4), address="a1")
    assert [link.networks for link in links(sweep(twice))] == [2]


def key_of(sweep: Sweep, trials: list[tuple[object, ...]]) -> Link:
    (found,) = links(sweep(trials))
    return found


def test_a_searched_setting_within_which_ranks_agree_is_named(sweep: Sweep) -> None:
    slow = survivors(*((0.1 + 0.01 * n, 0.8 + 0.01 * n) for n in range(6)), lr=0.1)
    fast = survivors(*((0.5 + 0.01 * n, 0.6 + 0.01 * n) for n in range(6)), lr=0.2)
    found = key_of(sweep, slow + fast)
    assert found.tau is not None
    assert found.tau.value < 0
    assert (found.key, found.within) == ("finetune.lr", 1)


def test_no_setting_is_named_for_a_handful_of_pairs(sweep: Sweep) -> None:
    slow = survivors((0.1, 0.8), (0.2, 0.9), lr=0.1)
    assert key_of(sweep, slow + survivors((0.5, 0.6), (0.6, 0.7), lr=0.2)).key is None


@pytest.mark.parametrize(
    ("objective", "metric"),
    [("{maximize: accuracy, minimize: macs}", "accuracy"), ("{minimize: [macs, loss]}", "loss"), ("{minimize: macs}", "accuracy")],
)  # fmt: skip
def test_rungs_record_accuracy_or_loss(sweep: Sweep, objective: str, metric: str) -> None:
    assert compared(sweep(survivors((0.1, 0.2)), objective)) == metric
