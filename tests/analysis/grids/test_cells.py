from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.grids.cells import Cut, flat, grid, student_epochs
from analysis.records import read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def test_seeds_of_a_recipe_share_a_cell(grid_run: Make) -> None:
    found = grid(read_run(grid_run()))
    assert found
    assert len(found.cells) == 1 + 3 * 4
    assert {cell.n for cell in found.cells} == {3}
    assert found.repeated
    assert (found.score, found.images) == ("validation accuracy", 287)
    plain = next(cell for cell in found.cells if cell.settings["sparsity.s"] == 0.0)
    assert plain.mean == pytest.approx(0.971)
    assert plain.sd == pytest.approx(0.001)
    assert plain.by_seed == {0: 0.97, 1: 0.971, 2: 0.972}
    assert plain.epochs == 12 + 4


def test_where_nothing_is_cut_the_way_of_cutting_does_not_matter(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(0.0)) + point_of(1, 0.9, settings_of(0.0, prune__method="l1"))
    events += point_of(2, 0.8, settings_of(0.5)) + point_of(3, 0.8, settings_of(0.5, prune__method="l1"))
    events += point_of(4, 0.9, settings_of(None))
    found = grid(read_run(grid_run(events)))
    assert found
    assert [(cell.cut.label, cell.n) for cell in found.cells] == [("0", 1), ("50", 1), ("50", 1)]


def test_draws_repeat_a_recipe_and_a_seed_is_their_mean(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = [
        event
        for draw in range(4)
        for event in point_of(
            draw, 0.8 + draw / 100, settings_of(0.5, prune__method="random", prune__draw=draw)
        )
    ]
    found = grid(read_run(grid_run(events + point_of(4, 0.9, settings_of(0.5)))))
    assert found
    random = next(cell for cell in found.cells if cell.n == 4)
    assert random.by_seed == {0: pytest.approx(0.815)}


def test_a_search_has_cells_only_where_it_repeats(
    make_run: Make, point_of: Events, settings_of: Settings
) -> None:
    once = [*point_of(0, 0.9, settings_of(0.3)), *point_of(1, 0.9, settings_of(0.5))]
    assert grid(read_run(make_run(once))) is None
    assert grid(read_run(make_run(name="default"))) is None
    again = once + point_of(2, 0.91, settings_of(0.3, seed=1)) + point_of(3, 0.92, settings_of(0.5, seed=1))
    found = grid(read_run(make_run([*again, *point_of(4, 0.9, settings_of(0.7))], name="b")))
    assert found
    assert [cell.cut.label for cell in found.cells] == ["30", "50"]


def test_equal_seed_and_settings_are_one_network(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = [event for n in range(3) for event in point_of(n, 0.9, settings_of(0.5))]
    found = grid(read_run(grid_run(events + point_of(3, 0.9, settings_of(0.3)))))
    assert found
    assert [cell.n for cell in found.cells] == [1, 1]


def test_the_test_set_is_compared_by_where_all_have_it(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    both = [
        *point_of(0, 0.9, settings_of(0.0), test_accuracy=0.7, test_images=360),
        *point_of(1, 0.8, settings_of(0.5), test_accuracy=0.6, test_images=360),
    ]
    found = grid(read_run(grid_run(both)))
    assert found
    assert (found.score, found.images, found.cells[0].mean) == ("test accuracy", 360, 0.7)
    found = grid(read_run(grid_run([*both, *point_of(2, 0.85, settings_of(0.3))], name="b")))
    assert found
    assert (found.score, found.images, found.cells[0].mean) == ("validation accuracy", 287, 0.9)


def test_old_records_without_settings_take_them_from_the_space(make_run: Make, complete: Events) -> None:
    space = (
        "{name: a, model: m, prune: {percent: 0.5, method: slimming}, finetune: {epochs: 3, kd: none},"
        " sweep: {sampler: {name: grid}}}"
    )
    found = grid(read_run(make_run(complete(0, 0.9, 0.3) + complete(1, 0.8, 0.5), space=space)))
    assert found
    assert [cell.cut for cell in found.cells] == [Cut(depth=0.3), Cut(depth=0.5)]
    assert "finetune.kd" in found.cells[0].settings
    assert "sweep.sampler" not in found.cells[0].settings


def test_a_cut_by_budget_is_told_by_what_stays(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    budget = settings_of(0.5)
    budget["prune"] = {"keep_macs": 0.6, "method": "slimming"}
    found = grid(read_run(grid_run(point_of(0, 0.9, budget) + point_of(1, 0.9, settings_of(0.3)))))
    assert found
    assert [cell.cut.label for cell in found.cells] == ["30", "MACs to 60"]


def test_the_teacher_belongs_to_the_stages_that_learn_from_it(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.9, settings_of(0.5, "none", "dist")) + point_of(1, 0.9, settings_of(0.5))
    found = grid(read_run(grid_run(events)))
    assert found
    taught = next(cell for cell in found.cells if cell.settings["finetune.kd"] == "dist")
    assert taught.settings["finetune.teacher.model"] == "resnet32x4"
    assert not [key for key in taught.settings if key.startswith(("teacher.", "sparsity.teacher."))]


def test_lists_among_settings_become_text() -> None:
    assert dict(flat({"a": {"b": [1, 2], "c": None}, "d": True})) == {"a.b": "[1, 2]", "a.c": None, "d": True}


def test_without_a_curve_the_counted_epochs_are_taken(make_run: Make, complete: Events) -> None:
    assert student_epochs(read_run(make_run(complete(0, 0.9, 0.5))).trials[0]) == 20
