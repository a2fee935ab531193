"""The next space: what it keeps, what it says, and that the sweeper takes it as it is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from analysis import plain_yaml
from analysis.advice.knobs import Knob, knobs
from analysis.advice.moves import Move
from analysis.advice.next_space import next_name, next_space, next_yaml
from sweeper.space import load

SHIPPED = [
    "finetune",
    "pipeline",
    "sparsity",
    "methods",
    "gradual",
    "scratch",
    "diary_grid",
    "random_baseline",
    "cifar100/finetune",
]


def any_move(knob: Knob, drawer: random.Random) -> Move:
    """One of all that may become of a knob, whether anything speaks for it or not."""
    done = (("do", "something"),)
    kind = drawer.choice(["keep", "fix", "drop", "drop", "narrow"])
    if knob.kind == "repeats" or kind == "keep":
        return Move(knob=knob)
    if knob.values is None:
        value = knob.at(drawer.random())
        value = round(value) if knob.integer else value
        return (
            Move(knob=knob, value=(value,), what=done)
            if kind == "fix"
            else Move(knob=knob, ends=(knob.low, knob.high), what=done)
        )
    if kind == "fix":
        return Move(knob=knob, value=(drawer.choice(knob.values),), what=done)
    kept = [value for value in knob.values if drawer.random() < 0.6]
    if len(kept) < 2:
        return Move(knob=knob)
    return Move(knob=knob, values=tuple(kept), what=done)


def written(tmp_path: Path, moves: list[Move], made: dict[str, Any]) -> Path:
    file = tmp_path / "next.yaml"
    file.write_text(next_yaml(moves, made, about="A test.", file=file), "utf-8")
    return file


@pytest.mark.parametrize("name", SHIPPED)
def test_whatever_is_done_to_a_shipped_space_the_sweeper_takes_it(name: str, tmp_path: Path) -> None:
    space = plain_yaml.load(load(name).text())
    assert isinstance(space, dict)
    drawer = random.Random(0)
    for _ in range(12):
        moves = [any_move(knob, drawer) for knob in knobs(space)]
        made = next_space(space, moves)
        if made is None:
            continue
        file = written(tmp_path, moves, made)
        taken = load(str(file))
        assert taken.name == next_name(space["name"])
        for move in moves:
            if move.value is not None:
                entry = taken.search.get(move.knob.key)
                assert entry is None or entry["choice"] == [move.value[0]]


def test_the_name_counts_on() -> None:
    assert next_name("a") == "a-next"
    assert next_name("a-next") == "a-next-2"
    assert next_name("a-next-9") == "a-next-10"
    assert len(next_name("x" * 64)) == 64


def test_nothing_is_left_to_search_where_all_is_fixed() -> None:
    space = {"name": "a", "finetune": {"epochs": 8}, "search": {"finetune.epochs": [4, 8]}}
    (knob,) = knobs(space)
    assert next_space(space, [Move(knob=knob)]) is None
    assert next_space(space, [Move(knob=knob, value=(4,), what=(("fix", "at 4"),))]) is None
    assert space["finetune"] == {"epochs": 8}


def test_a_condition_that_can_hold_no_more_takes_its_knob_along() -> None:
    space = {
        "name": "a",
        "teacher": {"model": "resnet14x4"},
        "finetune": {"epochs": 8, "kd_weight": 2.0},
        "search": {
            "finetune.kd_weight": {"choice": [1, 2], "when": {"finetune.kd": ["dist", "kd"]}},
            "finetune.kd": ["none", "dist", "kd"],
            "finetune.lr": [0.01, 0.1],
            "teacher.lr": {"choice": [0.1, 0.2], "when": {"finetune.kd": "dist"}},
        },
    }
    weight, kind, rate, taught = knobs(space)
    rest = [Move(knob=rate), Move(knob=taught)]
    fixed = [Move(knob=weight), Move(knob=kind, value=("none",), what=(("fix", "at none"),)), *rest]
    made = next_space(space, fixed)
    assert made is not None
    assert made["search"] == {"finetune.lr": [0.01, 0.1]}
    assert made["finetune"] == {"epochs": 8, "kd": "none"}
    text = next_yaml(fixed, made, about="A test.", file=Path("next.yaml"))
    assert "# finetune.kd_weight: gone with the values that it belonged to" in text
    dropped = [Move(knob=weight), Move(knob=kind, values=("none", "kd"), what=(("drop", "dist"),)), *rest]
    made = next_space(space, dropped)
    assert made is not None
    assert made["search"]["finetune.kd_weight"] == {"choice": [1, 2], "when": {"finetune.kd": "kd"}}
    assert "teacher.lr" not in made["search"]
