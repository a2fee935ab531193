import csv
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from analysis import plain_yaml
from analysis.at_work import LOCK
from analysis.errors import ResultsError
from analysis.report import make_report

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
FILES = {
    "report.html",
    "report.md",
    "best.yaml",
    "trials.csv",
    *(f"tables/{name}.{kind}" for name in ("percent", "ranking") for kind in ("tex", "md")),
    *(
        f"figures/{name}.{kind}"
        for name in ("accuracy-by-percent", "accuracy-macs", "pipeline")
        for kind in ("pdf", "png")
    ),
}
NO_STAGES = {name for name in FILES if "pipeline" not in name}
"""Files of a run of one stage."""
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Collects tags, attributes and ids; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Bytes and time of every file of the run, the report apart."""
    files = (file for file in folder.rglob("*") if file.is_file() and "report" not in file.parts)
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_a_report_is_whole_repeatable_and_touches_nothing_else(make_run: Make) -> None:
    folder = make_run(status="running")
    with FileLock(folder / LOCK):
        going_on = make_report(folder).answer.status
    assert going_on == "Still running: 14 of 24 trials have ended."
    before = snapshot(folder)
    report = make_report(folder)
    written = {str(file.relative_to(report.folder)): file.read_bytes() for file in report.files}
    assert set(written) == FILES
    assert {str(f.relative_to(report.folder)) for f in report.folder.rglob("*") if f.is_file()} == FILES
    assert snapshot(folder) == before
    assert all(
        file.read_bytes() == written[str(file.relative_to(report.folder))]
        for file in make_report(folder).files
    )
    assert report.choice
    assert plain_yaml.load((folder / "report" / "best.yaml").read_text())["prune"]["percent"] == 0.7  # type: ignore[index]

    text = written["report.md"].decode()
    assert text.startswith("# tiny: Interrupted: 14 of 24 trials have ended; ")
    assert "goes on.\n\nTrial 4: accuracy 96.5 %" in text
    for image in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text):
        assert (report.folder / image).is_file()
    assert text.count("](figures/") == 3
    assert "finetune, epoch 3: loss is nan" in text
    assert "command: sweeper run space/finetune.yaml" in text

    page = Page(written["report.html"].decode())
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert page.tags.count("svg") == 3
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    addresses = [value for name, value in page.attributes if name in ("href", "xlink:href", "src")]
    assert all(str(address).startswith("#") for address in addresses)
    assert b"prefers-color-scheme: dark" in written["report.html"]
    assert re.findall(rb'role="img" aria-label="(Bar chart|Scatter plot)', written["report.html"]) == [
        b"Bar chart",
        b"Scatter plot",
    ]


def test_every_trial_is_in_the_csv(make_run: Make, tmp_path: Path) -> None:
    report = make_report(make_run(), out=tmp_path / "elsewhere")
    assert report.folder == tmp_path / "elsewhere"
    with (report.folder / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == [str(number) for number in range(15)]
    assert rows[4]["prune.percent"] == "0.7"
    assert rows[4]["macs"] == "2313571"
    assert rows[4]["accuracy"] == "0.965"
    assert [row["state"] for row in rows[10:]] == ["stopped", "stopped", "failed", "infeasible", "running"]
    assert rows[12]["reason"] == "finetune, epoch 3: loss is nan"


def test_what_was_warned_about_before_the_run_is_in_the_report(make_run: Make) -> None:
    warning = "the teacher has seen the validation images if it was trained on all training images"
    report = make_report(make_run(warnings=["accuracy alone is won by pruning least", warning]))
    assert f"accuracy alone is won by pruning least; {warning}" in (report.folder / "report.md").read_text()
    assert warning in (report.folder / "report.html").read_text()


def test_hostile_names_are_text_in_every_file(make_run: Make, ending: Events) -> None:
    evil = '=1+1\x1b[31m<script>alert("1")</script>\\input{x}{{ 7*7 }}](javascript:a)|`\n# head'
    params = {"prune.percent": 0.5, "finetune.kd": evil}
    measured = {"accuracy": 0.9, "macs": 5_000, "params": 10, "validation_images": 50}
    events = ending(0, "complete", params, measured) + ending(1, "failed", params, {}, reason=evil)
    folder = make_run(events, name="<i>&_$", warnings=[evil], command=evil)
    report = make_report(folder)
    for file in report.files:
        if file.suffix in (".html", ".md", ".tex", ".csv"):
            assert "\x1b" not in file.read_text(), file
    with (report.folder / "trials.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    page = (report.folder / "report.html").read_text()
    assert "<script" not in page
    assert "49" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL).split("<main>")[1]
    Page(page)
    text = (report.folder / "report.md").read_text()
    assert not re.search(r"(?<!\\)<script", text.replace("    ", ""), re.MULTILINE) or "\\<script" in text
    assert "\n# head" not in text
    assert r"\input{x}" not in (report.folder / "tables" / "ranking.tex").read_text()
    read = plain_yaml.load((report.folder / "best.yaml").read_text())
    assert isinstance(read, dict)
    assert read["finetune"]["kd"] == evil
    assert read["name"] == "<i>&_$-best"


def test_a_report_is_made_before_any_trial_is_complete_and_old_parts_are_taken_away(
    make_run: Make, ending: Events
) -> None:
    folder = make_run(ending(0, "failed", {}, {}, reason="disk full"), status="running")
    (folder / "report").mkdir()
    (folder / "report" / "best.yaml").write_text("of an earlier run")
    report = make_report(folder)
    assert report.choice is None
    assert {str(file.relative_to(report.folder)) for file in report.files} == {
        name for name in FILES if name.split("/")[0] not in ("figures", "best.yaml")
    }
    assert not (folder / "report" / "best.yaml").exists()
    for name in ("report.md", "report.html"):
        text = (folder / "report" / name).read_text()
        assert "No trial is complete yet, so there is no best network." in text
        assert "disk full" in text


def searching(**sections: str) -> str:
    """A space of these sections."""
    return "".join(f"{name}: {text}\n" for name, text in sections.items())


@pytest.mark.parametrize("state", ["failed", "infeasible", "stopped"])
def test_a_run_of_which_nothing_completed_has_a_report_without_a_best(
    make_run: Make, ending: Events, state: str
) -> None:
    params = {"prune.percent": 0.5}
    events = [event for n in range(3) for event in ending(n, state, params, {"macs": 5}, reason="why " * 99)]
    report = make_report(make_run(events))
    assert report.answer.trials == f"3 {state}"
    assert report.answer.headline == "No trial is complete yet, so there is no best network."
    assert not (report.folder / "figures").exists()
    Page((report.folder / "report.html").read_text())


def test_a_run_of_one_trial_with_several_objectives_has_every_part(make_run: Make, complete: Events) -> None:
    space = searching(objective="{maximize: accuracy, minimize: [macs, params]}")
    report = make_report(make_run(complete(0, 0.9, 0.5), space=space))
    front = {f"tables/front.{kind}" for kind in ("tex", "md")}
    assert {str(file.relative_to(report.folder)) for file in report.files} == NO_STAGES | front
    assert "No other network's interval reaches this value." in report.answer.caution


def test_a_sweep_with_sparsity_only_has_no_percents_and_no_baseline(make_run: Make, ending: Events) -> None:
    space = searching(name="a", sparsity="{s: 1e-3}", search="{sparsity.s: [1e-3, 1e-2]}")
    measured = {"accuracy": 0.9, "loss": 0.3, "params": 9, "macs": 99, "validation_images": 287}
    events = [
        event for n in (0, 1) for event in ending(n, "complete", {"sparsity.s": 10.0 ** (n - 3)}, measured)
    ]
    report = make_report(make_run(events, space=space))
    assert report.unpruned is None
    assert report.answer.saves == ""
    assert report.answer.settings == (("s", "0.001"),)
    names = {str(file.relative_to(report.folder)) for file in report.files}
    assert names == {name for name in NO_STAGES if "accuracy-by-percent" not in name}
    assert "Best of every percent" not in (report.folder / "report.md").read_text()


def test_a_damaged_ledger_stops_the_report_before_anything_is_written(make_run: Make) -> None:
    folder = make_run()
    (folder / "ledger").mkdir()
    (folder / "ledger" / "1.jsonl").write_text('{"stage"\n')
    with pytest.raises(ResultsError, match=r"ledger/1.jsonl:1: damaged"):
        make_report(folder)
    assert not (folder / "report").exists()
