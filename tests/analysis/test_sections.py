import base64
import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from analysis.events import EventLog
from analysis.finalists import finalists
from analysis.records import read_run
from analysis.report import Report, make_report
from analysis.sections import FIGURES, TABLES, comparisons, drawings
from analysis.select import best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def everything(
    make_grid_once: Make, events_of: Events, point_of: Events, settings_of: Settings, confirm_of: Events
) -> Report:
    """The report of a grid with scratch, random draws, damage, rungs and confirmed finalists: all that can be."""
    file = io.BytesIO()
    Image.new("L", (8, 8), 90).save(file, "PNG")
    lost = [{"row": 1, "label": 0, "answer": 1, "png": base64.b64encode(file.getvalue()).decode()}]
    counts = {"clean": [90, 80], "fog_ 1": [70, 60]}
    damage = {
        "classes": ["a_b", "c%"],
        "images": {name: [100, 100] for name in counts},
        "right": {"unpruned": counts, "final": counts},
        "only_pruned_wrong": lost,
    }
    events = events_of(percents=(0.0, 0.5))
    events[-1]["metrics"]["damage"] = damage
    number = len(events) // 2
    for start in ("scratch", "scratch_b"):
        events += point_of(number, 0.9, settings_of(0.5, finetune__start=start))
        number += 1
    for draw in range(3):
        random = {"prune__method": "random", "prune__like": "slimming", "prune__draw": draw}
        events += point_of(number, 0.9 + draw / 100, settings_of(0.5, **random))
        number += 1
    for place, one in enumerate(("continue", "continue", "stop")):
        rung = {"event": "rung", "trial": 3 * place, "rung": "drops=0", "epoch": 2, "address": f"r{place}"}
        events.append(rung | {"value": 0.9 - place / 10, "peers": place + 1, "decision": one})
    folder = make_grid_once(events)
    with (folder / "space.yaml").open("a") as space:
        space.write("confirm: {top: 2, seeds: 2, data: train}\n")
    winner, second = (row.trial.number for row in finalists(read_run(folder), 2))
    roles = [("finalist", winner), ("finalist", second), ("baseline", winner), ("twin", winner)]
    with EventLog(folder / "confirm.jsonl") as log:
        for seed in (3, 4):
            for place, (role, of) in enumerate(roles):
                score = 0.9 + place / 100 + seed / 1000 * (place + 1)
                for event in confirm_of(4 * (seed - 3) + place, role, of, seed, score, score):
                    log.append(event)
    return make_report(folder)


def test_every_part_is_there_where_the_run_has_all_records(everything: Report) -> None:
    names = {str(file.relative_to(everything.folder)) for file in everything.files}
    tables = [name for name in TABLES if name != "front"]  # only a search with several objectives has it
    assert {f"tables/{name}.{kind}" for name in tables for kind in ("tex", "md")} <= names
    assert {f"figures/{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")} <= names
    text = (everything.folder / "report.md").read_text()
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        "Confirmation",
        "Accuracy by percent",
        "Accuracy against cost",
        "Best of every percent",
        "Against both baselines",
        "The largest percent without a loss",
        "Distillation in sparsity training × in finetuning",
        "Distillation against none",
        "Inherited weights against scratch",
        "Pruning methods",
        "Who pays for the pruning",
        "Early stopping",
        "Full ranking",
        "What next",
        "Structure and pipeline",
        "How it was made",
    ]
    for image in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text):
        assert (everything.folder / image).is_file()
    assert "| 50 | 50.0 | none → none |" in text
    assert "a\\_b" in text


def test_the_page_needs_nothing_else(everything: Report) -> None:
    page = (everything.folder / "report.html").read_text()
    assert page.count("<svg") == 2 + len(FIGURES)
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    links = re.findall(r'href="([^"]*)"', page)
    assert all(link.startswith(("#", "data:image/png;base64,")) for link in links)


def test_nested_records_are_kept_out_of_the_csv(everything: Report) -> None:
    with (everything.folder / "trials.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert "damage" not in header
    assert not [cell for row in rows for cell in row if "{" in cell]


def test_a_search_has_only_its_early_stopping_and_the_drawings(make_run: Make) -> None:
    run = read_run(make_run())
    assert [section.title for section in comparisons(run, best(run))] == ["Early stopping"]
    assert [picture.name for section in drawings(run, best(run)) for picture in section.pictures] == [
        "pipeline"
    ]
    empty = read_run(make_run([], name="b"))
    assert drawings(empty, None) == ()


def test_parts_that_are_no_longer_are_taken_away(make_run: Make) -> None:
    folder = make_run([])
    kept = folder / "report" / "figures" / "mine.pdf"
    for name in (*(f"figures/{name}.pdf" for name in FIGURES), *(f"tables/{name}.tex" for name in TABLES)):
        (folder / "report" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "report" / name).write_text("of an earlier run")
    kept.write_text("mine")
    report = make_report(folder)
    assert {file for file in report.folder.rglob("*") if file.is_file()} == {*report.files, kept}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_every_table_and_figure_compiles_in_a_paper_of_two_columns(
    everything: Report, tmp_path: Path
) -> None:
    folder = everything.folder
    tables = "".join(rf"\input{{{file}}}\clearpage" for file in sorted((folder / "tables").glob("*.tex")))
    figures = "".join(
        rf"\begin{{figure}}\includegraphics[width=\columnwidth]{{{file}}}\end{{figure}}\clearpage"
        for file in sorted((folder / "figures").glob("*.pdf"))
    )
    head = r"\documentclass[twocolumn]{article}\usepackage{booktabs,graphicx}\begin{document}"
    (tmp_path / "a.tex").write_text(rf"{head}{tables}{figures}\end{{document}}", "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert b"Overfull" not in done.stdout
    assert b"multiply defined" not in done.stdout
