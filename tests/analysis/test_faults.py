"""Whatever a disk refuses of a run folder: what was there stays, or what was written is there, whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.events import EventLog, read_events
from analysis.files import write_text
from analysis.run_files import MANIFEST, read_manifest, write_manifest

ASKED = {"event": "asked", "trial": 0, "params": {"prune.percent": 0.5}}
Fresh = Callable[[int], Path]


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    """A folder with a log of two events, a manifest and a text."""

    def make(number: int) -> Path:
        folder = tmp_path / f"fault-{number}"
        folder.mkdir()
        with EventLog(folder / "trials.jsonl") as log:
            log.append(ASKED)
            log.append(ASKED | {"trial": 1})
        write_manifest(folder, {"format": 1, "status": "running"})
        write_text(folder / "text", "old")
        return folder

    return make


def test_a_log_has_every_event_that_was_acknowledged_and_no_other(every_fault: Any, fresh: Fresh) -> None:
    told: dict[Path, int] = {}

    def act(folder: Path) -> None:
        with EventLog(folder / "trials.jsonl") as log:
            for trial in range(2, 6):
                log.append(ASKED | {"trial": trial})
                told[folder] = trial

    def check(folder: Path, failed: str) -> None:
        events, torn = read_events(folder / "trials.jsonl")
        last = told.get(folder, 1)
        assert [event["trial"] for event in events] == list(range(last + 1))
        assert torn is False
        with EventLog(folder / "trials.jsonl") as log:
            log.append(ASKED | {"trial": last + 1})
        assert len(read_events(folder / "trials.jsonl")[0]) == last + 2

    assert every_fault(fresh, act, check) >= 4 * 3 + 3


def test_a_log_goes_on_after_a_fault_as_if_there_had_been_none(every_fault: Any, fresh: Fresh) -> None:
    told: dict[Path, list[int]] = {}

    def act(folder: Path) -> None:
        told[folder] = [0, 1]
        with EventLog(folder / "trials.jsonl") as log:
            for trial in range(2, 6):
                try:
                    log.append(ASKED | {"trial": trial})
                    told[folder].append(trial)
                except OSError:
                    continue

    def check(folder: Path, failed: str) -> None:
        events, torn = read_events(folder / "trials.jsonl")
        assert [event["trial"] for event in events] == told[folder]
        assert len(events) >= (2 if "truncate" in failed or "fsync" in failed else 5)
        assert torn is False

    assert every_fault(fresh, act, check) >= 4 * 3 + 3


def test_files_are_the_old_ones_or_the_new_ones_and_nothing_is_beside_them(
    every_fault: Any, fresh: Fresh
) -> None:
    """The folder's own fsync comes after the rename: where it fails the new file is there, whole."""

    def act(folder: Path) -> None:
        write_text(folder / "text", "new " * 1000)
        write_manifest(folder, {"format": 1, "status": "done"})

    def check(folder: Path, failed: str) -> None:
        assert (folder / "text").read_text() in ("old", "new " * 1000)
        assert read_manifest(folder / MANIFEST)["status"] in ("running", "done")
        assert failed or read_manifest(folder / MANIFEST)["status"] == "done"
        assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "text", "trials.jsonl"]

    assert every_fault(fresh, act, check) == 2 * 4  # write, fsync, rename, fsync of the folder


def test_the_manifest_counts_lines_and_seals_itself(fresh: Fresh) -> None:
    folder = fresh(0)
    assert read_manifest(folder / MANIFEST)["lines"] == {"trials.jsonl": 2}
    assert len(json.loads((folder / MANIFEST).read_text())["sha256"]) == 64
