"""What a user does first: run, look, report, train."""

import json
import re
import signal
import sqlite3

import numpy as np
import pytest
import yaml

from tests.end_to_end.conftest import LONG


def test_a_sweep_ends_with_a_report_whose_best_configuration_trains_to_the_same_accuracy(sweeper):
    said = sweeper("run", "small.yaml")
    ends = sweeper.ends()
    assert sorted(ends) == list(range(8))
    assert "python -m analysis report runs/small" in said
    assert "traceback" not in said.lower()
    assert "(raylet)" not in said
    run = sweeper.folder / "runs" / "small"
    assert {file.name for file in run.iterdir()} >= {
        "space.yaml",
        "manifest.json",
        "trials.jsonl",
        "study.db",
        "tensorboard",
        "ray",
        "ledger",
    }
    assert json.loads((run / "manifest.json").read_text())["status"] == "done"
    assert {folder.name for folder in (run / "tensorboard").iterdir() if folder.is_dir()} >= {
        f"trial_{number:04d}" for number in range(8)
    }
    with sqlite3.connect(run / "study.db") as study:
        assert study.execute("select count(*) from trials where state != 'RUNNING'").fetchone() == (8,)

    from analysis.cli import main

    assert main(["report", str(run)]) == 0
    best = yaml.safe_load((run / "report" / "best.yaml").read_text())
    assert "search" not in best
    number = int(re.search(r"Trial (\d+)", (run / "report" / "best.yaml").read_text())[1])
    for extra in ([], ["--no-reuse", "--name", "again"]):
        line = sweeper("train", str(run / "report" / "best.yaml"), "--json", *extra)
        metrics = json.loads(next(text for text in line.splitlines() if text.startswith("{")))["metrics"]
        assert metrics["accuracy"] == ends[number]["metrics"]["accuracy"]
        assert metrics["address"] == ends[number]["metrics"]["address"]


@pytest.mark.parametrize("sampler", [("sampler=tpe",), ("sampler=grid", "startup_trials=null")])
def test_every_epoch_is_trained_once_however_many_trials_need_it(sampler, sweeper):
    said = sweeper("run", "small.yaml", *(f"--set=sweep.{one}" for one in ("asha=null", *sampler)))
    lines = [
        json.loads(line)
        for file in (sweeper.folder / "runs" / "small" / "ledger").iterdir()
        for line in file.read_text().splitlines()
    ]
    looks = [line for line in lines if line.get("kind") == "views"]
    lines = [line for line in lines if line not in looks]
    addresses = [line["address"] for line in lines]
    assert len(addresses) == len(set(addresses))
    curves = {
        entry["address"]
        for end in sweeper.ends().values()
        for entry in end["curve"]
        if entry["stage"] != "prune"
    }
    assert {line["address"] for line in lines if line["stage"] != "teacher"} == curves
    (table,) = (sweeper.folder / "store" / "tables").glob("*.table")
    head, content = json.loads(table.read_bytes().partition(b"\n")[0]), table.read_bytes()
    marks = np.frombuffer(content, np.uint32, head["images"] * head["views"], 4096)
    distinct = np.count_nonzero(marks)
    assert sum(look["computed"] for look in looks) == distinct
    assert f"The teacher looked at {distinct:,} views of images (1.00 times each" in " ".join(said.split())


def test_a_table_without_room_is_said_before_and_after(sweeper):
    said = sweeper(
        "run",
        "small.yaml",
        "--trials",
        "2",
        "--set",
        "store.max_gb=5e-4",
        "--set",
        "search.finetune.kd=[dist]",
    )
    why = "it needs 0.46 MB, and a store of 0.50 MB leaves 0.25 MB to tables"
    warning = (
        f"the teacher answers live in every distilled epoch: for the teacher's table there is no room: {why}"
    )
    assert f"warning: {warning}\n" in said
    manifest = json.loads((sweeper.folder / "runs" / "small" / "manifest.json").read_text())
    assert warning in manifest["warnings"]
    assert f"live, since {why}" in " ".join(said.split())


def test_a_trial_that_diverges_fails_with_its_reason_and_the_sweep_goes_on(sweeper):
    draws = ("--set", "sweep.sampler=random", "--set", "sweep.startup_trials=null")
    sweeper("run", "small.yaml", "--set", "search.finetune.lr=[0.02, 1e30]", *draws)
    ends = sweeper.ends()
    assert sorted(ends) == list(range(8))
    failed = [end for end in ends.values() if end["state"] == "failed"]
    assert failed
    assert all("loss" in end["reason"] and "not finite" in end["reason"] for end in failed)
    assert all(end["params"]["finetune.lr"] == 1e30 for end in failed)
    assert any(end["state"] == "complete" for end in ends.values())


def test_ctrl_c_keeps_what_is_done_prints_the_resume_command_and_exits_130(sweeper):
    process = sweeper.start("run", "small.yaml", *LONG)
    sweeper.wait_for(lambda: len(sweeper.ends()) >= 1, process)
    sweeper.kill(process, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "sweeper resume runs/small" in err
    before = sweeper.ends()
    sweeper("resume", "runs/small")
    after = sweeper.ends()
    assert sorted(after) == list(range(8))
    assert all(after[number] == end for number, end in before.items())


def test_without_a_store_equal_recipes_are_trained_each_by_itself(sweeper):
    alike = ("--set", "search.finetune.warmup=[4, 5]", "--set", "search.finetune.epochs=[2]", "--trials", "3")
    grid = ("--set", "sweep.sampler=grid", "--set", "sweep.startup_trials=null")
    sweeper("run", "small.yaml", "--no-reuse", *grid, *alike)
    ends = sweeper.ends().values()
    assert len({end["metrics"]["address"] for end in ends}) == 2
    assert all(end["epochs_reused"] == 0 and "duplicate_of" not in end for end in ends)
