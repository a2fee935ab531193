"""Multi-fidelity Bayesian optimisation."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sweeper.cube import Cube
from sweeper.extrapolation import Curve
from sweeper.knobs import Knob
from sweeper.mfbo import Observation, normal_scores, propose

LINE = Cube((Knob(key="x", values=None, low=0.0, high=1.0), Knob(key="idle", values=(1, 2, 3))), {})
LIST = Cube((Knob(key="x", values=tuple(range(10))),), {})


def height(x):
    return -((x - 0.7) ** 2)


def seen(x, *, idle=1, final=True):
    if not final:
        return Observation(params={"x": x, "idle": idle}, curve=Curve(rungs={"half": height(x) - 0.1}))
    curve = Curve(rungs={"half": height(x) - 0.1}, final=height(x))
    return Observation(params={"x": x, "idle": idle}, curve=curve)


def test_it_finds_the_top_of_a_hill_sooner_than_chance():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        ended = [seen(x) for x in (0.1, 0.3, 0.95)]
        for _ in range(8):
            ended.append(seen(propose(LINE, ended, [], rng)["x"]))
        assert max(one.curve.final for one in ended) > height(0.68), seed


def test_stopped_trials_tell_it_where_not_to_look():
    ended = [seen(0.9), seen(0.5), *(seen(x, final=False) for x in (0.0, 0.1, 0.2, 0.3))]
    points = [propose(LINE, ended, [], np.random.default_rng(seed))["x"] for seed in range(10)]
    assert min(points) > 0.3


def test_of_points_that_promise_the_same_it_takes_the_cheap_one():
    ended = [seen(x, idle=idle) for x in (0.1, 0.3, 0.95) for idle in (1, 2, 3)]
    for value in (1, 2, 3):
        place = LINE.row({"x": 0.5, "idle": value})[1]
        points = [
            propose(
                LINE,
                ended,
                [],
                np.random.default_rng(seed),
                lambda rows, at=place: np.where(rows[:, 1] == at, 1.0, 9.0),
            )
            for seed in range(5)
        ]
        assert [point["idle"] for point in points] == [value] * 5


def test_where_trials_fail_it_does_not_go():
    failed = [Observation(params={"x": x, "idle": 1}, curve=None) for x in (0.72, 0.78, 0.84, 0.9, 1.0)]
    ended = [seen(0.1), seen(0.2), seen(0.3), seen(0.4), *failed]
    points = [propose(LINE, ended, [], np.random.default_rng(seed))["x"] for seed in range(10)]
    assert max(points) < 0.7


def test_a_point_is_not_asked_twice_while_others_are_left():
    rng = np.random.default_rng(0)
    points = [{"x": 2}, {"x": 5}]
    while len(points) < 10:
        half = len(points) // 2
        ended = [
            Observation(params=p, curve=Curve(rungs={}, final=height(p["x"] / 9))) for p in points[:half]
        ]
        points.append(propose(LIST, ended, points[half:], rng))
    assert sorted(point["x"] for point in points) == list(range(10))
    again = propose(LIST, [Observation(params=p, curve=Curve(rungs={}, final=0.0)) for p in points], [], rng)
    assert again["x"] in range(10), "and then one is asked again"


def test_trials_under_way_keep_others_away():
    ended = [seen(x) for x in (0.1, 0.4, 0.6, 0.9)]
    alone = propose(LINE, ended, [], np.random.default_rng(3))
    beside = propose(LINE, ended, [alone], np.random.default_rng(3))
    assert alone != beside


def test_the_same_generator_gives_the_same_point():
    ended = [seen(x) for x in np.linspace(0, 1, 100)]
    first, second = (propose(LINE, ended, [], np.random.default_rng(7)) for _ in range(2))
    assert first == second


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_scores_hang_on_the_order_alone(values):
    values = np.array(values)
    scores = normal_scores(values)
    assert np.isfinite(scores).all()
    assert abs(scores.mean()) < 0.6
    assert (normal_scores(values * 3) == scores).all()
    order = np.argsort(values)
    assert (np.diff(scores[order]) >= 0).all()
