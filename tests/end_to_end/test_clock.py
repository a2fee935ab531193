"""A wall clock that is set while a sweep runs changes no result, and no duration becomes negative."""

import json
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from tensorboard.plugins.hparams import metadata

from sweeper import event_file
from tests.end_to_end.conftest import Sweeper

pytestmark = pytest.mark.timeout(900)
HOUR, YEARS = 3600, 10 * 365 * 86400
OCTOBER = int(datetime(2026, 10, 25, 0, 59, 50, tzinfo=UTC).timestamp() - time.time())
"""Ten seconds before the clocks go back in Berlin, as an offset from now."""
JUMPS = {
    "an hour ahead and back": [HOUR, 0, -HOUR],
    "an hour back and ahead": [-HOUR, 0, HOUR],
    "ten years ahead": [YEARS],
    "ten years back": [-YEARS],
    "ten years to and fro": [YEARS, -YEARS, YEARS, 0],
    "a second back each second": [-second for second in range(1, 40)],
    "a minute ahead each second": [60 * second for second in range(1, 40)],
    "a day to and fro": [86400, -86400] * 10,
    "the end of summer time": [OCTOBER, OCTOBER, OCTOBER],
    "the end of summer time, again": [OCTOBER, OCTOBER - HOUR, OCTOBER],
}
FACTS = ("state", "params", "metrics", "reason")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that sets the clock, compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler on this machine")
    made = tmp_path_factory.mktemp("clock") / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, source, "-ldl"], check=True)
    return made


def results(ends: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What must not depend on a clock."""
    return {
        number: {key: end[key] for key in FACTS}
        | {"curve": [(entry["stage"], entry["epoch"], entry["accuracy"]) for entry in end["curve"]]}
        for number, end in ends.items()
    }


def durations(value: Any, key: str = "") -> list[float]:
    """Every number of seconds in nested plain data."""
    if isinstance(value, dict):
        return [one for name, item in value.items() for one in durations(item, name)]
    if isinstance(value, list):
        return [one for item in value for one in durations(item, key)]
    return [value] if "seconds" in key and isinstance(value, int | float) else []


def told(folder: Path) -> list[float]:
    """All durations of a run: in its files, in the mirror and in TensorBoard's table."""
    files = [folder / "trials.jsonl", *folder.glob("ledger/*.jsonl")]
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    found = durations([*lines, json.loads((folder / "manifest.json").read_text())])
    study = optuna.load_study(study_name="small", storage=f"sqlite:///{folder / 'study.db'}")
    found += [trial.duration.total_seconds() for trial in study.trials if trial.duration is not None]
    study._storage.remove_session()
    study._storage._backend.engine.dispose()  # type: ignore[attr-defined]
    for run in folder.glob("tensorboard/trial_*"):
        (file,) = event_file.files(run)
        session = {}
        for proto in event_file.read(file)[0]:
            for value in proto.summary.value:
                content = value.metadata.plugin_data.content
                if value.tag == metadata.SESSION_START_INFO_TAG:
                    session["start"] = metadata.parse_session_start_info_plugin_data(content).start_time_secs
                elif value.tag == metadata.SESSION_END_INFO_TAG:
                    session["end"] = metadata.parse_session_end_info_plugin_data(content).end_time_secs
        found.append(session["end"] - session["start"])
    return found


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """The ends of a sweep by a clock that nobody sets."""
    command_line = Sweeper(tmp_path_factory.mktemp("usual"))
    command_line("run", "small.yaml", "--trials", "3", "--set", "sweep.asha=null")
    command_line.end()
    return command_line.ends()


@pytest.mark.chaos
@pytest.mark.parametrize("name", JUMPS)
def test_a_clock_that_is_set_in_the_middle_of_a_sweep(
    sweeper: Sweeper,
    library: Path,
    usual: dict[int, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    offset = sweeper.folder / "offset"
    offset.write_bytes(struct.pack("@l", 0))
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("CLOCK_OFFSET", str(offset))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    process = sweeper.start("run", "small.yaml", "--trials", "3", "--set", "sweep.asha=null")
    monkeypatch.delenv("LD_PRELOAD")
    sweeper.wait_for(lambda: bool(sweeper.events()), process)
    jumps, ended = iter(JUMPS[name]), lambda: process.poll() is not None
    while not ended():
        with offset.open("r+b") as file:
            file.write(struct.pack("@l", next(jumps, JUMPS[name][-1])))
        wait(ended, 1.0)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert results(sweeper.ends()) == results(usual)
    assert min(told(sweeper.folder / "runs" / "small")) >= 0


def wait(condition: Callable[[], bool], seconds: float) -> None:
    """For so long, or until it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not condition():
        time.sleep(0.05)
