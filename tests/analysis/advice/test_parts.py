"""The section, the command line's sentence and next.yaml, from records to files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.advice.advise import Advice, advise
from analysis.advice.facts import advice_facts
from analysis.advice.parts import advice_section, advised_yaml
from analysis.advice.words import next_line
from analysis.records import Run
from analysis.tables import to_latex, to_markdown
from sweeper.space import load

Sweep = Callable[..., Run]


@pytest.fixture(scope="module")
def run(sweep: Sweep) -> Run:
    """The rate matters, at 0.01 best, and distillation does."""
    return sweep(
        lambda p, d: (
            0.9
            - 0.08 * abs(math.log10(p["finetune.lr"]) + 2)
            - 0.02 * (p["finetune.kd"] == "none")
            + 0.004 * float(d.standard_normal())
        ),
        trials=100,
        sweep={"trials": 40, "seed": 3, "sampler": "tpe"},
    )


@pytest.fixture(scope="module")
def advice(run: Run) -> Advice:
    found = advise(run)
    assert found is not None
    return found


def test_the_next_space_runs_as_it_is_and_says_why(run: Run, advice: Advice, tmp_path: Path) -> None:
    file = tmp_path / "next.yaml"
    text = advised_yaml(run, advice, file)
    file.write_text(text, "utf-8")
    taken = load(str(file))
    assert taken.name == "tiny-next"
    assert taken.fixed["finetune.kd"] == "dist"
    assert taken.fixed["seed"] == 0
    assert taken.settings.sweep is not None
    assert (taken.settings.sweep.trials, taken.settings.sweep.seed) == (40, 4)
    assert not taken.warnings
    lines = text.splitlines()
    entry = lines.index("  finetune.lr:")
    assert lines[entry - 1].startswith("  # was {log_uniform: [0.001, 0.1]}: the 25 best lie from")
    assert any(
        line.startswith("  # finetune.kd: no longer searched, dist above; was [none, dist]") for line in lines
    )


def test_the_section_names_what_mattered_first(run: Run, advice: Advice) -> None:
    section = advice_section(run, advice, Path("next.yaml"))
    assert section.title == "What next"
    assert section.words[0].startswith("Mattered: lr, kd. ")
    ((name, table),) = section.tables
    (picture,) = section.pictures
    assert name == picture.name == "knobs"
    assert [row[0] for row in table.rows][:2] == ["lr", "kd"]
    assert table.rows[0][4] == "yes"
    assert picture.files["png"].startswith(b"\x89PNG")
    assert picture.files["pdf"].startswith(b"%PDF")
    assert r"p{5cm}" in to_latex(table)
    assert "| lr |" in to_markdown(table)


def test_one_line_says_what_to_do_and_how(advice: Advice) -> None:
    line = next_line(advice, Path("runs/tiny/report/next.yaml"))
    assert line.startswith("narrow lr to 0.00")
    assert line.endswith("fix kd at dist; python -m sweeper run runs/tiny/report/next.yaml")


def test_nothing_is_written_where_nothing_changes(sweep: Sweep) -> None:
    still = sweep(lambda p, d: float(d.random()), trials=30, seed=1)
    found = advise(still)
    assert found is not None
    assert advised_yaml(still, found, Path("next.yaml")) == ""
    assert next_line(found, Path("next.yaml")).startswith("The space stays as it is")
    few = advise(replace(still, trials=still.trials[:5]))
    assert few is not None
    section = advice_section(still, few, Path("next.yaml"))
    assert section.words == (
        "Not decided: 5 points have a result; from 20 on, knobs can be told from chance.",
    )
    assert not section.tables


def test_several_objectives_have_a_column_each(sweep: Sweep) -> None:
    both = sweep(
        lambda p, d: 0.9 - 0.05 * (p["finetune.kd"] == "none") + 0.01 * float(d.random()),
        trials=60,
        objective={"maximize": "accuracy", "minimize": "macs"},
    )
    found = advise(both)
    assert found is not None
    section = advice_section(both, found, Path("next.yaml"))
    table = section.tables[0][1]
    assert table.header[1:4] == ("accuracy (%)", "macs (%)", "trade-off (%)")
    assert "kd (accuracy" in section.words[0]
    assert {row[0]: row for row in table.rows}["kd"][6].startswith("accuracy")


def test_scripts_get_plain_json(advice: Advice) -> None:
    facts = json.loads(json.dumps(advice_facts(advice), allow_nan=False))
    assert facts["changes"] is True
    assert facts["knobs"]["finetune.lr"]["importances"]["accuracy"]["verdict"] == "mattered"
    assert facts["knobs"]["finetune.kd"]["do"] == ["fix at dist"]
