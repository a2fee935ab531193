"""The driver is killed at any moment: nothing is lost, nothing is done twice, nothing is left running.

The long forms end with a line of what they counted; each has the seed of its moments in its name.
"""

import json
import os
import platform
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from filelock import FileLock

from analysis.records import read_run
from tests.end_to_end.processes import below, end, lives
from tests.end_to_end.test_resume import rungs, table

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
EARLY = 3.0
"""Seconds after a start in which a kill is an early one."""
ONE = ("--set", "resources.workers=1")
TRIALS = 12
WEIGHTY = ("--set", "search.finetune.epochs=[8, 12]", "--trials", str(TRIALS))
"""A sweep that some kills later is still at work."""


@pytest.fixture
def say(capfd):
    """Says figures, past pytest's capture."""

    def out(text):
        with capfd.disabled():
            print(f"\n{text}")

    return out


class Killed:
    """One sweep that is killed again and again, and what has to be true of it."""

    def __init__(self, sweeper, name, rng, *more):
        self.sweeper, self.name, self.rng = sweeper, name, rng
        self.folder = sweeper.folder / "runs" / name
        store = ("--store", f"{name}-store")
        self.run = ("run", "small.yaml", "--name", name, *store, *more)
        self.resume = ("resume", f"runs/{name}", *store)
        self.kills = self.early = self.reports = 0
        self.known = {}

    def kill(self, first, last) -> bool:
        """Start or resume it and kill all that it is, at a moment between two; False where it has ended by then."""
        begun = (self.folder / "space.yaml").exists()
        process = self.sweeper.start(*(self.resume if begun else self.run))
        moment = self.rng.uniform(first, last)
        time.sleep(moment)
        if process.poll() is not None:
            out, err = process.communicate()
            assert process.returncode == 0, out + err
            return False
        family = below(process)
        self.sweeper.kill(process)
        end(self.rng.sample(family, len(family)))
        process.communicate()
        self.look()
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            self.early += moment <= EARLY
        return True

    def look(self):
        """What had ended is as it was."""
        ends = self.sweeper.ends(self.name)
        assert {number: ends.get(number) for number in self.known} == self.known
        self.known = ends

    def report(self, seconds):
        """Kill a report that is written: every file is then as it was, or as the next report has it."""
        command = [sys.executable, "-m", "analysis", "report", str(self.folder)]
        before = self._written()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(self.rng.uniform(*seconds))
        self.reports += process.poll() is None
        process.kill()
        process.wait()
        between = self._written()
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "Still running" not in done.stdout
        after = self._written()
        assert all(content in (before.get(name), after[name]) for name, content in between.items())

    def _written(self):
        files = [file for file in (self.folder / "report").rglob("*") if file.is_file()]
        return {str(file): file.read_bytes() for file in files if file.suffix != ".tmp"}

    def end(self, trials, workers):
        """Let it end; each trial was asked for once, ended once, and no epoch was trained again but the last ones."""
        if json.loads(self._manifest()).get("status") != "done":
            begun = (self.folder / "space.yaml").exists()
            self.sweeper(*(self.resume if begun else self.run))
        self.look()
        assert sorted(self.known) == list(range(trials))
        asked = [event["trial"] for event in self.sweeper.events(self.name) if event["event"] == "asked"]
        assert sorted(asked) == list(range(trials))
        assert json.loads(self._manifest())["status"] == "done"
        assert not (self.folder / ".session").exists()
        lines = [
            json.loads(line)
            for file in (self.folder / "ledger").iterdir()
            for line in file.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        trained = Counter(line["address"] for line in lines if line.get("kind") != "views")
        assert sum(trained.values()) - len(trained) <= self.kills * workers

    def _manifest(self):
        file = self.folder / "manifest.json"
        return file.read_text() if file.exists() else "{}"


# --- killed with all that it is -------------------------------------------------------------------


def test_killed_with_its_workers_and_while_it_reports_it_is_resumed_to_exactly_the_asked_trials(sweeper):
    killed = Killed(sweeper, "killed", random.Random(1), "--trials", "4")
    killed.kill(0, EARLY)
    process = sweeper.start(*killed.run)
    sweeper.wait_for(lambda: sweeper.ends("killed"), process)
    sweeper.kill(process)
    process.communicate()
    killed.kills += 1
    killed.look()
    killed.report((0.5, 3.0))
    killed.end(4, workers=2)


def timed(sweeper, *arguments):
    """Seconds that a command takes from its start to its end."""
    began = time.monotonic()
    sweeper(*arguments)
    return time.monotonic() - began


@pytest.mark.chaos
@pytest.mark.timeout(7200)
def test_fifty_kills_of_driver_and_workers_with_seed_2026(sweeper, say):
    rng, sweeps = random.Random(2026), []
    wanted = int(os.environ.get("CHAOS_KILLS", "50"))
    whole = timed(sweeper, "run", "small.yaml", "--name", "whole", "--store", "whole-store", *WEIGHTY)
    while (missing := wanted - sum(one.kills for one in sweeps)) > 0:
        assert len(sweeps) < wanted
        killed = Killed(sweeper, f"killed-{len(sweeps)}", rng, *WEIGHTY)
        sweeps.append(killed)
        for number in range(min(5, missing)):
            if not killed.kill(*((0, EARLY) if number in (0, 3) else (EARLY, 0.7 * whole))):
                break
            if killed.reports < 2 and (killed.folder / "manifest.json").exists():
                killed.report((0.3, 4.0))
        killed.end(TRIALS, workers=2)
    kills, early, reports = (
        sum(getattr(one, name) for one in sweeps) for name in ("kills", "early", "reports")
    )
    assert early >= wanted // 5
    say(
        f"{kills} kills, {early} in the first 3 s, of {len(sweeps)} sweeps, and {reports} of reports: nothing lost"
    )


@pytest.mark.chaos
@pytest.mark.timeout(7200)
def test_with_one_worker_ten_killed_sweeps_equal_the_uninterrupted_one_with_seed_7(sweeper, say):
    rng = random.Random(7)
    sweeps = int(os.environ.get("CHAOS_SWEEPS", "10"))
    whole = timed(sweeper, "run", "small.yaml", "--name", "whole", "--store", "whole-store", *ONE)
    kills = 0
    for number in range(sweeps):
        killed = Killed(sweeper, f"one-{number}", rng, *ONE)
        for late in (EARLY, whole, whole):
            if not killed.kill(0, late):
                break
        kills += killed.kills
        killed.end(8, workers=1)
        assert table(killed.known) == table(sweeper.ends("whole"))
        assert rungs(sweeper.events(killed.name)) == rungs(sweeper.events("whole"))
    say(f"{sweeps} of {sweeps} sweeps, killed {kills} times, equal the uninterrupted one")


# --- two at once ----------------------------------------------------------------------------------


def pair(sweeper, name):
    """Start two sweeps on one folder; seconds until one was refused."""
    began = time.monotonic()
    two = [sweeper.start("run", "small.yaml", "--name", name) for _ in range(2)]
    while all(process.poll() is None for process in two):
        time.sleep(0.01)
    seconds = time.monotonic() - began
    loser, winner = sorted(two, key=lambda process: process.poll() is None)
    _, err = loser.communicate()
    assert loser.returncode == 4, err
    assert f"runs/{name}: process {winner.pid} on {platform.node()} is running this sweep" in err
    assert winner.poll() is None
    sweeper.kill(winner)
    winner.wait()
    with FileLock(sweeper.folder / "runs" / name / ".lock", timeout=0):
        pass
    winner.communicate()
    return seconds


def test_of_two_sweeps_on_one_folder_one_runs(sweeper):
    for number in range(3):
        pair(sweeper, f"pair-{number}")
    said = sweeper("resume", "runs/pair-0", code=2)
    assert "runs/pair-0: has no space.yaml, so no run was begun in it. Start it with sweeper run" in said
    sweeper("run", "small.yaml", "--name", "pair-0", "--trials", "1")
    assert sorted(sweeper.ends("pair-0")) == [0]


@pytest.mark.chaos
@pytest.mark.timeout(3600)
def test_of_two_sweeps_on_one_folder_one_is_refused_within_5_s_fifty_times(sweeper, say):
    pairs = int(os.environ.get("CHAOS_PAIRS", "50"))
    seconds = sorted(pair(sweeper, f"pair-{number}") for number in range(pairs))
    say(
        f"{pairs} pairs: refused after {seconds[len(seconds) // 2]:.1f} s (median), {seconds[-1]:.1f} s at most"
    )
    assert seconds[-1] < 5


# --- what is left running -------------------------------------------------------------------------


@pytest.mark.chaos
def test_of_a_killed_driver_nothing_is_left_its_status_is_told_and_resume_ends_what_can_not_notice(sweeper):
    process = sweeper.start("run", "small.yaml", "--trials", "2", "--set", "search.finetune.epochs=[8]")
    titles = ("ray::Pipeline", "ray::ResourceTrainable.train")
    worker, *_ = sweeper.wait_for(
        lambda: [one for one in below(process) if one.title.startswith(titles)], process
    )
    assert read_run(sweeper.folder / "runs" / "small").manifest["status"] == "running"
    family = below(process)
    os.kill(worker.number, signal.SIGSTOP)
    process.kill()
    process.communicate()
    assert sweeper("status", "small").split()[1] == "interrupted"
    assert lives(worker)
    process = sweeper.start("resume", "runs/small")
    sweeper.wait_for(lambda: not any(map(lives, family)), process)
    family = []
    while process.poll() is None:
        family = list({*family, *below(process)})
        time.sleep(0.1)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    wait_until_gone(family, 10)
    assert sorted(sweeper.ends()) == [0, 1]
    assert read_run(sweeper.folder / "runs" / "small").manifest["status"] == "done"


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(3))
def test_of_a_killed_driver_that_is_not_resumed_workers_end_in_10_s_and_agents_in_75_s(sweeper, seed):
    """Ray's agents try for 60 s, a constant of Ray's, to report that their node is gone."""
    process = sweeper.start("run", "small.yaml", *WEIGHTY)
    sweeper.wait_for(sweeper.ends, process)
    time.sleep(random.Random(seed).uniform(0, 3))
    family = below(process)
    process.kill()
    process.communicate()
    wait_until_gone([one for one in family if "Agent" not in one.title], 10)
    wait_until_gone(family, 65)


def wait_until_gone(processes, seconds):
    """None of them lives so many seconds from now."""
    deadline = time.monotonic() + seconds
    while left := list(filter(lives, processes)):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
