"""Tables for the paper: results in, cells of plain text, then Markdown or three-line LaTeX (booktabs).

Accuracies are in % of the validation split, costs in params and MACs (multiply-accumulates of one image;
FLOPs would be twice as many).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.records import Run, Trial
from analysis.select import Interval, baseline, best_per_percent, primary, ranking
from analysis.text import column, decimals, latex, markdown, percent, plain, show, signed

Row = tuple[str, ...]
PERCENT = "prune.percent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Cells of plain text, each row as long as `header`.

    The first `left` columns are aligned to the left, the others are numbers. A gap
    stands below the first `apart` rows (0: none).
    """

    caption: str
    label: str
    header: Row
    rows: tuple[Row, ...]
    left: int = 1
    apart: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Line:
    """What a row of `percent_table` says of one network; fractions and counts."""

    name: str
    accuracy: float | None
    interval: Interval | None
    params: float | None
    macs: float | None


def percent_table(run: Run) -> Table:
    """Percent → accuracy → params → MACs: the unpruned network, then the most accurate of every percent."""
    start = baseline(run)
    lines = [
        _Line(
            name=show(round(100 * row.percent, 6)),
            accuracy=row.best.trial.metric("accuracy"),
            interval=row.best.interval,
            params=row.best.trial.metric("params"),
            macs=row.best.trial.metric("macs"),
        )
        for row in best_per_percent(run)
    ]
    if start:
        first = _Line(
            name="unpruned",
            accuracy=start.accuracy,
            interval=start.interval,
            params=start.params,
            macs=start.macs,
        )
        lines.insert(0, first)
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
            f"Validation accuracy{f' on {images:,} images, 95 % Wilson intervals' if images else ''}; "
            "↓ is the share saved against the unpruned network; MACs are multiply-accumulates of one image. "
            "Each row is one run."
        ),
        label=_label(run, "percent"),
        header=(
            "Percent (%)",
            "Accuracy (%)",
            "95 % interval",
            "Δ (points)",
            f"Params ({mega})",
            "↓ (%)",
            f"MACs ({unit})",
            "↓ (%)",
        ),
        rows=tuple(rows),
        apart=1 if start and len(lines) > 1 else 0,
    )


def ranking_table(run: Run) -> Table:
    """Every complete network, best first, with its searched settings; trials of one network share a row."""
    rows = ranking(run)
    objective = primary(run.space)
    keys = searched(run)
    trials = [row.trial for row in rows]
    tested = any(trial.metric("test_accuracy") is not None for trial in trials)
    digits = decimals(images_of(run))
    mega, params = column([trial.metric("params") for trial in trials], units="M")
    unit, macs = column([trial.metric("macs") for trial in trials])
    other = () if objective.metric == "accuracy" else (objective.metric.replace("_", " "),)
    return Table(
        caption=(
            f"All complete networks of the sweep {plain(run.name)} by {objective.metric.replace('_', ' ')}, "
            "then MACs. Rows whose intervals overlap are not told apart by single runs."
        ),
        label=_label(run, "ranking"),
        header=(
            "Rank",
            "Trial",
            *short_names(keys),
            *other,
            "Accuracy (%)",
            "95 % interval",
            *(("Test (%)",) if tested else ()),
            f"Params ({mega})",
            f"MACs ({unit})",
        ),
        rows=tuple(
            (
                str(row.place),
                ", ".join(map(str, (row.trial.number, *row.twins))),
                *(asked_value(row.trial, key) for key in keys),
                *(show(row.value) for _ in other),
                percent(row.trial.metric("accuracy"), digits),
                span(row.interval, digits),
                *((percent(row.trial.metric("test_accuracy"), digits),) if tested else ()),
                params[index],
                macs[index],
            )
            for index, row in enumerate(rows)
        ),
        left=2 + len(keys),
    )


def to_markdown(table: Table) -> str:
    """A pipe table; names in it are escaped."""
    marks = [":--" if index < table.left else "--:" for index in range(len(table.header))]
    lines = [map(markdown, table.header), marks, *(map(markdown, row) for row in table.rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_latex(table: Table) -> str:
    r"""A float as wide as the page, with three rules; needs `\usepackage{booktabs}` and compiles as it is."""
    columns = "l" * table.left + "r" * (len(table.header) - table.left)
    lines = [_latex_row(row) for row in table.rows]
    if table.apart:
        lines.insert(table.apart, r"\addlinespace")
    return "\n".join(
        (
            r"\begin{table*}[t]",
            r"  \centering",
            rf"  \caption{{{latex(table.caption)}}}",
            rf"  \label{{{table.label}}}",
            rf"  \begin{{tabular}}{{{columns}}}",
            r"    \toprule",
            f"    {_latex_row(table.header)}",
            r"    \midrule",
            *(f"    {line}" for line in lines),
            r"    \bottomrule",
            r"  \end{tabular}",
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


def images_of(run: Run) -> int | None:
    """The number of validation images, None where no trial recorded it."""
    counts = (trial.metric("validation_images") for trial in run.trials)
    return next((int(count) for count in counts if count is not None), None)


def span(interval: Interval | None, digits: int) -> str:
    """An interval in %: "95.6–99.0", a dash for None."""
    return "–" if interval is None else f"{percent(interval.low, digits)}–{percent(interval.high, digits)}"


def asked_value(trial: Trial, key: str) -> str:
    """The value that the trial was asked with, `percent` in %; a dash where the key did not apply to it."""
    value = trial.params.get(key, "–")
    return show(round(100 * value, 6)) if key == PERCENT and isinstance(value, float | int) else plain(value)


def _change(value: float | None, of: float | None, digits: int) -> str:
    return "–" if value is None or of is None else signed(value - of, digits)


def _saved(value: float | None, of: float | None) -> str:
    return "–" if value is None or not of else signed(1 - value / of).lstrip("+")


def _label(run: Run, kind: str) -> str:
    return f"tab:{re.sub('[^a-z0-9]+', '-', run.name.lower()).strip('-')}-{kind}"


def _latex_row(row: Row) -> str:
    return " & ".join(map(latex, row)) + r" \\"
