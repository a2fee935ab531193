from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.records import read_run
from analysis.tables import percent_table, ranking_table, short_names, to_latex, to_markdown

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
    assert table.header[:5] == ("Rank", "Trial", "percent (%)", "s", "kd")
    assert table.rows[0][:8] == ("1", "1, 2", "25", "–", "none", "95.0", "91.8–97.0", "94.0")
    assert table.rows[1][7] == "–"


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
