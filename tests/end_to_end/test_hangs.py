"""A worker that is stopped, and says nothing for ``hang_after`` seconds, is killed; what waits for it goes on."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import LONG, gone, workers
from tests.end_to_end.processes import below

pytestmark = pytest.mark.skipif(not Path("/proc/self/fdinfo").exists(), reason="needs /proc")

HANG = ("--set", "resources.hang_after=20", "--set", "resources.workers=2")
#: Two trials that need the same sparsity epochs, so that one waits for the other.
SHARED = (
    "--set", "sparsity.epochs=120", "--set", "search.sparsity.s=[1e-3]", "--set", "search.finetune.epochs=[2]",
    "--set", "search.finetune.kd=[none]", "--set", "search.finetune.warmup=[1]", "--set", "sweep.asha=null",
    "--set", "sweep.sampler=grid", "--set", "sweep.startup_trials=null", "--set", "sweep.trials=null",
)  # fmt: skip


def holds_an_epoch(number, store):
    """Whether a process has the lock of an epoch."""
    for info in (Path("/proc") / str(number) / "fdinfo").glob("*"):
        try:
            locked = "FLOCK" in info.read_text()
            file = (info.parents[1] / "fd" / info.name).resolve()
        except OSError:
            continue
        if locked and file.parent == store / "locks":
            return True
    return False


def stop_one(process, store):
    """Stop a worker in the midst of an epoch that it has locked; its number, or None if none was met."""
    for number in workers(process):
        try:
            os.kill(number, signal.SIGSTOP)
            if holds_an_epoch(number, store):
                return number
            os.kill(number, signal.SIGCONT)
        except ProcessLookupError:
            continue
    return None


@pytest.mark.chaos
def test_the_trial_that_waits_for_a_stopped_one_takes_over_and_the_stopped_one_is_begun_again(sweeper):
    process = sweeper.start("run", "small.yaml", *HANG, *SHARED)
    sweeper.wait_for(lambda: len(sweeper.ledger()) >= 2 and len(workers(process)) == 2, process)
    stopped = sweeper.wait_for(lambda: stop_one(process, sweeper.folder / "store"), process)
    begun = time.monotonic()
    before = {line["address"] for line in sweeper.ledger()}
    sweeper.wait_for(lambda: not (Path("/proc") / str(stopped)).exists(), process)
    assert time.monotonic() - begun > 15
    assert {line["address"] for line in sweeper.ledger()} == before  # the other one waited
    family = below(process)
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, out + err
    gone(family)
    assert {end["state"] for end in sweeper.ends().values()} == {"complete"}
    assert sorted(sweeper.ends()) == [0, 1]
    assert sweeper.lost() == 0, "a stopped epoch is not in the ledger, and no other was under way"


@pytest.mark.chaos
def test_a_worker_that_is_stopped_before_its_first_word_is_killed(sweeper):
    process = sweeper.start("run", "small.yaml", *HANG, "--trials", "2")

    def beginning():
        names = ("ray::ResourceTrainable", "ray::Pipeline")
        return [one for one in below(process) if one.title.startswith(names)]

    first, *_ = sweeper.wait_for(beginning, process)
    os.kill(first.number, signal.SIGSTOP)
    out, err = process.communicate(timeout=1200)
    assert process.returncode == 0, out + err
    assert {end["state"] for end in sweeper.ends().values()} <= {"complete", "stopped"}
    gone([first], seconds=0)


@pytest.mark.chaos
def test_ctrl_c_ends_a_sweep_whose_worker_is_stopped(sweeper):
    process = sweeper.start("run", "small.yaml", "--trials", "4", *LONG)
    sweeper.wait_for(lambda: len(sweeper.ledger()) >= 1, process)
    number, *_ = sweeper.wait_for(lambda: workers(process), process)
    os.kill(number, signal.SIGSTOP)
    family = below(process)
    sweeper.kill(process, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    gone(family)


def hurt(sweeper, process, signs, seconds):
    """Send each sign to a worker that has trained an epoch, no trial being hit more than twice; who was there."""
    deadline, struck, hits, family = time.monotonic() + seconds, set(), {}, set()
    signs = list(signs)
    while process.poll() is None:
        assert time.monotonic() < deadline, signs
        family |= set(below(process))
        working = {line["pid"]: line["trial"] for line in sweeper.ledger()}  # its last one
        ended = sweeper.ends()
        for number in workers(process):
            trial = working.get(number)
            if not signs or number in struck or trial is None or trial in ended or hits.get(trial, 0) > 1:
                continue
            try:
                os.kill(number, signs[0])
            except ProcessLookupError:
                continue
            struck.add(number)
            hits[trial] = hits.get(trial, 0) + 1
            del signs[0]
        time.sleep(0.2)
    assert not signs, f"{len(struck)} workers were hit"
    return struck, family


def survives(sweeper, *, trials, kills, stops, seconds):
    """A sweep whose workers are killed and stopped completes, and loses an epoch each at most."""
    signs = [signal.SIGKILL] * kills
    for number in range(stops):
        signs.insert(number * len(signs) // stops, signal.SIGSTOP)
    seeds = ("--set", "search.seed={int_uniform: [0, 100000]}")  # so that no trial repeats another one
    process = sweeper.start("run", "small.yaml", "--trials", str(trials), *HANG, *LONG, *seeds)
    struck, family = hurt(sweeper, process, signs, seconds)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    gone(family)
    assert len(struck) == kills + stops
    assert sorted(sweeper.ends()) == list(range(trials))
    assert {end["state"] for end in sweeper.ends().values()} <= {"complete"}, sweeper.ends()
    assert sweeper.lost() <= kills + stops


@pytest.mark.timeout(600)
def test_a_sweep_whose_workers_are_killed_and_stopped_loses_an_epoch_each_at_most(sweeper):
    survives(sweeper, trials=4, kills=3, stops=1, seconds=580)


@pytest.mark.chaos
def test_a_hundred_killed_and_five_stopped_workers(sweeper):
    survives(sweeper, trials=80, kills=100, stops=5, seconds=7200)
