import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.knobs import Knob, draw, grid, in_order, is_among

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
    assert is_among(1, (2, 1.0))
    assert not is_among(0, (False, None, "0"))


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
@given(st.randoms(use_true_random=False))
def test_a_range_gives_values_within_its_ends(rng: random.Random) -> None:
    assert 0.1 <= Knob(key="a", values=None, low=0.1, high=0.3).draw(rng) <= 0.3
    drawn = Knob(key="a", values=None, low=1e-4, high=1e-1, log=True).draw(rng)
    assert 1e-4 * (1 - 1e-9) <= drawn <= 1e-1 * (1 + 1e-9)
    whole = Knob(key="a", values=None, low=2, high=4, integer=True).draw(rng)
    assert whole in (2, 3, 4)
    assert isinstance(whole, int)


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
