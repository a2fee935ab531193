from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from analysis import plain_yaml
from analysis.export import best_yaml
from analysis.records import read_run, settings_of
from analysis.select import best


def test_the_best_configuration_is_the_full_settings_of_its_trial_under_its_own_name(
    make_run: Callable[..., Path],
) -> None:
    run = read_run(make_run())
    choice = best(run)
    assert choice
    text = best_yaml(run, choice, file=Path("runs/tiny/report/best.yaml"))
    read = plain_yaml.load(text)
    assert read == settings_of(run, choice.chosen.trial) | {"name": "tiny-best"}
    assert yaml.safe_load(text) == read
    assert isinstance(read, dict)
    assert list(read) == [
        key for key in run.space if key not in ("search", "objective", "constraints", "sweep")
    ]


def test_comments_say_what_it_is_why_and_how_to_run_it(make_run: Callable[..., Path]) -> None:
    run = read_run(make_run())
    choice = best(run)
    assert choice
    lines = best_yaml(run, choice, file=Path("runs/tiny/report/best.yaml")).splitlines()
    assert lines[0] == "# Trial 4 of tiny, accuracy 96.50 %, 2.31 M MACs, 176 k params."
    assert lines[1] == f"# {choice.rule}"
    assert lines[2] == "# Run it: python -m sweeper train runs/tiny/report/best.yaml"


def test_every_digit_of_a_float_is_kept(
    make_run: Callable[..., Path], ending: Callable[..., list[dict[str, Any]]]
) -> None:
    params = {"sparsity.s": 1e-5, "finetune.lr": 0.1 + 0.2, "finetune.kd": "no"}
    run = read_run(make_run(ending(0, "complete", params, {"accuracy": 0.9})))
    choice = best(run)
    assert choice
    text = best_yaml(run, choice, file=Path("runs/tiny/report/best.yaml"))
    assert "s: 1.0e-05\n" in text
    assert yaml.safe_load(text)["finetune"]["lr"] == 0.1 + 0.2
    assert yaml.safe_load(text)["finetune"]["kd"] == "no"
