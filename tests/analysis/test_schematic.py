from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.draw_schematic import draw_schematic
from analysis.records import read_run
from analysis.schematic import Schematic, Stage, schematic

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def test_stages_losses_and_ranges_are_those_of_the_trials(grid_run: Make) -> None:
    found = schematic(read_run(grid_run()))
    assert found
    assert (found.teacher, found.student) == ("resnet32x4", "preresnet8x4")
    assert [(stage.name, stage.trains, stage.kd, stage.note) for stage in found.stages] == [
        ("sparsity", True, ("none", "dist"), "s 0–0.01"),
        ("prune", False, ("none",), "0–50 %"),
        ("finetune", True, ("none", "dist"), "4 epochs"),
    ]
    assert found.spoken() == (
        "Student preresnet8x4: sparsity with logits of the teacher resnet32x4 in the loss (dist), then prune, then "
        "finetune with logits of the teacher resnet32x4 in the loss (dist)"
    )


def test_a_teacher_that_no_one_hears_is_not_drawn(
    make_run: Make, point_of: Events, settings_of: Settings
) -> None:
    found = schematic(read_run(make_run(point_of(0, 0.9, settings_of(0.5, None)))))
    assert found
    assert found.teacher == ""
    assert [stage.name for stage in found.stages] == ["prune", "finetune"]


def test_without_recorded_settings_the_space_tells(make_run: Make) -> None:
    found = schematic(read_run(make_run()))
    assert found
    assert [stage.kd for stage in found.stages] == [("none",), ("none",), ("none", "dist")]
    assert found.stages[1].note == "30–90 %"


def test_one_stage_is_no_pipeline(make_run: Make, point_of: Events, settings_of: Settings) -> None:
    assert schematic(read_run(make_run(point_of(0, 0.9, settings_of(None, None))))) is None


@pytest.mark.parametrize("kd", [("none",), ("dist",), ("none", "dist", "kd", "dkd")])
@pytest.mark.parametrize("count", [2, 3])
def test_any_pipeline_is_drawn_without_a_warning(kd: tuple[str, ...], count: int) -> None:
    stages = (
        Stage(name="sparsity", trains=True, kd=kd, note="s 1e-5"),
        Stage(name="prune", trains=False, kd=("none",), note=""),
        Stage(name="finetune", trains=True, kd=kd, note="240 epochs"),
    )
    taught = "$checkpoint/of/a/long_{name" if kd != ("none",) else ""
    shown = Schematic(teacher=taught, student="a_student_with_a_name", stages=stages[-count:])
    assert draw_schematic(shown)["svg"].startswith(b"<?xml")
