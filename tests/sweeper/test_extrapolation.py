"""What stopped trials would have reached."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeper.extrapolation import Curve, finals


def test_finished_trials_keep_their_values():
    assert finals([Curve(rungs={"a": 10.0}, final=50.0), Curve(rungs={}, final=40.0)]) == [50.0, 40.0]


def test_a_stopped_trial_gains_what_the_finished_ones_gained_from_its_last_rung():
    finished = [Curve(rungs={"a": v, "b": v + 5}, final=v + 20.0) for v in (50.0, 60.0, 70.0)]
    stopped = [Curve(rungs={"a": 40.0}), Curve(rungs={"a": 40.0, "b": 41.0})]
    assert finals([*finished, *stopped])[3:] == [pytest.approx(60.0), pytest.approx(56.0)]


def test_a_gain_that_falls_with_the_value_is_followed_but_cautiously():
    finished = [Curve(rungs={"a": v}, final=80.0 + v / 10) for v in (40.0, 50.0, 60.0, 70.0)]
    value = finals([*finished, Curve(rungs={"a": 30.0})])[-1]
    assert 55.5 < value < 83.0, "between the mean gain and the whole slope"


def test_its_own_group_is_asked_first_and_the_others_at_that_rung_if_none_of_it_has_finished():
    slow = [Curve(rungs={"half kd=dist": 40.0}, final=80.0), Curve(rungs={"half kd=dist": 30.0})]
    quick = [Curve(rungs={"half kd=none": 50.0}, final=55.0), Curve(rungs={"half kd=none": 30.0})]
    assert finals([*slow, *quick]) == [80.0, pytest.approx(70.0), 55.0, pytest.approx(35.0)]
    assert finals([*slow, quick[1]])[-1] == pytest.approx(70.0)


def test_without_a_finished_peer_the_value_itself_stands():
    assert finals([Curve(rungs={"a": 30.0}), Curve(rungs={"b": 3.0}, final=9.0)]) == [30.0, 9.0]


def test_a_trial_without_any_rung_is_left_at_the_lowest():
    assert finals([Curve(rungs={}), Curve(rungs={}, final=9.0), Curve(rungs={}, final=7.0)])[0] == 7.0


values = st.floats(0, 100)


@given(st.lists(st.tuples(values, values), min_size=1, max_size=8), st.lists(values, min_size=2, max_size=5))
def test_the_order_at_a_rung_is_kept(finished, stopped):
    curves = [Curve(rungs={"a": at}, final=end) for at, end in finished]
    curves += [Curve(rungs={"a": at}) for at in sorted(stopped)]
    reached = finals(curves)[len(finished) :]
    assert all(low <= high + 1e-9 for low, high in itertools.pairwise(reached))


@given(st.lists(st.tuples(values, values), min_size=1, max_size=8), st.floats(-50, 50), st.floats(0.01, 10))
def test_units_and_zero_do_not_matter(finished, shift, scale):
    def curves(move):
        known = [Curve(rungs={"a": move(at)}, final=move(end)) for at, end in finished]
        return [*known, Curve(rungs={"a": move(33.0)})]

    moved = finals(curves(lambda value: value * scale + shift))[-1]
    assert moved == pytest.approx(finals(curves(float))[-1] * scale + shift, rel=1e-6, abs=1e-6)
