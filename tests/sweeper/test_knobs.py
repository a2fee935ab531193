import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.knobs import Knob, draw, grid, in_order, read_knob, spaced

PERCENT = Knob(key="prune.percent", values=(0.3, 0.5))
KD = Knob(key="finetune.kd", values=("none", "dist"))
WEIGHT = Knob(key="finetune.kd_weight", values=(0.5, 1, 2), when=(("finetune.kd", ("dist",)),))


def test_the_grid_has_each_point_once_and_a_conditional_setting_only_where_it_matters() -> None:
    points = list(grid([PERCENT, KD, WEIGHT], {}))
    assert len(points) == 2 * (1 + 3)
    assert len({tuple(point.items()) for point in points}) == len(points)
    for point in points:
        assert ("finetune.kd_weight" in point) == (point["finetune.kd"] == "dist")
    assert points[:2] == [
        {"prune.percent": 0.3, "finetune.kd": "none"},
        {"prune.percent": 0.3, "finetune.kd": "dist", "finetune.kd_weight": 0.5},
    ]


def test_a_condition_on_a_fixed_setting_is_decided_by_the_file() -> None:
    assert list(grid([WEIGHT], {"finetune.kd": "none"})) == [{}]
    assert len(list(grid([WEIGHT], {"finetune.kd": "dist"}))) == 3


def test_conditions_of_conditions_hold_together() -> None:
    tau = Knob(key="finetune.kd_tau", values=(1, 4), when=(("finetune.kd_weight", (2,)),))
    points = list(grid(in_order([tau, WEIGHT, KD]), {}))
    assert len(points) == 1 + 2 + 2
    assert all(point["finetune.kd_weight"] == 2 for point in points if "finetune.kd_tau" in point)


def test_true_is_not_one() -> None:
    knob = Knob(key="a", values=(1,), when=(("b", (1,)),))
    assert knob.active({"b": 1}, {})
    assert not knob.active({"b": True}, {})


def test_knobs_come_after_those_that_their_conditions_name() -> None:
    assert [knob.key for knob in in_order([WEIGHT, PERCENT, KD])] == [
        "prune.percent",
        "finetune.kd",
        "finetune.kd_weight",
    ]
    other = Knob(key="finetune.kd", values=("none",), when=(("finetune.kd_weight", (1,)),))
    with pytest.raises(ValueError, match=r"finetune\.kd_weight"):
        in_order([WEIGHT, other])


VALUES = st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True).map(tuple)


@settings(deadline=None)
@given(VALUES, VALUES, VALUES, st.randoms(use_true_random=False))
def test_a_drawn_point_is_in_the_grid(
    a: tuple[int, ...], b: tuple[int, ...], c: tuple[int, ...], rng: random.Random
) -> None:
    knobs = in_order(
        [
            Knob(key="c", values=c, when=(("a", (0, 1)), ("b", (2, 3)))),
            Knob(key="b", values=b, when=(("a", a[:1]),)),
            Knob(key="a", values=a),
        ]
    )
    points = list(grid(knobs, {}))
    assert len({tuple(point.items()) for point in points}) == len(points)
    assert draw(knobs, {}, rng) in points


@settings(deadline=None)
@given(st.floats(1e-6, 1e3), st.floats(1.001, 1e4), st.integers(2, 40), st.booleans())
def test_spaced_values_rise_from_the_exact_low_to_the_exact_high(
    low: float, factor: float, points: int, log: bool
) -> None:
    values = spaced(low, low * factor, points, log=log)
    assert len(values) == points
    assert (values[0], values[-1]) == (low, low * factor)
    assert all(one <= other * (1 + 1e-5) for one, other in itertools.pairwise(values))


def test_spaced_values_are_evenly_spaced_on_their_scale() -> None:
    assert spaced(0, 1, 5, log=False) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert spaced(1e-3, 1, 4, log=True) == (0.001, 0.01, 0.1, 1.0)


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_range_gives_values_within_its_ends(rng: random.Random) -> None:
    assert 0.1 <= Knob(key="a", values=None, low=0.1, high=0.3).draw(rng) <= 0.3
    drawn = Knob(key="a", values=None, low=1e-4, high=1e-1, log=True).draw(rng)
    assert 1e-4 * (1 - 1e-9) <= drawn <= 1e-1 * (1 + 1e-9)
    whole = Knob(key="a", values=None, low=2, high=4, integer=True).draw(rng)
    assert whole in (2, 3, 4)
    assert isinstance(whole, int)


@pytest.mark.parametrize(
    ("given_", "integer", "values"),
    [
        ([3, 1, 2], False, (3, 1, 2)),
        ({"choice": ["a", None]}, False, ("a", None)),
        ({"log_uniform": [1, 100], "points": 3}, False, (1.0, 10.0, 100.0)),
        ({"int_uniform": [4, 12], "step": 4}, True, (4, 8, 12)),
        ({"int_uniform": [4, 13], "step": 4}, True, (4, 8, 12)),
        ({"uniform": [0, 1]}, False, None),
        ({"int_uniform": [1, 3]}, True, None),
    ],
)
def test_the_grammar_is_read(given_: Any, integer: bool, values: tuple[Any, ...] | None) -> None:
    knob, faults = read_knob("a.b", given_, integer)
    assert faults == []
    assert knob is not None
    assert knob.values == values


def test_numbers_in_order_are_ordered_and_nothing_else_is() -> None:
    assert Knob(key="a", values=(1, 2.5)).ordered
    assert Knob(key="a", values=None, low=0, high=1).ordered
    assert not any(
        Knob(key="a", values=values).ordered for values in [(2, 1), ("a",), (False, True), (1, None)]
    )


def test_probes_stand_for_all_values() -> None:
    assert KD.probes() == ("none", "dist")
    assert Knob(key="a", values=None, low=1, high=3, integer=True).probes() == (1, 3)
    assert math.isclose(Knob(key="a", values=None, low=0.5, high=3).probes()[1], 3)
