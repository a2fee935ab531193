import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.faults import Faults
from sweeper.flow import flow
from sweeper.grammar import read_knob, spaced
from sweeper.knobs import Knob
from sweeper.strict_yaml import parse

# an entry of the search section -> what is said of it
BAD: dict[str, str | list[str]] = {
    "  prune.percent: 0.5": ":2: search.prune.percent: must be a list of values or a range, got 0.5. Write prune.percent: [0.5], or take it out of search.",
    "  prune.percent: null": ":2: search.prune.percent: must be a list of values or a range, got null. List its values in [ ], or take it out of search.",
    "  prune.percent: x": ':2: search.prune.percent: must be a list of values or a range, got "x". List its values in [ ], or take it out of search.',
    "  prune.percent: []": ":2: search.prune.percent: must be a list of 1 to 1000 values, got [].",
    "  prune.percent: {}": ":2: search.prune.percent: needs exactly one of choice, uniform, log_uniform, int_uniform, got {}.",
    "  prune.percent: [0.3, 0.3]": ":2: search.prune.percent[1]: is given twice, got 0.3. Remove one.",
    "  prune.percent: [1, 0.5, 1.0]": [
        ":2: search.prune.percent[0]: must be a fraction from 0 to below 1, got 1. Write 0.01 for 1 %.",
        ":2: search.prune.percent[2]: is given twice, got 1.0. Remove one.",
    ],
    "  prune.percent: [[0.3], 0.5]": ":2: search.prune.percent[0]: must be one value, got [0.3].",
    "  prune.percent: [0.3, 0.5, 20]": ":2: search.prune.percent[2]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    "  prune.percent: [0.3,\n    '0.5',\n    true]": [
        ':3: search.prune.percent[1]: must be a number, got "0.5". Remove its quotes.',
        ":4: search.prune.percent[2]: must be a number, got true.",
    ],
    "  prune.percent:\n    - 0.3\n    - .nan": ":4: search.prune.percent[1]: must be a finite number, got .nan.",
    "  prune.percent: {choice: [0.3, 20]}": ":2: search.prune.percent.choice[1]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    "  prune.percent: {choice: 0.3}": ":2: search.prune.percent.choice: must be a list of 1 to 1000 values, got 0.3.",
    "  prune.percent: {choice: [0.3, 0.5], points: 2}": ":2: search.prune.percent.points: has no effect on a choice, got 2. Remove it.",
    "  prune.percent: {uniform: [0.3, 20]}": ":2: search.prune.percent.uniform[1]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    "  finetune.lr: {unifrm: [0.01, 0.1]}": ":2: search.finetune.lr.unifrm: is no setting here, got [0.01, 0.1]. Did you mean uniform?",
    "  finetune.lr: {points: 4}": ":2: search.finetune.lr: needs exactly one of choice, uniform, log_uniform, int_uniform, got {points: 4}.",
    "  finetune.lr: {choice: [0.1], uniform: [0.01, 0.1]}": ":2: search.finetune.lr: needs exactly one of choice, uniform, log_uniform, int_uniform, got {choice: [0.1], uniform: [0.01, 0.1]}.",
    "  finetune.lr: {uniform: 0.1}": ":2: search.finetune.lr.uniform: must be [low, high], two numbers, got 0.1. Write uniform: [LOW, HIGH].",
    "  finetune.lr: {uniform: [0.1, .inf]}": ":2: search.finetune.lr.uniform: must be [low, high], two numbers, got [0.1, .inf]. Write uniform: [LOW, HIGH].",
    "  finetune.lr: {uniform: [0.1, 0.01]}": ":2: search.finetune.lr.uniform: must be [low, high] with low below high, got [0.1, 0.01]. Write uniform: [0.01, 0.1].",
    "  finetune.lr: {uniform: [0.1, 0.1]}": ":2: search.finetune.lr.uniform: must be [low, high] with low below high, got [0.1, 0.1]. Write finetune.lr: [0.1].",
    "  finetune.lr: {log_uniform: [0, 0.01]}": ":2: search.finetune.lr.log_uniform: must be above 0 on a log scale, got [0, 0.01]. Write uniform, or a low end such as 1e-4.",
    "  finetune.lr: {int_uniform: [1, 8]}": ":2: search.finetune.lr.int_uniform: is for whole numbers, and finetune.lr is a real one, got [1, 8]. Write finetune.lr: {uniform: [1, 8]}.",
    "  finetune.lr: {uniform: [0.01, 0.1], points: 1}": ":2: search.finetune.lr.points: must be a whole number from 2 to 1000, got 1.",
    "  finetune.lr: {uniform: [0.01, 0.1], points: 1000000000}": ":2: search.finetune.lr.points: must be a whole number from 2 to 1000, got 1000000000.",
    "  finetune.lr: {uniform: [0.01, 0.1], step: 2}": ":2: search.finetune.lr.step: belongs to int_uniform, got 2. Write points.",
    "  finetune.lr: {uniform: [0.1, 0.1000001], points: 9}": ":2: search.finetune.lr.points: are too many for so narrow a range, got 9.",
    "  finetune.epochs: {uniform: [4, 8]}": ":2: search.finetune.epochs.uniform: is for real numbers, and finetune.epochs is a whole one, got [4, 8]. Write finetune.epochs: {int_uniform: [4, 8]}.",
    "  finetune.epochs: {log_uniform: [4.5, 8.5], points: 3}": ":2: search.finetune.epochs.log_uniform: is for real numbers, and finetune.epochs is a whole one, got [4.5, 8.5]. Write finetune.epochs: {int_uniform: [5, 8]}.",
    "  finetune.epochs: {int_uniform: [4.5, 8]}": ":2: search.finetune.epochs.int_uniform: must be two whole numbers, got [4.5, 8]. Write finetune.epochs: {int_uniform: [5, 8]}.",
    "  finetune.epochs: {int_uniform: [0, 8]}": ":2: search.finetune.epochs.int_uniform[0]: must be at least 1, got 0.",
    "  finetune.epochs: {int_uniform: [4, 8], points: 3}": ":2: search.finetune.epochs.points: belongs to uniform and log_uniform, got 3. Write step.",
    "  finetune.epochs: {int_uniform: [4, 8], step: 0}": ":2: search.finetune.epochs.step: must be a whole number of at least 1, got 0.",
    "  finetune.epochs: {int_uniform: [1, 90000], step: 1}": ":2: search.finetune.epochs.step: gives more than 1000 values, got 1. Write 91 or more.",
    "  finetune.kd: {uniform: [0, 1]}": ":2: search.finetune.kd.uniform: takes no range, got [0, 1]. List its values in [ ].",
    "  finetune.nesterov: {int_uniform: [0, 1]}": ":2: search.finetune.nesterov.int_uniform: takes no range, got [0, 1]. List its values in [ ].",
    "  finetune.nesterov: [yes, true]": ':2: search.finetune.nesterov[0]: must be true or false, got "yes". Write true.',
    "  model: [preresnet8, preresnet9]": ':2: search.model[1]: must be a known network, got "preresnet9". Did you mean preresnet98?',
    "  finetune.lr: {choice: [0.1], when: 3}": ":2: search.finetune.lr.when: must be a mapping of setting: value, got 3. Write when: {finetune.kd: dist}.",
    "  finetune.lr: {choice: [0.1], when: {}}": ":2: search.finetune.lr.when: must be a mapping of setting: value, got {}. Write when: {finetune.kd: dist}.",
    "  finetune.lr: {choice: [0.1], when: {finetune.kd: [[dist]]}}": ':2: search.finetune.lr.when.finetune.kd: must be a value or a list of values, got [["dist"]].',
}


def read(text: str) -> tuple[Knob | None, str]:
    document = parse(f"search:\n{text}", "f")
    knob, faults = read_knob(document, next(iter(document.at("search"))))
    return knob, str(Faults("f", faults)) if faults else ""


@pytest.mark.parametrize(("text", "told"), BAD.items(), ids=lambda value: str(value)[:50])
def test_a_bad_entry_is_told_by_its_line(text: str, told: str | list[str]) -> None:
    lines = [told] if isinstance(told, str) else told
    assert read(text)[1].splitlines() == [f"f{line}" for line in lines]


@pytest.mark.parametrize("text", [text for text, told in BAD.items() if "Write finetune." in told])
def test_the_mend_of_a_range_can_be_pasted(text: str) -> None:
    line = read(text)[1].partition("Write ")[2].removesuffix(".")
    assert read(f"  {line}")[1] == ""


@pytest.mark.parametrize(
    ("key", "entry", "values"),
    [
        ("prune.percent", [0.3, 0.1, 0.2], (0.3, 0.1, 0.2)),
        ("prune.percent", [0.5], (0.5,)),
        ("finetune.kd_tau", {"choice": [1, None]}, (1, None)),
        ("sparsity.s", {"log_uniform": [1e-3, 1], "points": 4}, (0.001, 0.01, 0.1, 1.0)),
        ("finetune.epochs", {"int_uniform": [4, 12], "step": 4}, (4, 8, 12)),
        ("finetune.epochs", {"int_uniform": [4, 13], "step": 4}, (4, 8, 12)),
        ("finetune.batch_size", {"int_uniform": [16, 32], "step": 16}, (16, 32)),
        ("finetune.momentum", {"uniform": [0, 0.9]}, None),
        ("finetune.epochs", {"int_uniform": [1, 3]}, None),
    ],
)
def test_the_grammar_is_read(key: str, entry: Any, values: tuple[Any, ...] | None) -> None:
    knob, told = read(f"  {key}: {flow(entry)}")
    assert told == ""
    assert knob is not None
    assert (knob.key, knob.values) == (key, values)


def test_the_mend_of_a_range_keeps_its_condition() -> None:
    _, told = read("  finetune.epochs: {uniform: [1.5, 1.9], points: 3, when: {finetune.kd: dist}}")
    assert told.endswith("Write finetune.epochs: {int_uniform: [2, 3], when: {finetune.kd: dist}}.")


def test_a_range_and_its_condition_are_kept() -> None:
    knob, _ = read("  finetune.lr: {log_uniform: [1e-3, 1], when: {finetune.kd: dist, seed: [0, 1]}}")
    when = (("finetune.kd", ("dist",)), ("seed", (0, 1)))
    assert knob == Knob(key="finetune.lr", values=None, low=1e-3, high=1, log=True, when=when)


@settings(deadline=None)
@given(st.floats(1e-6, 1e3), st.floats(1.001, 1e4), st.integers(2, 40), st.booleans())
def test_spaced_values_rise_from_the_exact_low_to_the_exact_high(
    low: float, factor: float, points: int, log: bool
) -> None:
    values = spaced(low, low * factor, points, log=log)
    assert len(values) == points
    assert (values[0], values[-1]) == (low, low * factor)
    assert all(one <= other * (1 + 1e-5) for one, other in itertools.pairwise(values))


def test_spaced_values_are_evenly_spaced_on_their_scale() -> None:
    assert spaced(0, 1, 5, log=False) == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert spaced(1e-3, 1, 4, log=True) == (0.001, 0.01, 0.1, 1.0)
    assert spaced(1e-300, 1e300, 3, log=True) == (1e-300, 1.0, 1e300)
