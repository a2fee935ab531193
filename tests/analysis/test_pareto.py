import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.pareto import front

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Accuracy up, cost down."""
    return a[0] >= b[0] and a[1] <= b[1] and a != b


@given(POINTS)
@settings(deadline=None)
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, int]]) -> None:
    expected = {i for i, p in enumerate(points) if not any(dominates(q, p) for q in points)}
    found = front(points)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [points[i] for i in found] == sorted((points[i] for i in found), key=lambda p: (p[1], p[0]))


def test_small_cases() -> None:
    assert front([]) == ()
    assert front([(0.9, 10)]) == (0,)
    assert front([(0.9, 10), (0.9, 10)]) == (0, 1)
    assert front([(0.9, 10), (0.9, 9), (0.8, 9)]) == (1,)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_number_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=rf"points\[1\]: accuracy and cost are finite, got \({bad}, 3\)"):
        front([(0.9, 3), (bad, 3)])
