import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.folder import owned

SPACE = """\
name: small
data: {source: digits, val_fraction: 0.2}
model: preresnet8
prune: {method: slimming}
finetune: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.02}
search:
  prune.percent: [0.3, 0.5]
constraints: {macs: "<= 0.9"}
sweep: {trials: 2}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SPACE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run folder as a session that was killed at its very start leaves it."""
    one = tmp_path / "runs" / "small"
    one.mkdir(parents=True)
    (one / "space.yaml").write_text(SPACE)
    return one


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["run", "small.yaml", "--set", "prune.percent=20"],
            "--set prune.percent: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
        ),
        (["plan", "small.yaml", "--trials", "0"], "--set sweep.trials: must be at least 1, got 0."),
        (["run", "small.yaml", "--seed", "-1"], "--set seed: must be at least 0, got -1."),
        (["run", "small.yaml", "--name", "a/b"], "--set name: must be 1 to 64 Latin letters"),
        (["run", "smal.yaml"], "smal.yaml: no such file, and no shipped space of this name."),
        (
            ["train", "small.yaml"],
            "small.yaml: search: train takes one configuration, got a search over 1 settings.",
        ),
        (["resume", "runs/none"], "runs/none: no such run folder. Name one that sweeper run has made."),
        (["resume", "small.yaml", "--trials", "4"], "small.yaml: no such run folder."),
        (["run", "small.yaml", "--epochs", "0"], "--set sweep.epochs: must be at least 1, got 0."),
        (["plan", "small.yaml", "--hours", "-1"], "--set sweep.hours: must be above 0, got -1"),
        (["resume", "."], ".: has no space.yaml, so no run was begun in it. Start it with sweeper run."),
        (["status", "none"], "none: no such run, here or below runs."),
        (
            ["run", "small.yaml", "--set", "resources.cpus_per_trial=100000"],
            "resources.cpus_per_trial: at most the ",
        ),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err.splitlines()
    assert [text for text in said if text.startswith(line)]
    assert not Path("runs").exists()


def test_a_run_that_exists_is_not_begun_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "small.yaml"]) == 2
    assert capsys.readouterr().err == (
        "runs/small: the run exists already. Go on with it: sweeper resume runs/small, or give --name another name.\n"
    )
    assert [file.name for file in folder.iterdir()] == ["space.yaml"]


def test_a_budget_of_a_run_is_checked_like_that_of_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resume", "runs/small", "--trials", "0"]) == 2
    assert "--set sweep.trials: must be at least 1, got 0." in capsys.readouterr().err
    assert (folder / "space.yaml").read_text() == SPACE


def test_a_run_of_another_process_is_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with owned(folder):
        assert main(["resume", "runs/small"]) == 4
    said = capsys.readouterr().err
    assert said.startswith("runs/small: process ")
    assert said.endswith("is running this sweep. Wait for it, or stop it.\n")


def test_damaged_events_are_named_by_their_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "trials.jsonl").write_text('{"event": "asked", "trial": 0, "params": {}, "time": ""}\n{oops\n')
    assert main(["resume", "runs/small"]) == 3
    assert capsys.readouterr().err.startswith("runs/small/trials.jsonl:2: damaged")


@pytest.mark.parametrize(
    "arguments", [[], ["sweep"], ["run"], ["run", "small.yaml", "--trials", "x"], ["run", "a", "--x"]]
)
def test_what_argparse_refuses_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: sweeper" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["train", "--help"]])
def test_help_shows_examples_and_exit_codes(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    said = capsys.readouterr().out
    assert "sweeper run space/finetune.yaml" in said
    assert "exit codes: 0 done" in said


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from sweeper.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'torch', 'ray', 'pydantic', 'optuna', 'numpy', 'yaml'} & set(sys.modules)))\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.splitlines()[-1] == "[]"


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(ValueError, match=r"prune\.percent: must be a fraction from 0 to below 1, got 20"):
        main(["run", "small.yaml", "--set", "prune.percent=20", "--debug"])


def test_status_without_runs_says_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    assert capsys.readouterr().out == "no runs below runs. Begin one: sweeper run finetune\n"
