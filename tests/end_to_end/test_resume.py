"""A sweep that is killed loses nothing and goes on as if it had not been."""

import random
import time

import pytest

from tests.end_to_end.conftest import LONG

KEPT = ("state", "params", "reason")


def table(ends):
    """What must not depend on when a sweep was killed."""
    return {
        number: {key: end[key] for key in KEPT}
        | {
            "metrics": end["metrics"],
            "curve": [(e["stage"], e["epoch"], e["accuracy"]) for e in end["curve"]],
        }
        for number, end in ends.items()
    }


def rungs(events):
    return [
        (event["trial"], event["rung"], event["value"], event["decision"])
        for event in events
        if event["event"] == "rung"
    ]


def test_with_one_worker_a_killed_and_resumed_sweep_equals_an_uninterrupted_one(sweeper):
    one = ("--set", "resources.workers=1")
    sweeper("run", "small.yaml", *one, "--name", "whole", "--store", "whole-store")
    process = sweeper.start("run", "small.yaml", *one)
    for ended in (1, 4):
        sweeper.wait_for(lambda ended=ended: len(sweeper.ends()) >= ended, process)
        time.sleep(random.Random(ended).uniform(0, 0.5))
        sweeper.kill(process)
        process.communicate()
        process = sweeper.start("resume", "runs/small")
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert table(sweeper.ends("small")) == table(sweeper.ends("whole"))
    assert rungs(sweeper.events("small")) == rungs(sweeper.events("whole"))


@pytest.mark.parametrize("seconds", [2.0, 7.0])
def test_killed_early_it_is_resumed_to_exactly_the_asked_trials(sweeper, seconds):
    process = sweeper.start("run", "small.yaml", "--trials", "4")
    time.sleep(seconds)
    sweeper.kill(process)
    process.communicate()
    begun = (sweeper.folder / "runs" / "small" / "space.yaml").exists()
    sweeper(*(("resume", "runs/small") if begun else ("run", "small.yaml", "--trials", "4")))
    assert sorted(sweeper.ends()) == [0, 1, 2, 3]
    assert len([event for event in sweeper.events() if event["event"] == "asked"]) == 4


def test_a_run_folder_has_one_owner_and_is_free_as_soon_as_it_is_killed(sweeper):
    process = sweeper.start("run", "small.yaml", "--trials", "2", *LONG)
    sweeper.wait_for(lambda: bool(sweeper.events()), process)
    began = time.monotonic()
    said = sweeper("resume", "runs/small", code=4)
    assert time.monotonic() - began < 5
    assert f"process {process.pid}" in said
    sweeper.kill(process)
    process.communicate()
    sweeper("resume", "runs/small")
    assert sorted(sweeper.ends()) == [0, 1]
