"""The comparison as files: a page, tables, figures, CSV; nothing in the run folders is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.comparison.draw import caption, draw
from analysis.comparison.results import Compared, Measure, compare_runs
from analysis.comparison.tables import (
    METHODS,
    RUNS,
    SETTINGS,
    curves_csv,
    methods_table,
    runs_csv,
    runs_table,
    settings_table,
)
from analysis.comparison.words import sentences
from analysis.files import write_bytes
from analysis.pages import Picture, Section, to_html, to_md
from analysis.records import read_run
from analysis.tables import Table, to_latex, to_markdown

HTML, MARKDOWN, CSV, CURVES = "compare.html", "compare.md", "compare.csv", "curves.csv"
FIGURES = {"best": "best-so-far", "volume": "hypervolume-so-far"}
POSSIBLE = (
    *(f"tables/{name}.{kind}" for name in (METHODS, SETTINGS) for kind in ("tex", "md")),
    *(f"figures/{name}.{kind}" for name in FIGURES.values() for kind in ("pdf", "png")),
)
"""Files that a comparison may have or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What was found and written: `files` lie below `folder`."""

    found: Compared
    folder: Path
    files: tuple[Path, ...]


def make_comparison(paths: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> Written:
    """Read two run folders or more, compare them, write the page and what lies beside it.

    Args:
        paths: the run folders.
        out: the folder to write to.

    Raises:
        InputError: no run folder, or runs that are not alike.
        ResultsError: a file of a run is damaged or of another format.
        OSError: the comparison cannot be written.
    """
    found, folder = compare_runs([read_run(path) for path in paths]), Path(out)
    files = _files(found)
    for name, content in files.items():
        write_bytes(folder / name, content)
    for name in POSSIBLE:
        if name not in files:
            (folder / name).unlink(missing_ok=True)
    return Written(found=found, folder=folder, files=tuple(folder / name for name in files))


def headline(found: Compared) -> str:
    """As "4 runs of 2 methods at 120 unique student epochs"."""
    many = len(found.methods)
    methods = f"{many} methods" if many > 1 else "one method"
    return f"{len(found.entries)} runs of {methods} at {found.epochs:,} unique student epochs"


def _files(found: Compared) -> dict[str, bytes]:
    """All files, by their path in the folder."""
    pictures = tuple(_picture(found, measure) for measure in found.measures if _trained(found))
    tables: list[tuple[str, Table]] = [
        (name, table)
        for name, table in (
            (RUNS, runs_table(found)),
            (METHODS, methods_table(found)),
            (SETTINGS, settings_table(found)),
        )
        if table is not None
    ]
    titles = {RUNS: "Runs", METHODS: "Methods against each other", SETTINGS: "How the methods differ"}
    parts = [
        Section(title="What was found when", words=sentences(found), pictures=pictures),
        *(Section(title=titles[name], tables=((name, table),)) for name, table in tables),
    ]
    content = {
        "title": f"Comparison: {headline(found)}",
        "status": f"{', '.join(entry.label for entry in found.entries)}.",
        "parts": parts,
    }
    texts = {HTML: to_html(content, "compare"), MARKDOWN: to_md(content, "compare")}
    texts |= {CSV: runs_csv(found), CURVES: curves_csv(found)}
    for name, table in tables:
        texts |= {f"tables/{name}.tex": to_latex(table), f"tables/{name}.md": to_markdown(table)}
    drawn = {f"figures/{p.name}.{kind}": p.files[kind] for p in pictures for kind in ("pdf", "png")}
    return {name: text.encode("utf-8") for name, text in texts.items()} | drawn


def _trained(found: Compared) -> bool:
    """Is there an axis of epochs? Runs that only cut networks from files train none."""
    return any(entry.epochs for entry in found.entries)


def _picture(found: Compared, measure: Measure) -> Picture:
    ends = ", ".join(f"{entry.label} {measure.text(measure.of(entry.last))}" for entry in found.entries[:12])
    return Picture(
        name=FIGURES[measure.field],
        title=f"{measure.title[:1].upper()}{measure.title[1:]} so far",
        alt=f"Line chart of the {measure.title} so far against unique student epochs; at the end {ends}",
        caption=caption(found, measure),
        files=draw(found, measure),
    )
