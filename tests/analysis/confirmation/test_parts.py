import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from analysis.cli import main
from analysis.report import make_report

Make = Callable[..., Path]
SCORES = {
    ("finalist", 2): [(0.94, 0.95), (0.95, 0.94), (0.945, 0.945), (0.942, 0.951), (0.947, 0.943)],
    ("finalist", 1): [(0.93, 0.91), (0.94, 0.90), (0.92, 0.92), (0.935, 0.905), (0.932, 0.912)],
    ("finalist", 0): [(0.946, 0.949), (0.944, 0.945), (0.945, 0.941), (0.943, 0.95), (0.945, 0.946)],
    ("baseline", 2): [(0.96, 0.97), (0.97, 0.96), (0.965, 0.968), (0.961, 0.966), (0.968, 0.962)],
    ("twin", 2): [(0.9, 0.9)] * 5,
}


def test_the_report_answers_with_the_confirmed_network(confirmed: Make) -> None:
    report = make_report(confirmed(SCORES))
    text = (report.folder / "report.md").read_text()
    assert "Trial 2: test accuracy 94.6 ± 0.5 % on 5 fresh seeds, 1.00 k params, 3.00 M MACs." in text
    assert "it saves 66.7 % of the MACs; accuracy changes by −1.9 points (95 % interval −" in text
    assert "within one standard error of the best finalist's" in text
    assert "## Confirmation" in text
    assert "25 of 25 runs have ended, each on a seed that the search never used." in text
    assert "Trial 1: −3.6 points of test accuracy against trial 2, worse (p 0.0" in text
    assert (
        "Trial 0: 0.0 points of test accuracy against trial 2, not decided: no difference larger than" in text
    )
    assert "Trial 2, finetuned without distillation: " in text
    assert "so much chance has flattered them." in text
    assert "Every number comes from a single run" not in text
    assert "| trial 2\\* | 95.2 | 94.5 ± 0.4 | 94.6 ± 0.5 | 5 |" in text


def test_its_files_are_a_table_a_figure_and_every_run(confirmed: Make) -> None:
    folder = confirmed(SCORES)
    report = make_report(folder)
    for name in ("tables/confirmation.tex", "figures/confirmation.pdf", "figures/confirmation.png"):
        assert (report.folder / name).is_file()
    rows = list(csv.DictReader((report.folder / "confirm.csv").read_text().splitlines()))
    assert len(rows) == 25
    assert rows[0] == {
        "role": "finalist",
        "of": "2",
        "seed": "1",
        "accuracy": "0.94",
        "test_accuracy": "0.95",
    }
    best = (report.folder / "best.yaml").read_text()
    assert "# Confirmed. Trial 2: test accuracy 94.6" in best
    assert yaml.safe_load(best)["name"] == "c-best"
    (folder / "confirm.jsonl").unlink()
    make_report(folder)
    assert not (report.folder / "confirm.csv").exists()
    assert not (report.folder / "tables" / "confirmation.tex").exists()


def test_scripts_get_the_verdicts(confirmed: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(confirmed(SCORES)), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])["confirmation"]
    assert (told["ended"], told["planned"], told["recommended"]) == (25, 25, 2)
    assert told["verdicts"]["trial 1"] == "worse"
    assert told["verdicts"]["trial 2, finetuned without distillation"] == "worse"


def test_until_all_runs_have_ended_the_searchs_own_answer_stands(confirmed: Make) -> None:
    report = make_report(confirmed({key: rows[:2] for key, rows in SCORES.items()}))
    text = (report.folder / "report.md").read_text()
    assert text.splitlines()[2].startswith("Trial 2: accuracy 95.2 %")
    assert "10 of 25 runs have ended" in text
    assert "Until all have, the answer is the search's own." in text
    assert "too few seeds, or no spread between them, for any statistics." in text
