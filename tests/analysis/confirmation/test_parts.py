import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.cli import main
from analysis.confirmation.chart import draw_marks, marks
from analysis.confirmation.results import Confirmation
from analysis.confirmation.tables import candidates_table, comparisons_table
from analysis.report import make_report

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Concluded = Callable[..., Confirmation]
ADDED = {
    "confirm.csv",
    *(
        f"tables/{name}.{kind}"
        for name in ("confirmation", "confirmation-comparisons")
        for kind in ("tex", "md")
    ),
    *(f"figures/confirmation.{kind}" for kind in ("pdf", "png")),
}
EVIL = '=1+1\x1b[31m<script>alert("1")</script>\\input{x}{{ 7*7 }}](javascript:a)|`\n# head'


def test_a_report_has_the_section_in_every_form_and_is_repeatable(confirmed_run: Make) -> None:
    folder = confirmed_run()
    report = make_report(folder)
    written = {str(file.relative_to(report.folder)): file.read_bytes() for file in report.files}
    assert set(written) >= ADDED
    again = make_report(folder)
    assert {str(file.relative_to(again.folder)): file.read_bytes() for file in again.files} == written
    page, text = written["report.html"].decode(), written["report.md"].decode()
    assert page.count("<h2>Confirmation</h2>") == text.count("## Confirmation") == 1
    assert "| trial 0 (recommended) | 3 | 96.0 ± 0.1 | 95.0 ± 0.1 | 97.9 | 0.68 | 6.96 |" in text
    assert "Trial 0 is the network to take." in page
    tex = written["tables/confirmation-comparisons.tex"].decode()
    for part in (r"\toprule", r"\label{tab:tiny-confirmation-comparisons}", r"\caption{Test accuracy of the"):
        assert part in tex
    assert r"trial 4 uncut & 3 & +2.0 & +1.8 to +2.2 & 0.2 & 0.0025 & better \\" in tex


def test_the_csv_has_every_run_and_says_which_are_of_candidates(confirmed_run: Make) -> None:
    report = make_report(confirmed_run())
    with (report.folder / "confirm.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == [str(number) for number in range(14)]
    assert [row["current"] for row in rows] == 12 * ["yes"] + 2 * ["no"]
    assert (rows[3]["role"], rows[3]["of"], rows[3]["seed"]) == ("baseline", "4", "1")
    assert (rows[3]["prune.percent"], rows[3]["test_accuracy"]) == ("0.0", "0.971")


def test_json_has_all_of_it(confirmed_run: Make, make_run: Make, capsys: Any) -> None:
    assert main(["report", str(confirmed_run()), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    told = found["confirmation"]
    assert found["best"]["trial"] == told["recommended"] == 0
    assert (told["winner"], told["ended"], told["planned"], told["decides"]) == (4, 12, 12, True)
    assert [one["verdict"] for one in told["comparisons"]] == ["better", "open", "better"]
    assert told["candidates"][0]["test_accuracy"] == {"1": 0.961, "2": 0.959, "3": 0.961}
    assert told["former"] == [8]
    assert round(told["flattered"]["mean"], 3) == 0.031
    assert main(["report", str(make_run(name="other")), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["confirmation"] is None


def test_hostile_reasons_are_text_in_every_file(confirmed_run: Make, confirm_of: Events) -> None:
    events = confirm_of(0, "finalist", 4, 1, 0.9, 0.9) + confirm_of(1, "finalist", 4, 2, None, reason=EVIL)
    events[2]["params"][EVIL] = EVIL
    events[3]["params"][EVIL] = EVIL
    report = make_report(confirmed_run(events))
    for file in report.files:
        if file.suffix in (".html", ".md", ".tex", ".csv"):
            assert "\x1b" not in file.read_text(), file
    with (report.folder / "confirm.csv").open(newline="") as opened:
        cells = [cell for row in csv.reader(opened) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "<script" not in (report.folder / "report.html").read_text()
    text = (report.folder / "report.md").read_text()
    assert "\n# head" not in text
    assert r"1 run ended without a result, and counts as no seed: trial 4, seed 2: =1+1\<script\>" in text


def test_a_report_while_they_run_says_how_many_are_done(confirmed_run: Make, all_confirm: Events) -> None:
    report = make_report(confirmed_run(all_confirm()[:15], status="running"))
    text = (report.folder / "report.md").read_text()
    assert (
        "Under way: 7 of 12 runs have ended, and until all have the answer above is the search's own." in text
    )
    assert "recommended)" not in text
    early = make_report(confirmed_run(all_confirm()[:1], name="b", status="running"))
    assert "Under way: 0 of 9 runs have ended" in (early.folder / "report.md").read_text()
    assert not (early.folder / "figures" / "confirmation.pdf").exists()


def test_what_is_no_longer_confirmed_is_taken_away(confirmed_run: Make) -> None:
    folder = confirmed_run()
    make_report(folder)
    (folder / "confirm.jsonl").unlink()
    report = make_report(folder)
    assert report.confirmation is None
    assert not [name for name in ADDED if (report.folder / name).exists()]


def test_a_lone_candidate_has_no_comparisons(concluded: Concluded) -> None:
    found = concluded([("finalist", 4, {1: 0.9, 2: 0.91}, {1: 0.9, 2: 0.91}, 9e6)], seeds=2)
    assert comparisons_table("tiny", found) is None
    assert candidates_table("a_b", found).label == "tab:a-b-confirmation"
    assert candidates_table("tiny", found).rows == (
        (
            "trial 4 (winner of the search, recommended)",
            "2",
            "90.5 ± 0.7",
            "90.5 ± 0.7",
            "96.0",
            "0.90",
            "9.00",
        ),
    )


def test_the_figure_holds_every_seed_and_equal_numbers_give_equal_bytes(concluded: Concluded) -> None:
    one = {1: 0.9, 2: 0.91, 3: 0.92}
    given: list[Any] = [("finalist", of, one, one, 9e6) for of in range(14)]
    given += [("baseline", 0, {1: 0.95}, {}, 9e6), ("twin", 0, dict.fromkeys((1, 2, 3)), {}, 9e6)]
    many = marks(concluded(given))
    assert [mark.label for mark in many[-2:]] == ["13", "0\nuncut"]
    assert many[0].scores == (90.0, 91.0, 92.0)
    assert (many[0].mean, many[0].sd) == (91.0, 1.0)
    assert many[-1].sd is None
    files = draw_marks(many)
    assert set(files) == {"pdf", "png", "svg"}
    assert files == draw_marks(many)
