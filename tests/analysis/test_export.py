from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from analysis import plain_yaml
from analysis.errors import ResultsError
from analysis.export import best_yaml, settings_of
from analysis.records import read_run
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
    assert f"{lines[1]} {lines[2].removeprefix('# ')}" == f"# {choice.rule}"
    assert lines[3] == "# Run it: python -m sweeper train runs/tiny/report/best.yaml"


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


def test_settings_of_a_trial_are_the_space_with_its_params_and_without_the_search(
    make_run: Callable[..., Path],
) -> None:
    run = read_run(make_run())
    settings = settings_of(run, run.trials[8])
    assert list(settings) == [
        key for key in run.space if key not in ("search", "objective", "constraints", "sweep")
    ]
    assert settings["prune"] == {"percent": 0.9, "method": "slimming"}
    assert settings["finetune"]["kd"] == "none"
    assert run.space["prune"]["percent"] == 0.5


def test_a_param_that_the_space_has_no_section_for_is_an_error(
    make_run: Callable[..., Path], ending: Callable[..., list[dict[str, Any]]]
) -> None:
    run = read_run(make_run(ending(0, "complete", {"model.width": 2}, {})))
    with pytest.raises(
        ResultsError, match=r"trials.jsonl: trial 0: model.width: model is no section, got 'pre"
    ):
        settings_of(run, run.trials[0])


def test_sections_stand_in_the_order_of_the_space_resources_and_store_last(
    make_run: Callable[..., Path], ending: Callable[..., list[dict[str, Any]]]
) -> None:
    """A trial records its pipeline alone, without a teacher that it does not need."""
    own = {"finetune": {"kd": "none"}, "evaluate": "all", "data": {"source": "digits"}, "seed": 0}
    own |= {"prune": {"percent": 0.9}, "model": "preresnet8x4", "sparsity": {"s": 0.01}}
    run = read_run(make_run(ending(0, "complete", {}, {"accuracy": 0.9}, settings=own)))
    found = settings_of(run, run.trials[0])
    assert list(found) == [
        *("name", "seed", "data", "model", "sparsity", "prune", "finetune", "evaluate", "resources", "store")
    ]
    assert {key: found[key] for key in own} == own
    choice = best(run)
    assert choice
    assert list(yaml.safe_load(best_yaml(run, choice, file=Path("best.yaml")))) == list(found)
