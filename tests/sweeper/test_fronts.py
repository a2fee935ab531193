from math import dist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.pareto import dominates
from sweeper.fronts import Vector, ahead, fronts, spread

SIZES = st.integers(1, 3)
VECTORS = SIZES.flatmap(
    lambda size: st.lists(st.tuples(*[st.integers(0, 4).map(float)] * size), min_size=1, max_size=14)
)
FRONT = [(0.9, -80.0), (0.89, -79.0), (0.7, -30.0), (0.2, -10.0)]
"""Accuracy and minus MACs; the second is almost the first."""


def test_one_dominates_that_is_nowhere_worse_and_somewhere_better() -> None:
    assert dominates((0.9, -3.0), (0.9, -4.0))
    assert not dominates((0.9, -4.0), (0.9, -4.0))
    assert not dominates((0.9, -4.0), (0.8, -3.0))


@settings(deadline=None)
@given(VECTORS)
def test_a_front_is_what_nothing_left_dominates(vectors: list[Vector]) -> None:
    left = set(vectors)
    for front in fronts(vectors):
        assert set(front) == {one for one in left if not any(dominates(other, one) for other in left)}
        assert front == sorted(front, reverse=True)
        left -= set(front)
    assert not left


@settings(deadline=None)
@given(VECTORS)
def test_each_next_one_of_a_front_is_the_farthest_from_all_before(vectors: list[Vector]) -> None:
    front = fronts(vectors)[0]
    widths = [(max(values) - min(values)) or 1 for values in zip(*front, strict=True)]
    lows = [min(values) for values in zip(*front, strict=True)]

    def scaled(one: Vector) -> list[float]:
        return [(value - low) / width for value, low, width in zip(one, lows, widths, strict=True)]

    order = spread(front)
    assert (sorted(order, reverse=True), order[0]) == (front, front[0])
    for place in range(1, len(order)):
        far = {
            one: min(dist(scaled(one), scaled(before)) for before in order[:place]) for one in order[place:]
        }
        farthest = [one for one in far if far[one] == max(far.values())]
        assert order[place] == max(farthest)


def test_the_order_of_a_front_begins_with_the_most_accurate_and_leaves_its_neighbours_to_the_end() -> None:
    assert spread(FRONT) == [FRONT[0], FRONT[3], FRONT[2], FRONT[1]]
    assert [ahead(FRONT, one) for one in FRONT] == [0, 3, 2, 1]


@settings(deadline=None)
@given(VECTORS, st.randoms())
def test_the_order_hangs_on_the_values_alone_and_equal_ones_stand_together(
    vectors: list[Vector], rng: object
) -> None:
    places = {one: ahead(vectors, one) for one in vectors}
    shuffled = sorted(vectors, key=lambda _: rng.random())  # type: ignore[attr-defined]
    assert places == {one: ahead(shuffled, one) for one in vectors}
    assert sorted(place for one, place in places.items() for _ in range(vectors.count(one)))[0] == 0
    assert sum(vectors.count(one) for one in places) == len(vectors)
    for one, place in places.items():
        assert place == sum(vectors.count(other) for other in places if places[other] < place), one


@pytest.mark.parametrize("own", [3.0, 2.0, 1.0])
def test_with_one_value_the_order_is_that_of_the_values(own: float) -> None:
    assert ahead([(3.0,), (2.0,), (2.0,), (1.0,)], (own,)) == {3.0: 0, 2.0: 1, 1.0: 3}[own]
