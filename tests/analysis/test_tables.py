import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.records import read_run
from analysis.tables import Table, percent_table, ranking_table, short_names, to_latex, to_markdown, to_text

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
GOLDEN = Path(__file__).with_name("percent.golden.tex")


def test_the_percent_table_is_the_golden_latex(make_run: Make) -> None:
    assert to_latex(percent_table(read_run(make_run()))) == GOLDEN.read_text("utf-8")


def test_latex_has_three_rules_and_as_many_cells_in_every_row(make_run: Make) -> None:
    for table in (percent_table(read_run(make_run())), ranking_table(read_run(make_run(name="b")))):
        text = to_latex(table)
        assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
        rows = [line for line in text.splitlines() if line.endswith(r"\\")]
        assert len(rows) == len(table.rows) + 1
        assert {row.count(" & ") for row in rows} == {len(table.header) - 1}


def test_markdown_has_a_line_a_row(make_run: Make) -> None:
    text = to_markdown(percent_table(read_run(make_run())))
    assert text.splitlines()[2].startswith("| unpruned | 97.9 | 95.5–99.0 | – | 1.210 | – | 11.07 | – |")
    assert text.splitlines()[5] == "| 70 | 96.5 | 93.7–98.1 | −1.4 | 0.176 | 85.4 | 2.31 | 79.1 |"


def test_the_ranking_shows_percent_in_percent_twins_and_tests(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.9, 0.5) + complete(1, 0.95, 0.25, address="a", test_accuracy=0.94)
    table = ranking_table(
        read_run(make_run(events + complete(2, 0.95, 0.25, address="a", test_accuracy=0.94)))
    )
    assert table.header[:5] == ("Rank", "Trial", "Accuracy (%)", "95 % interval", "Test (%)")
    assert table.header[7:] == ("percent (%)", "s", "kd")
    assert table.rows[0][:5] == ("1", "1, 2", "95.0", "91.8–97.0", "94.0")
    assert table.rows[0][7:] == ("25", "–", "none")
    assert table.rows[1][4] == "–"


def test_many_trials_of_one_network_fill_one_row(make_run: Make, complete: Events) -> None:
    events = [event for number in range(12) for event in complete(number, 0.9, 0.5, address="one")]
    table = ranking_table(read_run(make_run(events + complete(12, 0.8, 0.7))))
    assert [row[:3] for row in table.rows] == [("1", "0, 1, +10", "90.0"), ("2", "12", "80.0")]


def test_a_ranking_cut_short_says_so(make_run: Make, complete: Events) -> None:
    run = read_run(make_run([event for n in range(5) for event in complete(n, 0.9 - n / 50, 0.5)]))
    table = ranking_table(run, most=3)
    assert [row[0] for row in table.rows] == ["1", "2", "3"]
    assert table.caption.startswith("The first 3 of 5 complete networks of the sweep tiny by accuracy")
    assert ranking_table(run, most=5).caption.startswith("All complete networks")


def test_a_trial_that_cuts_nothing_is_the_unpruned_row_where_it_is_the_best(
    make_run: Make, complete: Events
) -> None:
    events = complete(0, 0.99, 0.0) + complete(1, 0.95, 0.5)
    table = percent_table(read_run(make_run(events)))
    assert [row[:4] for row in table.rows] == [
        ("0", "99.0", "97.0–99.7", "–"),
        ("50", "95.0", "91.8–97.0", "−4.0"),
    ]
    assert "(trial 0 without a cut)" in table.caption
    worse = percent_table(read_run(make_run(complete(2, 0.9, 0.0) + events[2:], name="b")))
    assert [row[:4:3] for row in worse.rows] == [("unpruned", "–"), ("0", "−7.9"), ("50", "−2.9")]
    assert "(trial 1 after sparsity training, before its cut)" in worse.caption


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_tables_compile_and_are_no_wider_than_a_column(
    make_run: Make, ending: Events, tmp_path: Path
) -> None:
    params = {"prune.percent": 0.5} | {
        f"finetune.a_long_setting_{n}": "value & 100 % _{#}" for n in range(12)
    }
    run = read_run(
        make_run(ending(0, "complete", params, {"accuracy": 0.9, "macs": 5, "params": 7}), name="a_b%$")
    )
    tables = "".join(map(to_latex, (percent_table(run), ranking_table(run))))
    head = r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}"
    (tmp_path / "a.tex").write_text(rf"{head}{tables}\end{{document}}", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert b"Overfull" not in done.stdout


def test_two_decimals_where_ten_thousand_images_allow_them(make_run: Make, complete: Events) -> None:
    table = percent_table(
        read_run(make_run(complete(0, 0.7345, 0.5, validation_images=10_000, macs=1.083e9)))
    )
    assert table.rows[1][1] == "73.45"
    assert "MACs (G)" in table.header


def test_hostile_names_are_escaped(make_run: Make, ending: Events) -> None:
    params = {"prune.percent": 0.5, "finetune.kd": "\x1b[31m\\input{x} | <b>"}
    run = read_run(make_run(ending(0, "complete", params, {"accuracy": 0.9}), name="a_b%$"))
    assert r"\textbackslash{}input\{x\} \textbar{} \textless{}b\textgreater{}" in to_latex(ranking_table(run))
    assert r"sweep a\_b\%\$" in to_latex(percent_table(run))
    assert r"\label{tab:a-b-percent}" in to_latex(percent_table(run))
    assert r"| \\input{x} \| \<b\> |" in to_markdown(ranking_table(run))
    assert "\x1b" not in to_latex(ranking_table(run)) + to_markdown(ranking_table(run))


def test_a_run_without_complete_trials_has_empty_tables(make_run: Make) -> None:
    run = read_run(make_run([]))
    assert percent_table(run).rows == ranking_table(run).rows == ()
    assert to_latex(percent_table(run)).count("\\\\") == 1


def test_short_names_are_unique() -> None:
    assert short_names(["finetune.kd", "sparsity.lr", "finetune.lr", "prune.percent"]) == (
        "kd",
        "sparsity.lr",
        "finetune.lr",
        "percent (%)",
    )


def test_a_table_for_a_terminal_has_columns_that_line_up() -> None:
    table = Table(
        caption="",
        label="",
        header=("Run", "Best"),
        rows=(("a\x1b[31m", "9.5"), ("long", "10.5")),
        align="lr",
    )
    assert to_text(table) == "Run   Best\n────  ────\na      9.5\nlong  10.5"
