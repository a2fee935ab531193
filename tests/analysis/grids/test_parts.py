from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.grids.cells import Grid, grid
from analysis.grids.parts import grid_sections
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def grid_of(folder: Path) -> Grid:
    found = grid(read_run(folder))
    assert found
    return found


def test_a_sentence_a_recipe_says_how_far_it_holds_and_what_was_not_seen(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    reached = {0.0: (0.95, 0.96, 0.97), 0.3: (0.951, 0.958, 0.971), 0.5: (0.91, 0.921, 0.93)}
    events = [
        event
        for n, (percent, seed) in enumerate((p, s) for p in reached for s in range(3))
        for event in point_of(n, reached[percent][seed], settings_of(percent, seed=seed))
    ]
    sections = {section.title: section for section in grid_sections(grid_of(grid_run(events)))}
    assert set(sections) == {"Against both baselines", "The largest percent without a loss"}
    assert sections["The largest percent without a loss"].words == (
        "KD none → none: not below the unpruned network up to 30 %; below it from 50 %. That is not decided: a loss "
        "under 0.4 points could not have been seen.",
    )


def test_a_run_without_cuts_compares_distillation_only(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(None, "none", None)) + point_of(
        1, 0.91, settings_of(None, "dist", None)
    )
    sections = grid_sections(grid_of(grid_run(events)))
    assert [section.title for section in sections] == ["Distillation against none"]
    assert [name for name, _ in sections[0].tables] == ["distillation-sparsity"]
    assert sections[0].pictures == ()


def test_one_recipe_at_several_percents_without_a_baseline_has_no_section(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(0.3)) + point_of(1, 0.91, settings_of(0.5))
    assert grid_sections(grid_of(grid_run(events))) == ()
