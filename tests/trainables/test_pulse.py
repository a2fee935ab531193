"""Signs of life: a file's time, while batches go by."""

import time
from pathlib import Path

import pytest

from trainables import pulse
from trainables.pulse import Pulse, last_beat


def test_without_a_file_no_sign_is_given(tmp_path: Path) -> None:
    Pulse().beat()
    assert last_beat(tmp_path / "none") is None


def test_a_beat_makes_the_file_and_its_folder_and_moves_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "BEAT_SECONDS", 0.01)
    one = Pulse()
    file = one.begin(tmp_path / "folder" / "worker")
    assert last_beat(file) is None
    one.beat()
    first = last_beat(file)
    time.sleep(0.02)
    one.beat()
    assert first is not None
    assert (last_beat(file) or 0) > first


def test_beats_are_seconds_apart(tmp_path: Path) -> None:
    one = Pulse()
    file = one.begin(tmp_path / "worker")
    one.beat()
    file.unlink()
    one.beat()
    assert not file.exists()
    one.begin(file)  # the next trial of the same process goes on
    one.beat()
    assert not file.exists()


def test_a_folder_that_takes_no_file_stops_no_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    one = Pulse()
    one.begin(tmp_path / "file" / "worker")
    one.beat()
