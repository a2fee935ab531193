"""Points as rows of numbers."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.cube import IDLE, Cube
from sweeper.knobs import Knob, draw

KNOBS = (
    Knob(key="kd", values=("none", "dist", "kd")),
    Knob(key="weight", values=(0.5, 1.0, 2.0), when=(("kd", ("dist", "kd")),)),
    Knob(key="lr", values=None, low=1e-4, high=1e-1, log=True),
    Knob(key="share", values=None, low=0.2, high=0.8),
    Knob(key="epochs", values=None, low=3, high=9, integer=True),
    Knob(key="deep", values=(1, 2), when=(("weight", (2.0,)), ("model", ("a",)))),
)
CUBE = Cube(KNOBS, {"model": "a", "weight": 1.0})


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_a_point_survives_the_way_there_and_back(seed):
    point = draw(KNOBS, CUBE.fixed, random.Random(seed))
    row = CUBE.row(point)
    back = CUBE.params(row)
    assert back.keys() == point.keys()
    for key, value in point.items():
        assert back[key] == (pytest.approx(value) if key in ("lr", "share") else value)
    assert CUBE.snap(row[None])[0] == pytest.approx(row)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_every_row_is_a_point_of_the_space(units):
    row = CUBE.snap(np.array([units]))[0]
    point = CUBE.params(row)
    assert ("weight" in point) == (point["kd"] != "none")
    assert ("deep" in point) == (point.get("weight") == 2.0)
    assert all(row[side] == IDLE for side, knob in enumerate(KNOBS) if knob.key not in point)
    assert 1e-4 <= point["lr"] <= 1e-1
    assert 0.2 <= point["share"] <= 0.8
    assert point["epochs"] in range(3, 10)


def test_values_without_an_order_are_switches_and_idle_ones_are_alike():
    rows = CUBE.snap(np.array([[0.1, 0.0, 0.5, 0.5, 0.5, 0.0], [0.1, 0.9, 0.5, 0.5, 0.5, 0.9]]))
    features = CUBE.features(rows)
    assert features.shape == (2, 8)
    assert features[0, :3].tolist() == [1, 0, 0]
    assert (features[0] == features[1]).all()


def test_each_value_has_an_equal_share_of_its_side():
    units = np.full((3000, 6), 0.5)
    units[:, 0] = (np.arange(3000) + 0.5) / 3000
    kinds = [CUBE.params(row)["kd"] for row in CUBE.snap(units)]
    assert [kinds.count(kind) for kind in ("none", "dist", "kd")] == [1000] * 3
