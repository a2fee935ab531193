"""RUN/report: the answer first, then why, then everything; on a sweep that still runs too."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import bars, scatter
from analysis import sections as parts
from analysis.answer import Answer
from analysis.conclusion import conclude
from analysis.confirmation.answer import notes
from analysis.confirmation.parts import confirm_csv, confirmation_section
from analysis.confirmation.results import Confirmation
from analysis.cost import Cost
from analysis.csv_files import to_csv
from analysis.export import BEST, NEXT, best_yaml, train_command
from analysis.files import write_bytes
from analysis.front import front_section
from analysis.pages import Picture, Section, to_html, to_md
from analysis.records import REPORT, Run, TrialState, read_run
from analysis.select import Baseline, Choice
from analysis.tables import (
    Table,
    asked_value,
    first_rows,
    percent_table,
    ranking_table,
    searched,
    short_names,
    to_latex,
    to_markdown,
)
from analysis.text import percent, plain, short

if TYPE_CHECKING:
    from analysis.advice.advise import Advice

HTML, MARKDOWN, CSV, CONFIRM_CSV = "report.html", "report.md", "trials.csv", "confirm.csv"
FIGURES = ("accuracy-by-percent", "accuracy-macs")
RANKED = 40
"""Rows of a table that a page of LaTeX holds; the page and the Markdown have all."""
POSSIBLE = (
    BEST,
    NEXT,
    CONFIRM_CSV,
    *(f"tables/{name}.{kind}" for name in parts.TABLES for kind in ("tex", "md")),
    *(f"figures/{name}.{kind}" for name in (*FIGURES, *parts.FIGURES) for kind in ("pdf", "png")),
)
"""Files that a report may have or not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found and written: `files` lie below `folder`; `choice` is None where no trial is complete.

    `confirmation` is None where nothing was confirmed, `advice` where nothing was searched.
    """

    run: Run
    folder: Path
    files: tuple[Path, ...]
    choice: Choice | None
    unpruned: Baseline | None
    cost: Cost
    answer: Answer
    confirmation: Confirmation | None
    advice: Advice | None


def make_report(run_path: str | os.PathLike[str], *, out: str | os.PathLike[str] | None = None) -> Report:
    """Read a run folder and write its report; nothing else in the folder is touched.

    Every file is replaced in one step, and equal records give equal bytes (no date of the report is in them).

    Args:
        run_path: the run folder.
        out: where to write instead of RUN/report.

    Raises:
        InputError: `run_path` is no run folder.
        ResultsError: a file of the run is damaged or of another format.
        OSError: the report cannot be written.
    """
    from analysis.advice.advise import advise

    run = read_run(run_path)
    folder = Path(out) if out is not None else run.path / REPORT
    found, advice = conclude(run), advise(run)
    pictures = _pictures(run, found.choice, found.unpruned)
    files = _files(run, found.choice, found.confirmation, pictures, found.answer, advice, folder)
    for name, content in files.items():
        write_bytes(folder / name, content)
    for name in POSSIBLE:
        if name not in files:
            (folder / name).unlink(missing_ok=True)
    return Report(
        run=run,
        folder=folder,
        files=tuple(folder / name for name in files),
        choice=found.choice,
        unpruned=found.unpruned,
        cost=found.cost,
        answer=found.answer,
        confirmation=found.confirmation,
        advice=advice,
    )


def _files(
    run: Run,
    choice: Choice | None,
    confirmed: Confirmation | None,
    pictures: list[Picture],
    said: Answer,
    advice: Advice | None,
    folder: Path,
) -> dict[str, bytes]:
    """All files of the report, by their path in its folder."""
    from analysis.advice.parts import advice_section, advised_yaml

    first: tuple[Section, ...] = (confirmation_section(run.name, confirmed),) if confirmed else ()
    first += (shown,) if (shown := front_section(run)) else ()
    comparisons, drawings = parts.comparisons(run, choice), parts.drawings(run, choice)
    after = (advice_section(run, advice, folder / NEXT),) if advice else ()
    sections = (*first, *comparisons, *after, *drawings)
    tables = {"percent": percent_table(run), "ranking": ranking_table(run)}
    named = tables | dict(pair for section in sections for pair in section.tables)
    paper = named | {"ranking": ranking_table(run, most=RANKED)}
    more = notes(confirmed) if confirmed else ()
    settings = best_yaml(run, choice, file=folder / BEST, notes=more) if choice else ""
    content: dict[str, Any] = {
        "run": run,
        "answer": said,
        "choice": choice,
        "train": train_command(folder / BEST),
        "best_yaml": settings,
        "figures": pictures,
        "tables": [
            (title, table)
            for title, table in zip(("Best of every percent", "Full ranking"), tables.values(), strict=True)
            if table.rows
        ],
        "marked": [None, choice.chosen.place - 1 if choice else None],
        "first": first,
        "comparisons": comparisons,
        "after": after,
        "drawings": drawings,
        "unfinished": _unfinished(run),
        "made": _made(run),
    }
    texts = {HTML: to_html(content), MARKDOWN: to_md(content), CSV: to_csv(run.trials, searched(run))}
    if confirmed:
        texts[CONFIRM_CSV] = confirm_csv(confirmed)
    if choice:
        texts[BEST] = settings
    if advice and (space := advised_yaml(run, advice, folder / NEXT)):
        texts[NEXT] = space
    for name, table in named.items():
        texts[f"tables/{name}.tex"] = to_latex(first_rows(paper[name], RANKED))
        texts[f"tables/{name}.md"] = to_markdown(table)
    pictures = [*pictures, *(picture for section in sections for picture in section.pictures)]
    drawn = {f"figures/{p.name}.{kind}": p.files[kind] for p in pictures for kind in ("pdf", "png")}
    return {name: text.encode("utf-8") for name, text in texts.items()} | drawn


def _pictures(run: Run, choice: Choice | None, unpruned: Baseline | None) -> list[Picture]:
    pictures = []
    against = f" Unpruned: {unpruned.what}." if unpruned else ""
    if chart := bars.bar_info(run):
        pictures.append(
            Picture(
                name=FIGURES[0],
                title="Accuracy by percent",
                alt=f"Bar chart of the best validation accuracy: {', '.join(map(_spoken, chart.bars))}",
                caption="The best validation accuracy at every percent, each a single run; lines are 95 % "
                f"Wilson intervals. The axis begins at {chart.floor:g} %.{against}",
                files=bars.draw_bars(chart),
            )
        )
    if plot := scatter.scatter_info(run, choice):
        stopped = " Hollow: where a trial was stopped early." if plot.stopped else ""
        hidden = f" Stopped below the axis and not shown: {plot.hidden}." if plot.hidden else ""
        chosen = f"; the chosen one has {plot.chosen[1]:.1f} %" if plot.chosen else ""
        knee = f" The knee of the front is trial {plot.knee[1]}." if plot.knee else ""
        pictures.append(
            Picture(
                name=FIGURES[1],
                title="Accuracy against cost",
                alt=f"Scatter plot of accuracy against MACs: {len(plot.complete)} complete networks, "
                f"{len(plot.front)} of them on the Pareto front{chosen}",
                caption="Every complete network; none is cheaper and as accurate as one on the front. MACs of "
                f"one image, on a logarithmic axis.{knee}{stopped}{hidden}{against}",
                files=scatter.draw_scatter(plot),
            )
        )
    return pictures


def _spoken(bar: bars.Bar) -> str:
    group = f" ({short(bar.group, 40)})" if bar.group else ""
    return f"{percent(bar.percent, 0)} % pruned{group} {bar.accuracy:.1f} %"


def _unfinished(run: Run) -> Table | None:
    """Trials without a result, and why."""
    keys = searched(run)
    rows = tuple(
        (
            str(trial.number),
            trial.state.value,
            plain(trial.reason or "no reason recorded"),
            *(asked_value(trial, key) for key in keys),
        )
        for trial in run.of(TrialState.failed, TrialState.infeasible)
    )
    header = ("Trial", "State", "Reason", *short_names(keys))
    caption = "Failed and infeasible trials"
    align = "llp" + "l" * len(keys)
    return Table(caption=caption, label="", header=header, rows=rows, align=align) if rows else None


def _made(run: Run) -> list[tuple[str, str]]:
    """What the manifest says of the run's making, one line a field."""
    rows = []
    for name in ("command", "versions", "git", "machine", "seed", "started", "ended", "warnings"):
        value = run.manifest.get(name)
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        elif isinstance(value, list):
            value = (" " if name == "command" else "; ").join(map(str, value))
        if value not in (None, ""):
            rows.append((name, plain(value)))
    return rows
