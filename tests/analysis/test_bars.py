from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.bars import Bar, BarInfo, bar_info, draw_bars
from analysis.figures import COLOURS
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]


def test_bars_are_grouped_by_kd_where_it_was_searched(make_run: Make) -> None:
    info = bar_info(read_run(make_run()))
    assert info
    assert info.groups == ("none", "dist")
    assert len(info.bars) == 10
    assert info.unpruned == pytest.approx(97.9)
    low = min(bar.low for bar in info.bars if bar.low)
    assert info.floor < low
    assert info.top < 100


def test_one_series_where_kd_was_not_searched(make_run: Make, complete: Events) -> None:
    info = bar_info(read_run(make_run(complete(0, 0.9, 0.5), space="search: {prune.percent: [0.5]}")))
    assert info
    assert info.groups == (None,)
    assert draw_bars(info)["png"].startswith(b"\x89PNG")


def test_no_chart_without_accuracies_or_percents(make_run: Make, complete: Events, ending: Events) -> None:
    assert bar_info(read_run(make_run([]))) is None
    space = "objective: {minimize: loss}"
    assert bar_info(read_run(make_run(complete(0, 0.9, 0.5), name="b", space=space))) is None
    no_percent = ending(0, "complete", {}, {"accuracy": 0.9})
    assert bar_info(read_run(make_run(no_percent, name="c", space="name: c"))) is None


def test_a_chart_without_intervals_and_baseline_with_a_hostile_name_is_drawn(
    make_run: Make, ending: Events
) -> None:
    params = {"prune.percent": 0.125, "finetune.kd": "$\\frac{\x1b[31m名"}
    info = bar_info(read_run(make_run(ending(0, "complete", params, {"accuracy": 0.9}))))
    assert info
    assert (info.bars[0].low, info.unpruned, info.top) == (None, None, 90)
    assert draw_bars(info)["pdf"].startswith(b"%PDF")


def test_the_axis_holds_an_unpruned_network_that_is_worse(make_run: Make, complete: Events) -> None:
    info = bar_info(read_run(make_run(complete(0, 1.0, 0.5, accuracy_unpruned=0.6))))
    assert info
    assert info.unpruned == 60
    assert info.floor < 60


def test_more_kinds_of_kd_than_colours_are_not_split(make_run: Make, ending: Events) -> None:
    events = [
        event
        for number in range(len(COLOURS) + 1)
        for event in ending(
            number, "complete", {"prune.percent": 0.5, "finetune.kd": f"kd{number}"}, {"accuracy": 0.9}
        )
    ]
    info = bar_info(read_run(make_run(events)))
    assert info
    assert info.groups == (None,)


@pytest.mark.parametrize(
    ("percents", "groups"),
    [(1, (None,)), (2, ("none", "name" * 99, "a", "b", "c", "d")), (30, ("none",))],
    ids=["one", "two percents and six kinds of KD", "thirty percents"],
)
def test_any_number_of_bars_is_drawn_without_a_warning(percents: int, groups: tuple[str | None, ...]) -> None:
    bars = tuple(
        Bar(percent=place / 31, group=group, accuracy=90 - place, low=88 - place, high=92 - place)
        for place in range(percents)
        for group in groups
    )
    info = BarInfo(bars=bars, groups=groups, unpruned=97.9, floor=50)
    assert draw_bars(info)["png"].startswith(b"\x89PNG")
