import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.cli import main
from analysis.comparison.page import make_comparison

Make = Callable[..., Path]
TWO = "{maximize: accuracy, minimize: macs}"
FILES = {
    "compare.html",
    "compare.md",
    "compare.csv",
    "curves.csv",
    *(f"tables/compare-{name}.{kind}" for name in ("runs", "methods", "settings") for kind in ("tex", "md")),
    *(f"figures/best-so-far.{kind}" for kind in ("pdf", "png")),
}


def test_a_comparison_is_whole_repeatable_and_touches_no_run(four: list[Path], tmp_path: Path) -> None:
    before = {file: file.read_bytes() for path in four for file in path.rglob("*") if file.is_file()}
    written = make_comparison(four, tmp_path / "out")
    content = {str(file.relative_to(tmp_path / "out")): file.read_bytes() for file in written.files}
    assert set(content) == FILES
    assert {file: file.read_bytes() for path in four for file in path.rglob("*") if file.is_file()} == before
    assert [file.read_bytes() for file in make_comparison(four, tmp_path / "out").files] == list(
        content.values()
    )
    page, text = content["compare.html"].decode(), content["compare.md"].decode()
    assert "<title>Comparison: 4 runs of 2 methods at 22 unique student epochs</title>" in page
    assert page.count("<svg") == 1
    assert not re.search("<(script|link|img)", page)
    assert text.startswith("# Comparison: 4 runs of 2 methods at 22 unique student epochs\n\ntpe-0, tpe-1, ")
    assert "](figures/best-so-far.png)" in text
    assert "tpe against random, best validation accuracy: +3.0 points" in text
    assert content["tables/compare-runs.tex"].decode().count(r"\addlinespace") == 1


def test_csv_files_have_every_run_and_every_step(four: list[Path], tmp_path: Path) -> None:
    make_comparison(four, tmp_path)
    with (tmp_path / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["tpe-0", "tpe-1", "random-0", "random-1"]
    assert rows[0]["best_at_equal_epochs"] == "0.96"
    assert (rows[3]["method"], rows[3]["sweep.seed"], rows[3]["complete"]) == ("random", "1", "3")
    with (tmp_path / "curves.csv").open(newline="") as file:
        steps = list(csv.DictReader(file))
    assert len(steps) == 12
    assert (steps[1]["epochs"], steps[1]["best"], steps[1]["best_trial"]) == ("16", "0.9", "1")


def test_parts_that_are_no_longer_there_are_taken_away(
    make_sweep: Make, four: list[Path], tmp_path: Path
) -> None:
    several = [make_sweep(f"two-{seed}", [0.9], seed=seed, objective=TWO) for seed in (0, 1)]
    make_comparison(several, tmp_path)
    assert (tmp_path / "figures" / "hypervolume-so-far.pdf").exists()
    assert not (tmp_path / "tables" / "compare-methods.tex").exists()
    make_comparison(four, tmp_path)
    assert not (tmp_path / "figures" / "hypervolume-so-far.pdf").exists()


def test_runs_that_train_nothing_are_compared_without_a_figure(
    make_run: Make, complete: Callable[..., list[dict[str, object]]], tmp_path: Path
) -> None:
    runs = [
        make_run(complete(0, 0.9, 0.5), name="a"),
        make_run(complete(0, 0.8, 0.5), name="b", space="seed: 1\n"),
    ]
    with pytest.raises(ValueError, match="/b: constraints: "):
        make_comparison(runs, tmp_path)
    space = "data: {source: digits}\nseed: 1\nsweep: {sampler: grid}\n"
    runs = [
        make_run(complete(0, 0.9 - seed / 10, 0.5), name=f"c{seed}", space=space.replace("1", str(seed)))
        for seed in (0, 1)
    ]
    written = make_comparison(runs, tmp_path)
    assert written.found.epochs == 0
    assert not list(tmp_path.rglob("*.png"))


def test_hostile_names_are_text(make_sweep: Make, tmp_path: Path) -> None:
    def evil(text: str) -> str:
        return text.replace("sampler: tpe", "sampler: '=1+1 <script>alert(1)</script> {{ 7*7 }} \\input{x}'")

    runs = [make_sweep("<i>&_$", [0.9]), make_sweep("b", [0.8], space=evil)]
    make_comparison(runs, tmp_path)
    assert "<script" not in (tmp_path / "compare.html").read_text()
    assert r"\input{x}" not in (tmp_path / "tables" / "compare-runs.tex").read_text()
    with (tmp_path / "compare.csv").open(newline="") as file:
        assert not [cell for row in csv.reader(file) for cell in row if cell.startswith("=")]


def test_the_command_prints_a_table_what_is_decided_and_the_files(
    four: list[Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *(path.name for path in four)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(
        "4 runs of 2 methods at 22 unique student epochs\n\n  Run       Sampler  Seeds  Trials  Epochs"
    )
    assert "  tpe-0     tpe          0     3/3      22            96.0    96.0\n" in out
    assert "not decided, no difference larger than" in out
    assert "  compare/compare.html\n" in out
    assert max(map(len, out.splitlines())) <= 100


def test_json_is_one_line_with_all_numbers(
    four: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *map(str, four), "--out", str(tmp_path / "out"), "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    assert found["runs"][0]["best"] == {"at_equal_epochs": 0.96, "at_end": 0.96}
    assert found["comparisons"][0] | {"p": 0, "interval": 0, "visible": 0, "change": 0} == {
        "one": "tpe", "other": "random", "measure": "best", "seeds": 2, "verdict": "open",
        "p": 0, "interval": 0, "visible": 0, "change": 0,
    }  # fmt: skip
    assert all(Path(file).is_file() for file in found["files"])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["tpe-0"], "compare: at least two runs, got 1."),
        (["tpe-0", "tpe-0"], "tpe-0: is given twice."),
        (["tpe-0", "tpe-9"], "tpe-9: no such run"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    four: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    names: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *names]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "compare").exists()


def test_a_place_that_cannot_be_written_is_exit_code_1(
    four: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["compare", *map(str, four), "--out", str(tmp_path / "file")]) == 1
    assert "file: cannot make the comparison: File exists. See --out." in capsys.readouterr().err


def test_help_teaches_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["compare", "--help"])
    out = capsys.readouterr().out
    for words in (
        "python -m analysis compare tpe-0 tpe-1",
        "exit codes: 0 done",
        "accuracy 0, the unpruned network's",
    ):
        assert words in out
