"""Words that others wrote, in spaces, run folders and data sets, reach people as words and nothing else."""

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from analysis.cli import main as analysis
from sweeper.cli import main as sweeper

MakeRun = Callable[..., Path]

NAMES = [
    "../up",
    "../../etc/passwd",
    "/etc/passwd",
    "/",
    ".",
    "..",
    ".hidden",
    "a/b",
    "a\\b",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "nul\x00l",
    "\x1b[31mred",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[H",
    "\x9b31mred",
    "right‮tfel",
    "zero​width",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "&lt;b&gt;<b>",
    "{{ 7 * 7 }}",
    "{% include 'x' %}",
    "\\input{/etc/passwd}",
    "\\write18{rm -rf x}",
    "$x$ & 100 % # _ ^ ~ {}",
    "[link](javascript:alert(1))",
    "`code` | pipe | <b>",
    "=cmd|'/c calc'!A1",
    "-rf",
    "--out",
    "$(touch x)",
    "a" * 300,
    "名前",
]
"""36: paths, lines, terminal sequences, HTML, templates, LaTeX, Markdown, spreadsheets, options, shells."""


def ids(name: str) -> str:
    return ascii(name[:20])


@pytest.mark.parametrize("name", NAMES, ids=ids)
def test_as_the_name_of_a_run_it_is_refused_in_one_printable_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    space = tmp_path / "space.yaml"
    space.write_text(
        f"name: {json.dumps(name)}\ndata: {{source: digits}}\nmodel: preresnet8\nfinetune: {{}}\n"
        "sweep: {trials: 2}\nsearch: {finetune.lr: [0.1, 0.2]}\n"
    )
    commands = [["run", "space.yaml"]]
    if "\x00" not in name:
        space2 = tmp_path / "other.yaml"
        space2.write_text(space.read_text().partition("\n")[2])
        commands.append(["run", "other.yaml", f"--name={name}"])
    before = sorted(tmp_path.rglob("*"))
    for command in commands:
        assert sweeper(command) == 2
        out, err = capsys.readouterr()
        assert out == ""
        lines = err.removesuffix("\n").split("\n")
        assert len(lines) == 1
        assert lines[0].isprintable()
        assert "name: " in lines[0]
    assert sorted(tmp_path.rglob("*")) == before


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def pages_of(run: Path) -> tuple[Page, str]:
    """The report as a browser sees it, and its text."""
    text = (run / "report" / "report.html").read_text(encoding="utf-8")
    return read(text), text


def test_in_a_run_folder_they_are_shown_and_do_nothing(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = make_run("said", params={f"finetune.{number}": "said" for number in range(len(NAMES))})
    assert analysis(["report", str(plain)]) == 0
    usual, _ = pages_of(plain)
    shutil.rmtree(plain)
    run = make_run(" ".join(NAMES), params={f"finetune.{name.replace('.', '')}": name for name in NAMES})
    outside = {path for path in tmp_path.rglob("*") if run not in path.parents}
    capsys.readouterr()
    for command in (analysis, "report"), (sweeper, "status"):
        assert command[0]([command[1], str(run)]) == 0
        out, err = capsys.readouterr()
        assert all(line.isprintable() for line in f"{out}{err}".split("\n"))
    assert {path for path in tmp_path.rglob("*") if run not in path.parents} == outside
    for file in (run / "report").rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+", file.name)
    page, text = pages_of(run)
    assert page.tags <= usual.tags
    assert page.attributes <= usual.attributes
    assert not [link for link in page.links if "javascript" in link or ":" in link]
    assert "&lt;script&gt;" in text
    markdown = (run / "report" / "report.md").read_text(encoding="utf-8")
    body = re.sub(r"^    .*$", "", markdown, flags=re.MULTILINE)  # indented code shows what it holds
    assert not re.search(r"(?<!\\)<(script|img|b)\b|(?<!\\)\]\(javascript", body)
    sheets = [file.read_text(encoding="utf-8") for file in (run / "report").rglob("*.csv")]
    assert not [sheet for sheet in sheets if re.search(r'(^|,)"?[=@]', sheet, flags=re.MULTILINE)]
    latex = [file.read_text(encoding="utf-8") for file in (run / "report").rglob("*.tex")]
    assert latex
    assert not [table for table in latex if re.search(r"\\(input|write18|include|openout|catcode)", table)]
    for one in (text, markdown, *sheets, *latex):
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", one)


@pytest.mark.parametrize("name", [name for name in NAMES if "/" not in name and "\x00" not in name], ids=ids)
def test_as_a_file_or_a_class_it_ends_no_line_and_colours_no_terminal(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = name[:200]
    space = tmp_path / f"{name}.yaml"
    if name not in (".", ".."):
        space.write_text("data: {source: digits}\nmodel: nonsense\nsweep: {trials: 2}\nsearch: {}\n")
    assert sweeper(["plan", str(space)]) == 2
    folder = tmp_path / "images"
    (folder / "train" / f"c{name}").mkdir(parents=True)
    np.save(folder / "train" / f"c{name}" / "no-image.npy", np.zeros(1))
    good = tmp_path / "good.yaml"
    good.write_text(
        f"data: {{source: folder, path: {folder}}}\nmodel: preresnet8\nfinetune: {{}}\n"
        "sweep: {trials: 2}\nsearch: {finetune.lr: [0.1, 0.2]}\n"
    )
    assert sweeper(["plan", str(good)]) == 2
    out, err = capsys.readouterr()
    assert all(line.isprintable() for line in f"{out}{err}".split("\n"))
