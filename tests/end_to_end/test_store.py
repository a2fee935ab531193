"""A store that holds nearly nothing costs time and nothing else."""

import json

import pytest

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
