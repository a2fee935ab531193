import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from analysis.answer import Answer, answer
from analysis.at_work import LOCK
from analysis.cost import cost
from analysis.records import read_run
from analysis.select import baseline, best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]


def said(folder: Path) -> Answer:
    run = read_run(folder)
    return answer(run, best(run), baseline(run), cost(run))


def test_the_answer_names_network_price_settings_and_doubt(make_run: Make) -> None:
    found = said(make_run())
    assert found.headline == (
        "Trial 4: accuracy 96.5 % (95 % interval 93.7–98.1), 176 k params, 2.31 M MACs."
    )
    assert found.saves == (
        "Against the best unpruned network (trial 0 after sparsity training, before its cut: 97.9 %) "
        "it saves 79.1 % of the MACs and 85.4 % of the params; accuracy changes by −1.4 points."
    )
    assert found.settings == (("percent", "70 %"), ("s", "0.01"), ("kd", "none"))
    assert [fact[:2] for fact in found.facts] == [
        ("validation accuracy", "96.5 %"),
        ("change of accuracy", "−1.4"),
        ("MACs", "2.31 M"),
        ("params", "176 k"),
    ]
    assert "5 networks cannot be told apart" in found.caution
    assert "differences within the intervals are not differences" in found.caution
    assert found.trials == "10 complete, 2 stopped, 1 failed, 1 infeasible, 1 running"
    assert found.epochs.startswith("270 epochs if every trial had run alone, 88 trained (67 % reused)")


def test_the_status_says_how_far_the_sweep_is_and_how_to_go_on(
    make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    killed = make_run(name="a", status="running")
    with FileLock(killed / LOCK):
        assert said(killed).status == "Still running: 14 of 24 trials have ended."
    assert said(killed).status == (
        "Interrupted: 14 of 24 trials have ended; `python -m sweeper resume runs/a` goes on."
    )
    assert said(make_run(name="b", status="interrupted")).status == (
        "Interrupted: 14 of 24 trials have ended; `python -m sweeper resume runs/b` goes on."
    )
    folder = make_run(name="d")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"ended_by": "exhausted"}))
    assert said(folder).status == (
        "Done: 14 of 24 trials have ended, since the sampler came upon nothing new."
    )
    assert said(folder).trials == "10 complete, 2 stopped, 1 failed, 1 infeasible"
    folder = make_run(name="c")
    with (folder / "trials.jsonl").open("ab") as file:
        file.write(b"{")
    assert said(folder).status.endswith("ended. A torn last line of trials.jsonl was left out.")


def test_without_a_complete_trial_it_says_so(make_run: Make) -> None:
    found = said(make_run([]))
    assert found.headline == "No trial is complete yet, so there is no best network."
    assert (found.saves, found.settings, found.facts, found.rule, found.caution) == ("", (), (), "", "")
    assert found.trials == "none yet"


def test_a_network_that_cuts_nothing_is_called_the_unpruned_one(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.99, 0.0) + complete(1, 0.7, 0.5, macs=5e6)
    found = said(make_run(events))
    assert found.headline.startswith("Trial 0: accuracy 99.0 %")
    assert found.saves == "It is the best unpruned network: nothing is cut."
    cheaper = complete(2, 0.98, 0.5)
    assert said(make_run(events + cheaper, name="b")).saves.startswith(
        "Against the best unpruned network (trial 0 without a cut: 99.0 %) it saves "
    )


def test_a_setting_that_did_not_apply_is_not_among_those_of_the_chosen_trial(
    make_run: Make, complete: Events
) -> None:
    space = "search: {prune.percent: [0.5], finetune.kd: [none, dist], finetune.kd_weight: [1, 2]}"
    assert said(make_run(complete(0, 0.9, 0.5), space=space)).settings == (
        ("percent", "50 %"),
        ("kd", "none"),
    )


def test_a_lone_top_and_an_objective_without_interval_are_said(make_run: Make, complete: Events) -> None:
    assert said(make_run(complete(0, 0.9, 0.5))).caution.startswith("No other network's interval reaches")
    found = said(make_run(complete(0, 0.9, 0.5), name="b", space="objective: {minimize: loss}"))
    assert found.headline.startswith("Trial 0: loss ")
    assert ", accuracy 90.0 %, " in found.headline
    assert found.caution.startswith("Every number comes from a single run")


def test_the_searched_metric_stands_first_with_its_own_interval(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.99, 0.0, accuracy_pruned=0.5)
    found = said(make_run(events, space="objective: {maximize: accuracy_pruned}"))
    assert found.headline.startswith("Trial 0: accuracy right after the cut 50.0 % (95 % interval 44")
    assert ", accuracy 99.0 %, " in found.headline
