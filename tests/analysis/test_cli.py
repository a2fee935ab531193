import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.cli import main

Make = Callable[..., Path]


def test_the_newest_run_is_reported_with_the_answer_and_the_paths(
    make_run: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run()
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("tiny: Done: 14 of 24 trials have ended.\n\n  Best    Trial 4: accuracy 96.5 %")
    assert "  runs/tiny/report/report.html\n" in out
    assert max(map(len, out.splitlines())) <= 100


def test_json_is_one_line_that_a_script_can_read(
    make_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run()
    assert main(["report", "tiny", "--runs", str(tmp_path / "runs"), "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found["best"]["trial"] == 4
    assert found["best"]["metrics"]["accuracy"] == 0.965
    assert found["trials"]["complete"] == 10
    assert all(Path(file).is_file() for file in found["files"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "tinny"], r"tinny: no such run, here or below .*runs. Did you mean tiny?"),
        (["report", "other"], r"other: no such run, here or below .*runs. There is: tiny."),
        (["report", "--runs", "nowhere"], "nowhere: holds no run."),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    make_run: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    make_run()
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert re.search(message, err)
    assert err.count("\n") == 1


def test_a_damaged_file_is_exit_code_3(make_run: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run([])
    (folder / "trials.jsonl").write_text("{}x\n")
    assert main(["report", str(folder)]) == 3
    assert "trials.jsonl:1: damaged" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_exit_code_1(
    make_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["report", str(make_run([])), "--out", str(tmp_path / "file")]) == 1
    assert "cannot write the report" in capsys.readouterr().err


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["report", "--help"])
    assert "python -m analysis report finetune --json" in capsys.readouterr().out


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys, analysis.cli, analysis.records, analysis.report\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'torch', 'ray', 'optuna', 'matplotlib', 'jinja2', 'numpy', 'trainables', 'sweeper'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_package_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: analysis")
