"""A search that has ended is confirmed on fresh seeds, each run once, whatever kills it; real Ray."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

ASKED = ("--trials", "3", "--set", "confirm.top=2", "--set", "confirm.seeds=2", "--set", "sweep.asha=null")
DISTILLED = ("--set", "search.finetune.kd=[dist]")
"""So that the winner has a twin, and there is a teacher."""


def told(sweeper: Any, kind: str) -> list[dict[str, Any]]:
    """The whole lines of the confirmation's file that are of one kind."""
    file = sweeper.folder / "runs" / "small" / "confirm.jsonl"
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return [e for e in (json.loads(line) for line in lines if line.endswith("\n")) if e["event"] == kind]


def who(events: list[dict[str, Any]]) -> Counter[tuple[str, int]]:
    return Counter((event["role"], event["seed"]) for event in events)


def trained(folder: Path) -> list[str]:
    """Stages of the epochs that were executed, by a folder of ledgers."""
    return [
        json.loads(line)["stage"] for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()
    ]


def test_killed_in_its_confirmation_a_run_goes_on_to_exactly_the_planned_runs(sweeper: Any) -> None:
    process = sweeper.start("run", "small.yaml", *ASKED, *DISTILLED)
    sweeper.wait_for(lambda: len(told(sweeper, "end")) >= 1 and len(told(sweeper, "asked")) >= 3, process)
    sweeper.kill(process)
    process.communicate()
    searched = sweeper.events()
    status = json.loads(sweeper("status", "small", "--json").splitlines()[-1])[0]
    assert status["confirm"] == {"ended": len(told(sweeper, "end")), "planned": 8}

    process = sweeper.start("resume", "runs/small")
    before = len(told(sweeper, "end"))
    sweeper.wait_for(lambda: len(told(sweeper, "end")) > before, process)
    sweeper.kill(process, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert "of 8 confirm runs are done. Go on with: sweeper resume runs/small" in err

    said = sweeper("resume", "runs/small")
    assert "confirm 2 finalists, a baseline and a twin on 2 fresh seeds: 8 of 8 runs ended" in said
    planned = {("finalist", 1): 2, ("baseline", 1): 1, ("twin", 1): 1}
    planned |= {(role, 2): count for (role, _), count in planned.items()}
    ends = told(sweeper, "end")
    assert who(ends) == who(told(sweeper, "asked")) == planned
    assert len({(end["role"], end["of"], end["seed"]) for end in ends}) == len(ends)
    assert {end["state"] for end in ends} == {"complete"}
    assert all({"accuracy", "test_accuracy", "test_images"} <= end["metrics"].keys() for end in ends)
    uncut = [end for end in ends if end["role"] == "baseline"]
    assert all(
        end["metrics"]["macs"] == end["metrics"]["macs_unpruned"] for end in uncut
    )  # no bound is applied
    assert sweeper.events() == searched
    ledger = sweeper.folder / "runs" / "small" / "ledger"
    assert trained(ledger).count("teacher") == 2
    assert "teacher" not in trained(ledger / "confirm")
    assert "finetune" in trained(ledger / "confirm")
    names = {folder.name for folder in (sweeper.folder / "runs" / "small" / "tensorboard").iterdir()}
    assert {f"confirm-{end['role']}-{end['of']}-seed{end['seed']}" for end in ends} < names

    before_again = (sweeper.folder / "runs" / "small" / "confirm.jsonl").read_bytes()
    sweeper("resume", "runs/small")
    assert (sweeper.folder / "runs" / "small" / "confirm.jsonl").read_bytes() == before_again


def test_trained_on_the_validation_images_too_nothing_is_validated_and_the_teacher_stays(
    sweeper: Any,
) -> None:
    sweeper(
        "run",
        "small.yaml",
        "--trials",
        "1",
        *DISTILLED,
        "--set",
        "confirm={top: 1, seeds: 2, data: train+val}",
    )
    ends = told(sweeper, "end")
    assert who(ends) == {(role, seed): 1 for role in ("finalist", "baseline", "twin") for seed in (1, 2)}
    for end in ends:
        assert end["state"] == "complete"
        assert end["data"] == "train+val"
        assert not {"accuracy", "loss", "validation_images"} & end["metrics"].keys()
        assert 0 <= end["metrics"]["test_accuracy"] <= 1
        assert all("accuracy" not in entry for entry in end["curve"])
    ledger = sweeper.folder / "runs" / "small" / "ledger"
    assert "teacher" not in trained(ledger / "confirm")


def test_more_trials_add_the_runs_of_new_finalists_and_keep_the_others(sweeper: Any) -> None:
    asked = ("--set", "confirm={top: 2, seeds: 2}", "--set", "sweep.asha=null")
    sweeper("run", "small.yaml", "--trials", "2", *asked)
    before, executed = told(sweeper, "end"), trained_addresses(sweeper)
    sweeper("resume", "runs/small", "--trials", "8")
    after = told(sweeper, "end")
    assert after[: len(before)] == before
    assert len({(end["role"], end["of"], end["seed"]) for end in after}) == len(after)
    status = json.loads(sweeper("status", "small", "--json").splitlines()[-1])[0]
    assert status["confirm"]["ended"] == status["confirm"]["planned"]
    assert {end["of"] for end in after if end["role"] == "finalist"} - {end["of"] for end in before}
    again = trained_addresses(sweeper)
    assert set(executed) < set(again)
    assert len(set(again)) == len(again)


def trained_addresses(sweeper: Any) -> list[str]:
    """Of every epoch that the confirmation has executed."""
    return [
        json.loads(line)["address"]
        for file in sorted((sweeper.folder / "runs" / "small" / "ledger" / "confirm").glob("*.jsonl"))
        for line in file.read_text().splitlines()
        if '"address"' in line
    ]
