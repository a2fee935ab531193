"""Trials that can't succeed fail one by one, each with its reason in a line; the sweep and its neighbours go on."""

import json
import os
import re
import resource
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.end_to_end.conftest import LONG, gone, workers
from tests.end_to_end.processes import below
from trainables import save
from trainables.models import Architecture, build

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")

SPACE = """\
name: small
data: {source: digits, val_fraction: 0.2}
model: preresnet8x4
prune: {init: good.net, trained_on: split, method: l1}
finetune: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.02}
search:
  seed: {int_uniform: [0, 1000]}
  prune.init: [good.net, other.net, bad.net]
  prune.percent: [0.3, 0.5, 0.99]
  finetune.batch_size: [64, 32, 1150]
  finetune.lr: [0.02, 1e30]
objective: {maximize: accuracy}
constraints: {macs: "<= 0.99"}
sweep: {trials: 10, seed: 7, sampler: random}
resources: {workers: 2, hang_after: 30}
"""
ROOM = 40 * 2**20
"""Bytes of address space that a worker has beyond what a small batch takes."""


def prepare(folder):
    """The space, and the networks that it begins with."""
    (folder / "small.yaml").write_text(SPACE)
    for seed, name in enumerate(("good.net", "other.net", "bad.net")):
        shape = Architecture(model="preresnet8x4", classes=10, channels=1, mean=(0.3,), std=(0.4,))
        save(folder / name, build(shape, seed=seed))


class Doctor:
    """Makes workers sick: little memory, SIGKILL, SIGSTOP."""

    def __init__(self, process, sweeper):
        self.process, self.sweeper = process, sweeper
        self.usual = 0
        self.limited, self.seen = set(), set()
        self.hurt = {signal.SIGKILL: [], signal.SIGSTOP: []}

    def work(self, *, kills, stops, every, seconds):
        """Watch until the sweep ends; hurt another worker after each ``every`` ends."""
        deadline, ends = time.monotonic() + seconds, 0
        signs = [signal.SIGKILL] * kills + [signal.SIGSTOP] * stops
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            self.seen |= set(below(self.process))
            at_work = workers(self.process)
            for number in at_work:
                self.limit(number)
            if signs and len(self.sweeper.ends()) >= ends and (fresh := set(at_work) - set(self.all_hurt)):
                number, sign = min(fresh), signs.pop(0)
                self.send(number, sign)
                ends = len(self.sweeper.ends()) + every
            time.sleep(0.1)

    @property
    def all_hurt(self):
        return [number for numbers in self.hurt.values() for number in numbers]

    def send(self, number, sign):
        try:
            os.kill(number, sign)
        except ProcessLookupError:
            return
        self.hurt[sign].append(number)

    def limit(self, number):
        """Leave a worker little more memory than one that has trained on small batches had."""
        try:
            size = 1024 * int(re.search(r"VmSize:\s+(\d+)", Path(f"/proc/{number}/status").read_text())[1])
            if not self.usual and any(line["pid"] == number for line in self.sweeper.ledger()):
                self.usual = size
            if self.usual and number not in self.limited:
                resource.prlimit(number, resource.RLIMIT_AS, (self.usual + ROOM, self.usual + ROOM))
                self.limited.add(number)
        except (OSError, TypeError):
            return


def expected(params):
    """State, and how the reason begins, by what is wrong first."""
    if params["prune.init"] == "bad.net":
        return "failed", "bad.net: "
    if params["finetune.batch_size"] == 1150:
        return "failed", "out of memory: "
    if params["finetune.lr"] == 1e30:
        return "failed", "finetune"
    return "complete", None


def check(sweeper, trials, hurt):
    """Every trial has ended as its settings say, everywhere."""
    ends = sweeper.ends()
    assert sorted(ends) == list(range(trials))
    kinds = {"bad.net: ": 0, "out of memory: ": 0, "finetune": 0, None: 0}
    for number, end in ends.items():
        state, reason = expected(end["params"])
        large = end["params"]["finetune.batch_size"] == 1150
        if large and end["state"] == "complete":
            continue  # before memory was short
        assert end["state"] == state, (number, end["params"], end["reason"])
        kinds[reason] += 1
        if reason is None:
            assert end["reason"] is None
            continue
        assert reason in end["reason"], end  # a process that is short of memory may also crash or hang
        assert "\n" not in end["reason"]
        if reason == "finetune":
            assert end["reason"] == "finetune: the loss is not finite in epoch 1"
        assert "accuracy" not in end["metrics"]
        again = "again after 3 retries" in end["reason"]
        assert again == (reason == "out of memory: "), end["reason"]
    for end in ends.values():
        cuts = [entry for entry in end["curve"] if entry["stage"] == "prune"]
        assert all(min(entry["channels"]) >= 1 for entry in cuts)
        assert all(bool(entry["rescued"]) == (end["params"]["prune.percent"] == 0.99) for entry in cuts)
    with sqlite3.connect(sweeper.folder / "runs" / "small" / "study.db") as study:
        states = dict(study.execute("select state, count(*) from trials group by state"))
    assert sum(states.values()) == trials
    assert states.keys() <= {"COMPLETE", "FAIL"}
    text = (sweeper.folder / "runs" / "small" / "trials.jsonl").read_text()
    json.loads(f"[{','.join(text.splitlines())}]", parse_constant=pytest.fail)  # no NaN, no Infinity
    assert sweeper.lost() <= hurt
    return kinds


def sweep(sweeper, *, trials, kills, stops, every, seconds):
    prepare(sweeper.folder)
    process = sweeper.start("run", "small.yaml", "--trials", str(trials))
    manifest = sweeper.folder / "runs" / "small" / "manifest.json"
    sweeper.wait_for(lambda: manifest.exists() and '"running"' in manifest.read_text(), process)
    (sweeper.folder / "bad.net").write_bytes(b"spoilt")
    doctor = Doctor(process, sweeper)
    doctor.work(kills=kills, stops=stops, every=every, seconds=seconds)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert "Traceback" not in out + err
    assert "layers keep their last channel" in out
    gone(doctor.seen)
    return doctor, check(sweeper, trials, len(doctor.all_hurt))


@pytest.mark.chaos
def test_sick_trials_fail_with_their_reasons_and_the_others_complete(sweeper):
    doctor, kinds = sweep(sweeper, trials=10, kills=1, stops=1, every=2, seconds=580)
    assert {sign: len(numbers) for sign, numbers in doctor.hurt.items()} == {
        signal.SIGKILL: 1,
        signal.SIGSTOP: 1,
    }
    assert all(kinds.values()), kinds


@pytest.mark.chaos
def test_a_hundred_trials_twenty_of_each_sickness(sweeper):
    doctor, kinds = sweep(sweeper, trials=115, kills=20, stops=20, every=2, seconds=7200)
    assert {sign: len(numbers) for sign, numbers in doctor.hurt.items()} == {
        signal.SIGKILL: 20,
        signal.SIGSTOP: 20,
    }
    assert min(kinds.values()) >= 20, kinds


@pytest.mark.chaos
def test_what_rays_memory_monitor_kills_is_told_as_out_of_memory_and_the_sweep_ends(sweeper, monkeypatch):
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.01")  # less than any worker takes
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "9000")
    said = sweeper(
        "run", "small.yaml", "--trials", "1", *LONG, "--set", "search.finetune.epochs=[200]", code=1
    )
    assert "Traceback" not in said
    reason = sweeper.ends()[0]["reason"]
    assert re.fullmatch(
        r"out of memory: Ray killed its worker process when [\d.]+ of [\d.]+ GB were in use.*, again after 3 retries",
        reason,
    ), reason
