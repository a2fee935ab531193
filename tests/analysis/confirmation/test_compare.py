from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.confirmation.compare import PAIRS, compare_all, difference, paired
from analysis.confirmation.results import Confirmation

Concluded = Callable[..., Confirmation]
WINNER = {1: 0.951, 2: 0.947, 3: 0.955, 4: 0.950, 5: 0.949}
OTHERS = (
    {1: 0.961, 2: 0.956, 3: 0.967, 4: 0.962, 5: 0.958},
    {1: 0.949, 2: 0.950, 3: 0.952, 4: 0.951, 5: 0.946},
    {1: 0.941, 2: 0.939, 3: 0.946, 4: 0.944, 5: 0.938},
)


def test_differences_are_paired_t_tests_with_p_by_holm(concluded: Concluded) -> None:
    given: list[Any] = [("finalist", 4, WINNER, {}, 9e6)]
    given += [("finalist", of, scores, {}, 9e6) for of, scores in enumerate(OTHERS)]
    found = concluded(given).comparisons
    tests = [stats.ttest_rel(list(one.values()), list(WINNER.values())) for one in OTHERS]
    first, second, third = (float(test.pvalue) for test in tests)
    assert first < third < second
    by_hand = [3 * first, second, max(3 * first, 2 * third)]
    for one, test, p in zip(found, tests, by_hand, strict=True):
        low, high = test.confidence_interval(0.95)
        assert one.change is not None
        assert (one.change.low, one.change.high) == pytest.approx((low, high))
        assert one.change.visible == pytest.approx((high - low) / 2)
        assert one.reach == pytest.approx(max(abs(low), abs(high)))
        assert one.p == pytest.approx(p)
    assert [one.verdict for one in found] == ["better", "open", "worse"]


def test_seeds_that_only_one_side_has_are_left_out(concluded: Concluded) -> None:
    given: list[Any] = [("finalist", 4, WINNER, {}, 9e6), ("twin", 4, {2: 0.94, 5: 0.945, 9: 0.1}, {}, 9e6)]
    (one,) = concluded(given).comparisons
    assert one.change is not None
    assert one.change.count == 2
    assert one.change.value == pytest.approx(((0.94 - 0.947) + (0.945 - 0.949)) / 2)


@pytest.mark.parametrize(
    ("scores", "count", "verdict"),
    [
        ({}, None, "none"),
        ({9: 0.9}, None, "none"),
        ({1: None, 2: 0.9}, 1, "none"),
        (WINNER, 5, "equal"),
        ({seed: value + 0.01 for seed, value in WINNER.items()}, 5, "none"),
    ],
    ids=["no run", "another seed", "one seed", "the same network", "no spread"],
)
def test_without_two_seeds_that_differ_there_are_no_statistics(
    concluded: Concluded, scores: dict[int, float | None], count: int | None, verdict: str
) -> None:
    given: list[Any] = [("finalist", 4, WINNER, {}, 9e6), ("finalist", 0, scores, {}, 9e6)]
    (one,) = concluded(given).comparisons
    assert (one.change.count if one.change else None) == count
    assert (one.p, one.reach, one.verdict) == (None, None, verdict)


def test_two_seeds_are_enough_and_say_how_little_they_see() -> None:
    found = difference([0.01, 0.02])
    assert PAIRS == 2
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.015 - 12.7062047 * 0.005, 0.015 + 12.7062047 * 0.005))


scores = st.dictionaries(
    st.integers(1, 6), st.integers(0, 360).map(lambda right: right / 360), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=60)
@given(one=scores, other=scores, third=scores, more=st.integers(-5, 5))
def test_a_constant_added_to_all_changes_nothing_and_swapping_sides_turns_the_sign(
    concluded: Concluded, one: dict[int, float], other: dict[int, float], third: dict[int, float], more: int
) -> None:
    def changes(first: dict[int, float], second: dict[int, float]) -> object:
        return difference([round(change, 9) for change in paired(first, second)])

    moved = [{seed: value + more / 16 for seed, value in many.items()} for many in (one, other)]
    assert changes(*moved) == changes(one, other)
    there, back = (
        concluded([("finalist", 0, a, {}, 1.0), ("finalist", 1, b, {}, 1.0)])
        for a, b in ((one, other), (other, one))
    )
    first, second = there.comparisons[0], back.comparisons[0]
    turned = {"better": "worse", "worse": "better"}
    assert turned.get(first.verdict, first.verdict) == second.verdict
    assert (first.change is None) == (second.change is None)
    if first.change is not None and second.change is not None:
        assert first.change.value == pytest.approx(-second.change.value)
        assert first.p == (None if second.p is None else pytest.approx(second.p))
    family = concluded([("finalist", n, s, {}, 1.0) for n, s in enumerate((one, other, third))])
    alone = compare_all("test_accuracy", family.finalists[1:2], family.winner)
    ours = family.against_winner(alone[0].candidate)
    assert ours is not None
    assert ours.change == alone[0].change
    assert ours.p is None or alone[0].p is None or ours.p >= alone[0].p
