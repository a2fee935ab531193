import io
import json
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import InputError, ResultsError
from sweeper.manifest import Manifest
from sweeper.space import Space
from sweeper.status import say_status


@pytest.fixture
def runs(walk: Any, tmp_path: Path, space: Space, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one run: a complete trial, a failed one and one under way."""
    monkeypatch.chdir(tmp_path)
    walk.complete()
    walk.fail()
    walk.begin()
    (tmp_path / "small" / "space.yaml").write_text(space.text())
    Manifest.new(tmp_path / "small", space, command=[], store=None).write("interrupted")
    return tmp_path


def test_a_run_is_one_line(runs: Path) -> None:
    stream = io.StringIO()
    say_status(runs, None, stream, as_json=False)
    line = " ".join(stream.getvalue().split())
    assert line == "small interrupted best 75.0 % 1 complete, 1 failed, 1 asked for, not ended"


def test_a_run_is_found_by_its_name_or_its_path(runs: Path) -> None:
    lines = []
    for given in ("small", str(runs / "small")):
        stream = io.StringIO()
        say_status(runs, given, stream, as_json=False)
        lines.append(stream.getvalue())
    assert lines[0] == lines[1] != ""
    with pytest.raises(InputError, match=r"none: no such run, here or below .*\. See sweeper status\."):
        say_status(runs, "none", io.StringIO(), as_json=False)


def test_scripts_get_one_line_for_all(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    say_status(runs, None, io.StringIO(), as_json=True)
    (facts,) = json.loads(capsys.readouterr().out)
    assert (facts["status"], facts["accuracy"], facts["trials"]["running"]) == ("interrupted", 0.75, 1)


def test_why_a_run_has_ended_early_is_told(
    runs: Path, space: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "small" / "space.yaml").write_text(space.text().replace("patience: null", "patience: 9"))
    Manifest.new(runs / "small", space, command=[], store=None).write("done", ended_by="patience")
    stream = io.StringIO()
    say_status(runs, None, stream, as_json=False)
    words = "1 complete, 1 failed; none of the last 9 trials was better than all before"
    assert " ".join(stream.getvalue().split()).endswith(words)
    say_status(runs, None, io.StringIO(), as_json=True)
    (facts,) = json.loads(capsys.readouterr().out)
    assert (facts["ended_by"], facts["trials"]["running"]) == ("patience", 0)


def test_a_confirmation_is_told_beside_the_search(
    runs: Path, space: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    (runs / "small" / "space.yaml").write_text(space.text() + "confirm: {top: 1, seeds: 2}\n")
    Manifest.new(runs / "small", space, command=[], store=None).write("interrupted")
    stream = io.StringIO()
    say_status(runs, None, stream, as_json=False)
    assert stream.getvalue().endswith("1 asked for, not ended; 0 of 4 confirm runs\n")
    say_status(runs, None, io.StringIO(), as_json=True)
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["confirm"] == {"ended": 0, "planned": 4}


def test_a_damaged_space_does_not_matter(runs: Path) -> None:
    stream, again = io.StringIO(), io.StringIO()
    say_status(runs, None, stream, as_json=False)
    (runs / "small" / "space.yaml").write_text("confirm: [")
    say_status(runs, None, again, as_json=False)
    assert again.getvalue() == stream.getvalue() != ""


@pytest.mark.parametrize("name", ["trials.jsonl", "manifest.json"])
def test_a_run_that_lacks_a_file_is_told_by_it(runs: Path, name: str) -> None:
    (runs / "small" / name).unlink()
    for given in (None, "small"):
        with pytest.raises(ResultsError, match=rf"small/{name}: is missing"):
            say_status(runs, given, io.StringIO(), as_json=False)
