from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.bars import bar_info, draw_bars
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
