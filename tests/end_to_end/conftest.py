"""Small real sweeps through the command line: real images, the real Ray, the real Optuna."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.processes import Process, below, lives

SPACE = """\
name: small
data: {source: digits, val_fraction: 0.2}
model: preresnet8
teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}
sparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}
finetune: {lr: 0.02, decay_every: 1}
search:
  sparsity.s: [1e-3, 1e-2]
  prune.percent: [0.3, 0.6]
  finetune.epochs: [2, 3]
  finetune.warmup: [1, 2]
  finetune.kd: [none, dist]
prune: {method: slimming}
objective: {maximize: accuracy}
constraints: {macs: "<= 0.9"}
sweep: {trials: 8, seed: 3, sampler: tpe, startup_trials: 3, asha: {reduction: 2, min_peers: 2, compare_within: []}}
"""


#: Trials of some seconds each, for tests that interrupt them: a quick machine must still be at work then.
LONG = ("--set", "search.finetune.epochs=[20, 25]", "--set", "sweep.asha=null")


class Sweeper:
    """The command line in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.space = folder / "small.yaml"
        self.space.write_text(SPACE)
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin ``python -m sweeper`` in a process group of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sweeper", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Run to the end; the output, after checking the exit code."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=280)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        return out + err

    def events(self, name: str = "small") -> list[dict[str, Any]]:
        """The whole lines of a run's trials.jsonl."""
        file = self.folder / "runs" / name / "trials.jsonl"
        if not file.exists():
            return []
        return [
            json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")
        ]

    def ends(self, name: str = "small") -> dict[int, dict[str, Any]]:
        """Trial -> its end; each trial ended once."""
        ends = [event for event in self.events(name) if event["event"] == "end"]
        assert len({event["trial"] for event in ends}) == len(ends)
        return {event["trial"]: event for event in ends}

    def ledger(self, name: str = "small") -> list[dict[str, Any]]:
        """The epochs that were executed, each with its process, ``pid``."""
        lines = []
        for file in (self.folder / "runs" / name / "ledger").glob("*.jsonl"):
            pid = int(file.stem.split("-")[-2])
            whole = [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
            lines += [json.loads(line) | {"pid": pid} for line in whole]
        return [line for line in lines if line.get("kind") != "views"]

    def lost(self, name: str = "small") -> int:
        """Epochs that were executed more than once."""
        executed = [line["address"] for line in self.ledger(name)]
        return len(executed) - len(set(executed))

    def wait_for(self, condition: Callable[[], Any], process: subprocess.Popen[str]) -> Any:
        """What the condition returns once it is true; the process must live until then."""
        deadline = time.monotonic() + 240
        while not (found := condition()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return found

    @staticmethod
    def kill(process: subprocess.Popen[str], sign: int = signal.SIGKILL) -> None:
        """A signal to the driver and everything that it started."""
        os.killpg(process.pid, sign)

    def end(self) -> None:
        """Leave no process and no pipe behind, also where a test has failed half-way."""
        for process in self.started:
            if process.poll() is None:
                self.kill(process)
            if process.stdout is not None and not process.stdout.closed:
                process.communicate()


def workers(process: subprocess.Popen[str]) -> list[int]:
    """Those at work: the title is the class's between two calls, the method's during one."""
    titles = ("ray::Pipeline", "ray::ResourceTrainable.train")
    return [one.number for one in below(process) if one.title.startswith(titles)]


def gone(processes: Iterable[Process], seconds: float = 10.0) -> bool:
    """Whether none of them lives; they are waited for."""
    deadline = time.monotonic() + seconds
    while left := [one for one in processes if lives(one)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    return True


@pytest.fixture
def sweeper(tmp_path: Path) -> Iterator[Sweeper]:
    """A command line in an empty folder."""
    command_line = Sweeper(tmp_path)
    yield command_line
    command_line.end()
