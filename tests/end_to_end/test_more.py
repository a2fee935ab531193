"""A sweep that has ended takes more budget and goes on as if it had been asked for that much; real Ray."""

import json
from typing import Any

import pytest

ONE = ("--set", "resources.workers=1")
KEPT = ("state", "params", "reason", "metrics")


def told(events: list[dict[str, Any]]) -> list[Any]:
    """What must not depend on when a sweep was asked for how much: points, decisions, ends, in their order."""
    return [
        {key: event[key] for key in KEPT} | {"trial": event["trial"]}
        if event["event"] == "end"
        else {key: value for key, value in event.items() if key not in ("time", "sum")}
        for event in events
    ]


def manifest(sweeper: Any, name: str = "small") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((sweeper.folder / "runs" / name / "manifest.json").read_text())
    return found


@pytest.mark.parametrize("sampler", ["random", "grid", "tpe", "mfbo"])
def test_four_trials_and_then_eight_are_eight_trials(sweeper: Any, sampler: str) -> None:
    startup = 3 if sampler in ("tpe", "mfbo") else "null"
    learnt = ("--set", f"sweep.sampler={sampler}", "--set", f"sweep.startup_trials={startup}")
    how = (*ONE, *learnt, "--set", "sweep.asha.rungs=[0.5]")
    sweeper("run", "small.yaml", *how, "--name", "whole")
    sweeper("run", "small.yaml", *how, "--trials", "4")
    assert sorted(sweeper.ends()) == [0, 1, 2, 3]
    sweeper("resume", "runs/small", "--trials", "8")
    assert told(sweeper.events()) == told(sweeper.events("whole"))
    assert any(event["event"] == "rung" for event in sweeper.events())
    facts = manifest(sweeper)
    assert (facts["status"], facts["ended_by"]) == ("done", "trials")
    assert facts["sessions"][0]["budget"] == {"trials": [4, 8]}
    assert facts["sessions"][0]["command"][-2:] == ["--trials", "8"]
    said = sweeper("resume", "runs/small", "--trials", "7", code=2)
    assert "--trials: must be at least the 8 trials that were asked for in runs/small, got 7." in said
    assert sorted(sweeper.ends()) == list(range(8))


def test_a_sweep_ends_with_its_epochs_says_so_and_takes_more(sweeper: Any) -> None:
    budget = ("--set", "sweep.trials=null", "--set", "sweep.asha=null", "--epochs", "9")
    said = sweeper("run", "small.yaml", *ONE, *budget, "--no-reuse")
    assert "No more were asked for: the budget of 9 epochs is used up." in " ".join(said.split())
    facts = manifest(sweeper)
    assert (facts["status"], facts["ended_by"]) == ("done", "epochs")
    assert facts["seconds"] > 0
    ends = sweeper.ends()
    spent = [ends[number]["spent"]["epochs"] for number in sorted(ends)]
    assert spent[-1] >= 9 > spent[-2]
    ledger = [
        json.loads(line)
        for file in (sweeper.folder / "runs" / "small" / "ledger").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    students = {line["address"] for line in ledger if line.get("stage") != "teacher" and "address" in line}
    assert spent[-1] == len(students)
    assert ends[max(ends)]["spent"]["macs"] == sum(line["macs"] for line in ledger)
    status = json.loads(sweeper("status", "small", "--json").splitlines()[-1])[0]
    assert status["ended_by"] == "epochs"

    refused = sweeper("resume", "runs/small", "--epochs", "8", code=2)
    assert f"--epochs: must be at least the {spent[-1]} epochs that were spent" in refused
    sweeper("resume", "runs/small", "--epochs", "1000", "--trials", str(len(ends) + 1))
    assert len(sweeper.ends()) == len(ends) + 1
    assert manifest(sweeper)["ended_by"] == "trials"
