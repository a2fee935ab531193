import json
import os
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
        (["report", "."], r"^\.: no run folder, it has no manifest.json. Name a folder below runs/."),
        (["report", "\x1b[31mred"], "^red: no such run"),
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


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("trials.jsonl", '{"event": "asked", "trial": 0}\n{}x\n{}\n', "trials.jsonl:2: damaged, "),
        ("trials.jsonl", "[" * 100_000 + "\n", "trials.jsonl:1: damaged, not a strict JSON object"),
        ("manifest.json", '{"format": 2}', "manifest.json: format: this version reads 1, got 2. Use the"),
        ("space.yaml", "a: [1", "space.yaml:1: not YAML: "),
        ("space.yaml", "a: " + "[" * 5_000, "space.yaml: not YAML: maximum recursion depth exceeded"),
    ],
    ids=["middle", "deep", "format", "yaml", "deep yaml"],
)
def test_a_damaged_file_is_one_line_and_exit_code_3(
    make_run: Make, capsys: pytest.CaptureFixture[str], file: str, content: str, message: str
) -> None:
    folder = make_run([])
    (folder / file).write_text(content)
    assert main(["report", str(folder)]) == 3
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (folder / "report").exists()


def test_a_torn_last_line_is_said_and_no_error(make_run: Make, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run([])
    (folder / "trials.jsonl").write_text('{"event')
    assert main(["report", str(folder)]) == 0
    assert "A torn last line of trials.jsonl was left out." in capsys.readouterr().out


def test_a_run_is_found_though_a_folder_of_its_name_lies_here(
    make_run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run([])
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["report", "tiny"]) == 0
    assert (tmp_path / "runs" / "tiny" / "report" / "report.md").exists()


def test_a_terminal_that_knows_only_ascii_gets_the_report_too(make_run: Make) -> None:
    command = [sys.executable, "-m", "analysis", "report", str(make_run([], name="tiny—x"))]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.startswith("tiny?x: Done: ")


def test_a_place_that_cannot_be_written_is_exit_code_1(
    make_run: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["report", str(make_run([])), "--out", str(tmp_path / "file")]) == 1
    assert "file: cannot make the report: File exists. See --out." in capsys.readouterr().err


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["report", "--help"])
    out = capsys.readouterr().out
    for words in ("python -m analysis report finetune --json", "booktabs,graphicx", "exit codes: 0 done"):
        assert words in out


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
