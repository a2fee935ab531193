import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.pareto import dominates, front, knee

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


def better(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Accuracy up, cost down."""
    return a[0] >= b[0] and a[1] <= b[1] and a != b


@given(POINTS)
@settings(deadline=None)
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, int]]) -> None:
    expected = {i for i, p in enumerate(points) if not any(better(q, p) for q in points)}
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


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=2))
@settings(deadline=None)
def test_one_point_dominates_another_or_is_dominated_or_neither(pair: list[tuple[int, ...]]) -> None:
    one, other = pair
    assert not (dominates(one, other) and dominates(other, one))
    assert dominates(one, other) == (one != other and all(a >= b for a, b in zip(one, other, strict=True)))


def test_the_knee_is_the_point_farthest_above_the_line_between_the_ends() -> None:
    bent = [(0.5, 1.0), (0.9, 2.0), (0.95, 6.0), (1.0, 11.0), (0.6, 9.0)]
    assert knee(bent) == 1
    assert knee([*reversed(bent)]) == 3


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0.9, 3.0)],
        [(0.5, 1.0), (0.9, 3.0)],
        [(0.5, 1.0), (0.5, 1.0), (0.9, 3.0)],
        [(0.1, 1.0), (0.2, 2.0), (0.3, 3.0)],
        [(0.1, 1.0), (0.2, 9.0), (0.9, 10.0)],
    ],
    ids=["none", "one", "two", "twins", "straight", "bent the other way"],
)
def test_without_a_point_above_that_line_there_is_no_knee(points: list[tuple[float, float]]) -> None:
    assert knee(points) is None


@given(POINTS, st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_units_of_accuracy_and_cost_do_not_move_the_knee(
    points: list[tuple[int, int]], up: int, down: int
) -> None:
    scaled = [(up * accuracy, down * cost) for accuracy, cost in points]
    one, other = knee(points), knee(scaled)
    assert one == other or (
        one is not None and other is not None and rise(points, one) == rise(points, other)
    )


def rise(points: list[tuple[int, int]], place: int) -> float:
    """Above the chord, in floats rounded so that equal ones are equal."""
    rows = front(points)
    (low, least), (high, most) = points[rows[0]], points[rows[-1]]
    accuracy, cost = points[place]
    return round((accuracy - low) / (high - low) - (cost - least) / (most - least), 9)
