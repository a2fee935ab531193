"""A store that holds nearly nothing costs time and nothing else."""

import json
import random

import pytest

from trainables.store import decode

pytestmark = pytest.mark.timeout(600)
FACTS = ("trial", "state", "params", "metrics")


@pytest.mark.slow
def test_a_sweep_with_a_store_of_nearly_nothing_ends_like_one_without_limit(sweeper):
    grid = tuple(f"--set=sweep.{one}" for one in ("asha=null", "sampler=grid", "startup_trials=null"))
    ends, sizes = {}, {}
    for name, more in {"usual": (), "tiny": ("--set", "store.max_gb=1e-9", "--store", "tiny")}.items():
        sweeper("run", "small.yaml", *grid, *more, "--name", name)
        ends[name] = {trial: {key: end[key] for key in FACTS} for trial, end in sweeper.ends(name).items()}
        manifest = json.loads((sweeper.folder / "runs" / name / "manifest.json").read_text())
        sizes[name] = manifest["store_bytes"]
    assert ends["usual"] == ends["tiny"]
    assert len(ends["tiny"]) == 8
    assert 0 < sizes["tiny"] < sizes["usual"]
    said = sweeper("store", "--store", "tiny", "--verify")
    assert " 0 damaged" in said


def test_a_store_that_is_damaged_all_over_costs_time_and_is_said(sweeper):
    grid = tuple(f"--set=sweep.{one}" for one in ("asha=null", "sampler=grid", "startup_trials=null"))
    more = ("--trials", "4", *grid)
    sweeper("run", "small.yaml", *more, "--name", "whole")
    states, rng = sorted((sweeper.folder / "store").glob("??/*.state")), random.Random(0)
    tables = sorted((sweeper.folder / "store").glob("tables/*.table"))
    assert len(states) > 3
    assert len(tables) == 1
    for file in (*states, *tables):
        content = bytearray(file.read_bytes())
        for _ in range(len(content) // 3000 + 1):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
    said = sweeper("run", "small.yaml", *more, "--name", "again")
    ends = [
        {trial: {key: end[key] for key in FACTS} for trial, end in sweeper.ends(name).items()}
        for name in ("whole", "again")
    ]
    assert ends[0] == ends[1]
    lines = [line for line in said.splitlines() if line.startswith("warning: ") and "made again" in line]
    assert lines
    assert all(any(str(state) in line for state in states) for line in lines)
    assert len({line.split(": ")[1] for line in lines}) == len(lines)  # each once
    assert any("rows are damaged" in line for line in said.splitlines())
    for state in (sweeper.folder / "store").glob("??/*.state"):
        decode(state.read_bytes())
