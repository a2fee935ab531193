import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.significance import (
    Difference,
    benjamini_hochberg,
    compare,
    fisher_p,
    holm,
    newcombe,
    sd,
    student_p,
    t_interval,
    t_p,
)


def test_three_seeds_give_the_paired_t_interval() -> None:
    found = compare({0: 0.92, 1: 0.93, 2: 0.97}, {0: 0.91, 1: 0.91, 2: 0.94}, images=100)
    assert (found.basis, found.count, found.by) == ("seeds", 3, "paired t, 3 seeds")
    assert found.value == pytest.approx(0.02)
    half = 4.302652729911275 * 0.01 / math.sqrt(3)
    assert (found.low, found.high) == (pytest.approx(0.02 - half), pytest.approx(0.02 + half))
    assert found.visible == pytest.approx(half)
    assert found.verdict == "open"


def test_fewer_than_three_seeds_rest_on_the_images() -> None:
    found = compare({0: 0.8, 1: 0.9}, {0: 0.7, 1: 0.7}, images=200)
    assert (found.basis, found.count, found.by) == ("images", 200, "Wilson, 200 images")
    assert (found.low, found.high) == pytest.approx(newcombe(0.85, 0.7, 200))
    assert found.verdict == "above"


def test_seeds_that_differ_by_the_same_say_nothing_of_their_spread() -> None:
    found = compare(dict.fromkeys(range(3), 0.9), dict.fromkeys(range(3), 0.91), images=100)
    assert found.basis == "images"
    assert found.verdict == "open"


def test_draws_of_one_seed_stand_against_a_single_network() -> None:
    found = compare({0: 0.85}, {0: 0.9}, images=100, draws=[0.84, 0.85, 0.86])
    assert found.by == "paired t, 3 draws"
    assert found.value == pytest.approx(-0.05)
    assert found.low == pytest.approx(-0.05 - 4.302652729911275 * 0.01 / math.sqrt(3))


def test_seeds_that_only_one_has_do_not_pair() -> None:
    assert compare({0: 0.9, 1: 0.9, 2: 0.8}, {7: 0.9, 8: 0.9, 9: 0.8}, images=None) == Difference(value=0.0)
    assert Difference(value=0.0).by == "–"
    assert Difference(value=0.0).visible is None
    assert Difference(value=-1.0).verdict == "open"


def test_newcombes_interval_is_made_of_the_roots_of_the_score_equation() -> None:
    """Limits θ of a share p solve (p − θ)² = z² θ (1 − θ) / n (Newcombe 1998, method 10)."""
    limits = {}
    for share in (0.8, 0.6):
        a, b, c = 1 + 1.96**2 / 70, -(2 * share + 1.96**2 / 70), share**2
        root = math.sqrt(b * b - 4 * a * c)
        limits[share] = (-b - root) / (2 * a), (-b + root) / (2 * a)
    low = 0.2 - math.sqrt((0.8 - limits[0.8][0]) ** 2 + (limits[0.6][1] - 0.6) ** 2)
    high = 0.2 + math.sqrt((limits[0.8][1] - 0.8) ** 2 + (0.6 - limits[0.6][0]) ** 2)
    assert newcombe(0.8, 0.6, 70) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.integers(0, 50), st.integers(0, 50))
@settings(deadline=None)
def test_newcombes_interval_holds_the_difference_and_turns_with_it(one: int, other: int) -> None:
    low, high = newcombe(one / 50, other / 50, 50)
    assert -1 <= low <= (one - other) / 50 <= high <= 1
    turned = newcombe(other / 50, one / 50, 50)
    assert (low, high) == (pytest.approx(-turned[1]), pytest.approx(-turned[0]))


def test_p_and_interval_agree() -> None:
    values = [0.01, 0.02, 0.03, 0.015]
    interval, p = t_interval(values), t_p(values)
    assert interval is not None
    assert p is not None
    assert (interval[0] > 0) == (p < 0.05)
    assert student_p(2.7764451051977987, 4) == pytest.approx(0.05)
    assert t_p([0.1, 0.2]) is None
    assert t_p([0.1, 0.1, 0.1]) is None


def test_fishers_test_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    for one, other, of in ((3, 9, 10), (50, 40, 60), (10, 10, 10), (0, 0, 5), (36, 30, 36)):
        expected = stats.fisher_exact([[one, of - one], [other, of - other]]).pvalue
        assert fisher_p(one, other, of) == pytest.approx(expected)


def test_benjamini_hochbergs_example() -> None:
    """Their own fifteen p values (1995, section 3.2): the first four are discoveries at 5 %."""
    tests = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    tests += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    found = benjamini_hochberg(tests)
    assert [q <= 0.05 for q in found] == [True] * 4 + [False] * 11
    assert benjamini_hochberg(tests[::-1]) == found[::-1]
    assert benjamini_hochberg([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(deadline=None)
def test_adjusted_p_values_are_never_smaller_and_keep_their_order(tests: list[float]) -> None:
    found = benjamini_hochberg(tests)
    assert all(p <= q + 1e-12 and q <= 1 for p, q in zip(tests, found, strict=True))
    order = sorted(range(len(tests)), key=lambda index: tests[index])
    assert all(found[one] <= found[then] for one, then in pairwise(order))


def test_the_spread_of_one_value_is_unknown() -> None:
    assert sd([0.5]) is None
    assert sd([0.0, 1.0]) == pytest.approx(math.sqrt(0.5))


def test_holm_multiplies_the_least_p_most_and_never_falls() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_at_least_the_false_discovery_rate_and_keeps_the_order(tests: list[float]) -> None:
    adjusted = holm(tests)
    for p, more, fdr in zip(tests, adjusted, benjamini_hochberg(tests), strict=True):
        assert p <= more <= 1
        assert more >= fdr - 1e-12
    assert [p for _, p in sorted(zip(tests, adjusted, strict=True))] == sorted(adjusted)
    assert holm(tests[::-1])[::-1] == adjusted or len(set(tests)) < len(tests)


def test_two_values_have_an_interval_only_where_two_are_asked_for() -> None:
    assert t_interval([0.1, 0.2]) is None
    assert t_p([0.1, 0.2]) is None
    low, high = t_interval([0.1, 0.2], least=2) or (0.0, 0.0)
    assert (low, high) == pytest.approx((0.15 - 12.7062047 * 0.05, 0.15 + 12.7062047 * 0.05))
    assert t_p([0.1, 0.2], least=2) == pytest.approx(2 * math.atan(1 / 3) / math.pi)
