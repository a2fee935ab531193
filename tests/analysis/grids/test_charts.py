from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.grids.cells import Grid, grid
from analysis.grids.charts import OWN, QUARTERS, combination_charts, own_chart
from analysis.grids.draw_charts import draw_chart
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def grid_of(folder: Path) -> Grid:
    found = grid(read_run(folder))
    assert found
    return found


def test_each_combination_has_a_chart_with_both_baselines_on_one_axis(grid_run: Make) -> None:
    charts = combination_charts(grid_of(grid_run()))
    assert [chart.name for chart in charts] == list(QUARTERS.values())
    assert len({(chart.floor, chart.top) for chart in charts}) == 1
    ((name, columns),) = charts[-1].series
    assert name == "KD dist → dist"
    assert [(column.label, round(column.mean, 4)) for column in columns] == [("30", 96.0), ("50", 94.0)]
    assert columns[0].low == pytest.approx(95.9)
    assert columns[0].high == pytest.approx(96.1)
    assert charts[0].lines == (("vanilla", pytest.approx(97.1)), ("unpruned", pytest.approx(98.0)))
    assert charts[0].floor < 92.9
    assert all(draw_chart(chart)["pdf"].startswith(b"%PDF") for chart in charts[:1])


def test_several_losses_stand_side_by_side(grid_run: Make, events_of: Events) -> None:
    charts = combination_charts(grid_of(grid_run(events_of(seeds=1, kds=("none", "dist", "kd")))))
    assert [name for name, _ in charts[-1].series] == [
        "KD dist → dist",
        "KD dist → kd",
        "KD kd → dist",
        "KD kd → kd",
    ]
    column = charts[0].series[0][1][0]
    assert column.low
    assert column.low < column.mean
    assert draw_chart(charts[-1])["png"].startswith(b"\x89PNG")


def test_the_best_recipe_stands_beside_both_baselines(grid_run: Make) -> None:
    chart = own_chart(grid_of(grid_run()))
    assert chart
    assert chart.name == OWN
    assert [(name, [column.label for column in columns]) for name, columns in chart.series] == [
        ("vanilla", ["0"]),
        ("unpruned", ["0"]),
        ("pruned, KD dist → dist", ["30", "50"]),
    ]
    assert draw_chart(chart)["svg"].startswith(b"<?xml")


def test_one_quarter_is_no_comparison_and_without_a_baseline_there_is_no_own_chart(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(0.3)) + point_of(1, 0.9, settings_of(0.5))
    found = grid_of(grid_run(events))
    assert combination_charts(found) == ()
    assert own_chart(found) is None
    uncut = point_of(0, 0.9, settings_of(0.0)) + point_of(1, 0.9, settings_of(0.0, "none", "dist"))
    assert own_chart(grid_of(grid_run(uncut, name="b"))) is None


def test_networks_from_scratch_are_shown_only_where_there_are_no_others(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    scratch = point_of(0, 0.99, settings_of(0.5, finetune__start="scratch"))
    start = point_of(1, 0.95, settings_of(0.0))
    chart = own_chart(grid_of(grid_run(scratch + start + point_of(2, 0.9, settings_of(0.5)))))
    assert chart
    assert chart.series[-1][1][0].mean == pytest.approx(90)
    chart = own_chart(grid_of(grid_run(scratch + start, name="b")))
    assert chart
    assert chart.series[-1][1][0].mean == pytest.approx(99)
