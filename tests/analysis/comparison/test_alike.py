import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.comparison.alike import check
from analysis.errors import InputError
from analysis.records import read_run

Make = Callable[..., Path]


def test_runs_of_one_question_may_differ_in_everything_else(make_sweep: Make) -> None:
    def other(text: str) -> str:
        return text.replace("preresnet8x4", "resnet8").replace("[0.3, 0.5, 0.7]", "[0.1]")

    check([read_run(make_sweep("a", [0.9])), read_run(make_sweep("b", [0.9], space=other, seed=3))])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"objective": "{maximize: accuracy_pruned}", "accuracy_pruned": 0.1}, "objective: .* has maximize accuracy, this one maximize accuracy_pruned."),
        ({"constraints": '{macs: "<= 0.5"}'}, "constraints: .* has none, this one macs <= 0.5."),
        ({"space": ("digits", "cifar10")}, "data.source: .* has digits, this one cifar10."),
        ({"space": ("split_seed: 0", "split_seed: 7")}, "data.split_seed: .* has 0, this one 7."),
        ({"space": ("epochs: 6", "epochs: 6, trained_on: train")}, "trained_on: .* has none, this one train."),
        ({"validation_images": 100}, "validation images: .* has 287, this one 100."),
    ],
    ids=["objective", "constraints", "data", "split", "trained_on", "images"],
)  # fmt: skip
def test_runs_of_another_question_are_refused_with_what_differs(
    make_sweep: Make, change: dict[str, Any], words: str
) -> None:
    if "space" in change:
        old, new = change["space"]
        change = {"space": lambda text: text.replace(old, new)}
    runs = [read_run(make_sweep("a", [0.9])), read_run(make_sweep("b", [0.9], **change))]
    with pytest.raises(InputError, match=f"/b: {words} Compare runs of one question on one split."):
        check(runs)


@pytest.mark.parametrize(
    "values", [[], [(0.9, "stopped"), (0.0, "infeasible")]], ids=["empty", "none complete"]
)
def test_a_run_without_a_complete_trial_is_refused(make_sweep: Make, values: list[Any]) -> None:
    runs = [read_run(make_sweep("a", [0.9])), read_run(make_sweep("b", values))]
    with pytest.raises(
        InputError, match=r"/b: no complete trial with accuracy, so nothing to compare. Leave it out"
    ):
        check(runs)


def test_one_run_or_the_same_twice_is_refused(make_sweep: Make) -> None:
    run = read_run(make_sweep("a", [0.9]))
    with pytest.raises(InputError, match=r"compare: at least two runs, got 1. Name another one."):
        check([run])
    with pytest.raises(InputError, match=rf"{re.escape(str(run.path))}: is given twice. Name it once."):
        check([run, run])
