"""A worker that dies costs at most an epoch; Ctrl-C ends a sweep at any moment."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import LONG, workers
from tests.end_to_end.processes import below, lives


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_trial_whose_worker_is_killed_is_begun_again(sweeper):
    process = sweeper.start("run", "small.yaml", "--set", "resources.workers=1", "--trials", "4", *LONG)
    worker, *_ = sweeper.wait_for(lambda: len(sweeper.ends()) >= 1 and workers(process), process)
    os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert sorted(sweeper.ends()) == [0, 1, 2, 3]
    assert {end["state"]: end["reason"] for end in sweeper.ends().values()}.keys() == {"complete"}, {
        n: (e["state"], e["reason"]) for n, e in sweeper.ends().items()
    }


@pytest.mark.parametrize("seconds", [0.0, 0.4, 1.5, 3.0])
def test_ctrl_c_soon_after_the_start_ends_with_130_and_leaves_no_process(sweeper, seconds):
    process = sweeper.start("run", "small.yaml", "--trials", "4")
    manifest = sweeper.folder / "runs" / "small" / "manifest.json"
    sweeper.wait_for(manifest.exists, process)
    time.sleep(seconds)
    begun = below(process)
    sweeper.kill(process, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    deadline = time.monotonic() + 20
    while left := list(filter(lives, begun)):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
    sweeper("resume", "runs/small")
    assert sorted(sweeper.ends()) == [0, 1, 2, 3]


def test_a_space_that_was_changed_is_not_gone_on_with(sweeper):
    process = sweeper.start("run", "small.yaml", "--trials", "4", *LONG)
    sweeper.wait_for(lambda: len(sweeper.ends()) >= 1, process)
    sweeper.kill(process, signal.SIGINT)
    process.communicate(timeout=60)
    space = sweeper.folder / "runs" / "small" / "space.yaml"
    whole = space.read_text()
    space.write_text(whole.replace("prune.percent: [0.3, 0.6]", "prune.percent: [0.6]"))
    said = sweeper("resume", "runs/small", code=2)
    assert "space.yaml: was changed since the run began" in said
    space.write_text(whole.replace("trials: 4", "trials: 3"))
    sweeper("resume", "runs/small")
    assert len(sweeper.ends()) >= 3
