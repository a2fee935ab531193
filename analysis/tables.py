"""Tables for the paper: results in, cells of plain text, then Markdown or three-line LaTeX (booktabs).

Accuracies are in % of the validation split, costs in params and MACs (multiply-accumulates of one image;
FLOPs would be twice as many).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.records import Run, Trial
from analysis.select import (
    Baseline,
    Interval,
    Ranked,
    baseline,
    best_per_percent,
    images_of,
    primary,
    ranking,
)
from analysis.text import column, decimals, latex, markdown, percent, plain, short, show, signed

Row = tuple[str, ...]
PERCENT = "prune.percent"
SENTENCES = r"p{5cm}"
"""The width of a column of sentences in LaTeX."""
BEST_EPOCH = "test_accuracy_best_epoch"
CHOSEN_ON_TEST = "† The best epoch was chosen on the test set, which makes it too high; shown for comparison."


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Cells of plain text, each row as long as `header` and `align`.

    `align` has a letter a column: l (left), r (a number), p (sentences, broken into lines). A gap stands below
    the first n rows for every n in `gaps`.
    """

    caption: str
    label: str
    header: Row
    rows: tuple[Row, ...]
    align: str
    gaps: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """What a row of `percent_table` says of one network; fractions and counts."""

    name: str
    accuracy: float | None
    interval: Interval | None
    params: float | None
    macs: float | None


def percent_table(run: Run) -> Table:
    """Percent → accuracy → params → MACs: the unpruned network, then the most accurate of every percent.

    Where the unpruned network is a trial that cuts nothing, its row is that of the percent 0.
    """
    start, best = baseline(run), best_per_percent(run)
    lines = [
        _Line(
            name=show(round(100 * row.percent, 6)),
            accuracy=row.best.trial.metric("accuracy"),
            interval=row.best.interval,
            params=row.best.trial.metric("params"),
            macs=row.best.trial.metric("macs"),
        )
        for row in best
    ]
    if start and not (start.uncut and best and best[0].best.has(start.trial)):
        unpruned = _Line(
            name="unpruned",
            accuracy=start.accuracy,
            interval=start.interval,
            params=start.params,
            macs=start.macs,
        )
        lines.insert(0, unpruned)
    images = images_of(run)
    digits = decimals(images)
    mega, params = column([line.params for line in lines], units="M")
    unit, macs = column([line.macs for line in lines])
    rows = []
    for index, line in enumerate(lines):
        of = start if index > 0 else None
        rows.append(
            (
                line.name,
                percent(line.accuracy, digits),
                span(line.interval, digits),
                _change(line.accuracy, of.accuracy if of else None, digits),
                params[index],
                _saved(line.params, of.params if of else None),
                macs[index],
                _saved(line.macs, of.macs if of else None),
            )
        )
    return Table(
        caption=(
            f"The most accurate network of every pruning percent in the sweep {plain(run.name)}. "
            f"Validation accuracy{f' on {images:,} images, 95 % Wilson intervals' if images else ''}. "
            f"{_against(start)}MACs are multiply-accumulates of one image. Each row is one run."
        ),
        label=label_of(run.name, "percent"),
        header=(
            "Percent (%)",
            "Accuracy (%)",
            "95 % interval",
            "Δ",
            f"Params ({mega})",
            "↓ (%)",
            f"MACs ({unit})",
            "↓ (%)",
        ),
        rows=tuple(rows),
        align="l" + 7 * "r",
        gaps=(1,) if start and len(lines) > 1 else (),
    )


def ranking_table(run: Run, *, most: int | None = None) -> Table:
    """The `most` best complete networks (None: all), with their searched settings; one row a network."""
    every = ranking(run)
    rows = every[:most]
    objective = primary(run.space)
    keys = searched(run)
    trials = [row.trial for row in rows]
    tested = any(trial.metric("test_accuracy") is not None for trial in trials)
    diary = any(trial.metric(BEST_EPOCH) is not None for trial in trials)
    digits = decimals(images_of(run))
    mega, params = column([trial.metric("params") for trial in trials], units="M")
    unit, macs = column([trial.metric("macs") for trial in trials])
    metric = plain(objective.metric.replace("_", " "))
    other = () if objective.metric == "accuracy" else (metric,)
    which = "All" if len(rows) == len(every) else f"The first {len(rows)} of {len(every)}"
    measured = ("Accuracy (%)", "95 % interval", *(("Test (%)",) if tested else ()))
    measured += ("Best epoch (%) †",) if diary else ()
    names = short_names(keys)
    return Table(
        caption=(
            f"{which} complete networks of the sweep {plain(run.name)} by {metric}, then MACs. Trials with one "
            "recipe share a row. Rows whose intervals overlap are not told apart by single runs."
            + (f" {CHOSEN_ON_TEST}" if diary else "")
        ),
        label=label_of(run.name, "ranking"),
        header=("Rank", "Trial", *other, *measured, f"Params ({mega})", f"MACs ({unit})", *names),
        rows=tuple(
            (
                str(row.place),
                _numbers(row),
                *(show(row.value) for _ in other),
                percent(row.trial.metric("accuracy"), digits),
                span(row.interval, digits),
                *((percent(row.trial.metric("test_accuracy"), digits),) if tested else ()),
                *((percent(row.trial.metric(BEST_EPOCH), digits),) if diary else ()),
                params[index],
                macs[index],
                *(asked_value(row.trial, key) for key in keys),
            )
            for index, row in enumerate(rows)
        ),
        align="rl" + "r" * (len(other) + len(measured) + 2) + "l" * len(keys),
    )


def first_rows(table: Table, most: int) -> Table:
    """The table, cut where it has more than `most` rows; its caption then says so."""
    if len(table.rows) <= most:
        return table
    return replace(
        table,
        rows=table.rows[:most],
        gaps=tuple(place for place in table.gaps if place < most),
        caption=f"The first {most} of {len(table.rows)} rows. {table.caption}",
    )


def to_markdown(table: Table) -> str:
    """A pipe table; names in it are escaped."""
    marks = ["--:" if letter == "r" else ":--" for letter in table.align]
    lines = [map(markdown, table.header), marks, *(map(markdown, row) for row in table.rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_text(table: Table) -> str:
    """Columns two spaces apart for a terminal, a line under the header."""
    rows = [tuple(map(plain, row)) for row in (table.header, *table.rows)]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if letter == "r" else cell.ljust(width)
            for cell, width, letter in zip(row, widths, table.align, strict=True)
        ).rstrip()
        for row in rows
    ]
    return "\n".join((lines[0], "  ".join("─" * width for width in widths), *lines[1:]))


def to_latex(table: Table) -> str:
    r"""A float as wide as the page, with three rules, made smaller where it would be wider.

    Needs `\usepackage{booktabs,graphicx}` and compiles as it is; names that are neither Latin nor Greek need
    XeLaTeX or LuaLaTeX.
    """
    lines = [_latex_row(row) for row in table.rows]
    for place in sorted(table.gaps, reverse=True):
        lines.insert(place, r"\addlinespace")
    return "\n".join(
        (
            r"\begin{table*}[t]",
            r"  \centering",
            rf"  \caption{{{latex(table.caption)}}}",
            rf"  \label{{{table.label}}}",
            r"  \sbox0{%",
            rf"  \begin{{tabular}}{{{table.align.replace('p', SENTENCES)}}}",
            r"    \toprule",
            f"    {_latex_row(table.header)}",
            r"    \midrule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}}%",
            r"  \ifdim\wd0>\linewidth \resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi",
            r"\end{table*}",
            "",
        )
    )


def searched(run: Run) -> tuple[str, ...]:
    """The searched keys in the order of the space, then others that a trial was asked with."""
    asked = (key for trial in run.trials for key in trial.params)
    return tuple(dict.fromkeys([*(run.space.get("search") or {}), *asked]))


def short_names(keys: Sequence[str]) -> tuple[str, ...]:
    """The last part of each dotted key, the whole key where that would be ambiguous; the unit of percent."""
    last = [key.rpartition(".")[2] for key in keys]
    names = (name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True))
    return tuple(f"{name} (%)" if key == PERCENT else name for key, name in zip(keys, names, strict=True))


def label_of(run: str, kind: str) -> str:
    """The LaTeX label of a table: "tab:finetune-percent"."""
    return f"tab:{re.sub('[^a-z0-9]+', '-', run.lower()).strip('-')}-{kind}"


def span(interval: Interval | None, digits: int) -> str:
    """An interval in %: "95.6–99.0", a dash for None."""
    return "–" if interval is None else f"{percent(interval.low, digits)}–{percent(interval.high, digits)}"


def asked_value(trial: Trial, key: str) -> str:
    """The value that the trial was asked with, `percent` in %; a dash where the key did not apply to it."""
    value = trial.params.get(key, "–")
    if key == PERCENT and isinstance(value, float | int):
        return show(round(100 * value, 6))
    return short(value, 40)


def _numbers(row: Ranked) -> str:
    """The trials of one network: "7, 14, 18", or "7, 14, +9" where there are many."""
    trials = [str(number) for number in (row.trial.number, *row.twins)]
    return ", ".join(trials if len(trials) <= 3 else [*trials[:2], f"+{len(trials) - 2}"])


def _against(start: Baseline | None) -> str:
    """What Δ and ↓ are taken against, one sentence."""
    if start is None:
        return ""
    return (
        f"Unpruned: the best network of which nothing is cut ({start.what}); Δ is the difference to "
        "it in points, ↓ the share saved. "
    )


def _change(value: float | None, of: float | None, digits: int) -> str:
    return "–" if value is None or of is None else signed(value - of, digits)


def _saved(value: float | None, of: float | None) -> str:
    return "–" if value is None or not of else signed(1 - value / of).lstrip("+")


def _latex_row(row: Row) -> str:
    return " & ".join(map(latex, row)) + r" \\"
