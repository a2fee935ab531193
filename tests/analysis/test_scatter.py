from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.records import read_run
from analysis.scatter import _ticks, draw_scatter, scatter_info
from analysis.select import best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]


def test_points_are_complete_and_stopped_trials_and_no_others(make_run: Make) -> None:
    run = read_run(make_run())
    info = scatter_info(run, best(run))
    assert info
    assert len(info.complete) == 10
    assert len(info.stopped) + info.hidden == 2
    assert info.chosen == (2_313_571, pytest.approx(96.5))
    assert info.unpruned == (11_066_880, pytest.approx(97.9))
    assert [macs for macs, _ in info.front] == sorted(macs for macs, _ in info.front)
    assert {accuracy for _, accuracy in info.front} == {100 * value for value in (0.805, 0.906, 0.965, 0.979)}
    assert all(accuracy >= info.floor for _, accuracy in info.complete + info.stopped)


def test_a_stopped_trial_without_a_final_accuracy_stands_at_its_last_rung(
    make_run: Make, complete: Events, ending: Events
) -> None:
    asked, end = ending(1, "stopped", {}, {"macs": 500})
    rung = {"event": "rung", "trial": 1, "rung": "r", "epoch": 4, "address": "a", "value": 0.898, "peers": 5}
    run = read_run(make_run([*complete(0, 0.9, 0.5), asked, rung | {"decision": "stop"}, end]))
    info = scatter_info(run, best(run))
    assert info
    assert info.stopped == ((500, 89.8),)


def test_no_plot_without_macs(make_run: Make, complete: Events) -> None:
    run = read_run(make_run(complete(0, 0.9, 0.5, macs=None)))
    assert scatter_info(run, best(run)) is None


def test_a_single_point_is_drawn(make_run: Make, complete: Events) -> None:
    run = read_run(make_run(complete(0, 0.9, 0.5, accuracy_unpruned=None, macs=800)))
    info = scatter_info(run, None)
    assert info
    assert (info.chosen, info.unpruned) == (None, None)
    assert draw_scatter(info)["svg"].startswith(b"<?xml")


def test_the_axes_hold_an_unpruned_network_that_is_worse(make_run: Make, complete: Events) -> None:
    run = read_run(make_run(complete(0, 1.0, 0.5, accuracy_unpruned=0.6)))
    info = scatter_info(run, best(run))
    assert info
    assert info.floor < 60
    assert draw_scatter(info)["png"].startswith(b"\x89PNG")


@given(st.floats(1e-3, 1e3), st.floats(1.44, 1e4))
@settings(deadline=None)
def test_an_axis_of_macs_has_a_few_round_ticks_within_it(low: float, ratio: float) -> None:
    ticks = _ticks(low, low * ratio)
    assert 2 <= len(ticks) <= 14
    assert all(low <= tick <= low * ratio for tick in ticks)
