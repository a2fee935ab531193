"""The tables of a comparison: every run, methods against each other, what tells methods apart; and CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from analysis.comparison.results import Compared, Entry, Measure, counts
from analysis.comparison.so_far import at
from analysis.comparison.words import interval, verdict, visible
from analysis.confirmation.words import holm_words, p_words
from analysis.hypervolume import Reference
from analysis.tables import Row, Table
from analysis.text import cell, plain, short

RUNS, METHODS, SETTINGS = "compare-runs", "compare-methods", "compare-settings"
NAME = 24
"""Letters of a run's name in a table."""


def runs_table(found: Compared) -> Table:
    """One row a run, by method: trials, epochs, and each measure at equal epochs and at the end."""
    titles = [title for measure in found.measures for title in _titles(measure, found.epochs)]
    told = any(entry.method != sampler(entry) for entry in found.entries) and len(found.methods) > 1
    gaps, place = [], 0
    for method in found.methods[:-1]:
        place += len(method.entries)
        gaps.append(place)
    volume = (
        f" Hypervolume from the reference point {found.to.words()}."
        if isinstance(found.to, Reference)
        else ""
    )
    return Table(
        caption=(
            f"Runs at {found.epochs:,} unique student epochs, the total of the shortest, and at their ends. Epochs of "
            f"ended trials, each counted once a run, whoever trained it; trials: complete of all.{volume}"
        ),
        label="tab:compare-runs",
        header=("Run", *(("Method",) if told else ()), "Sampler", "Seeds", "Trials", "Epochs", *titles),
        rows=tuple(_run_row(entry, found, told) for entry in found.entries),
        align="l" + "l" * told + "lrrr" + "r" * len(titles),
        gaps=tuple(gaps),
    )


def methods_table(found: Compared) -> Table | None:
    """Each two methods by each measure, paired by seed; None of one method."""
    if not found.pairs:
        return None
    return Table(
        caption=(
            f"Methods against each other at {found.epochs:,} unique student epochs: the mean difference over the seeds "
            "that both have (positive: the first is better; of accuracies in points), and its paired 95 % t interval. "
            f"{holm_words(len(found.pairs))}"
        ),
        label="tab:compare-methods",
        header=("Method", "Against", "By", "Seeds", "Δ", "95 % interval", "Visible", "p", "Verdict"),
        rows=tuple(
            (
                pair.one.name,
                pair.other.name,
                "best" if pair.measure.field == "best" else pair.measure.title,
                str(change.count if (change := pair.tested.change) else 0),
                pair.measure.change(change.value) if change else "–",
                interval(pair),
                visible(pair),
                p_words(pair.tested.p),
                verdict(pair),
            )
            for pair in found.pairs
        ),
        align="lllrrrrrl",
    )


def settings_table(found: Compared) -> Table | None:
    """Where the spaces of the methods differ; None of one method."""
    if not found.differing:
        return None
    return Table(
        caption="Settings in which the methods differ; a dash: the space does not have it.",
        label="tab:compare-settings",
        header=("Setting", *(method.name for method in found.methods)),
        rows=tuple((key, *(short(value, 60) for value in values)) for key, values in found.differing.items()),
        align="l" * (1 + len(found.methods)),
    )


def runs_csv(found: Compared) -> str:
    """Every run, every digit."""
    header = [
        "run",
        "method",
        "path",
        "status",
        "sampler",
        "seed",
        "sweep.seed",
        *counts(found.entries[0].run),
    ]
    header += ["epochs", "equal_epochs"]
    header += [
        f"{measure.field}_{where}" for measure in found.measures for where in ("at_equal_epochs", "at_end")
    ]
    rows: list[list[object]] = []
    for entry in found.entries:
        row: list[object] = [entry.label, entry.method, str(entry.run.path), entry.run.manifest.get("status")]
        row += [sampler(entry), *entry.seeds, *counts(entry.run).values(), entry.epochs, found.epochs]
        row += [value for measure in found.measures for value in _values(entry, measure, found.epochs)]
        rows.append(row)
    return _csv(header, rows)


def curves_csv(found: Compared) -> str:
    """Every step of every run: what it had found when a trial ended."""
    rows = [
        [
            entry.label,
            entry.method,
            *entry.seeds,
            step.trial,
            step.epochs,
            step.best,
            step.leader,
            step.volume,
        ]
        for entry in found.entries
        for step in entry.steps
    ]
    header = ["run", "method", "seed", "sweep.seed", "trial", "epochs", "best", "best_trial", "hypervolume"]
    return _csv(header, rows)


def sampler(entry: Entry) -> str:
    """That of the space; a dash where none is written."""
    return plain((entry.run.space.get("sweep") or {}).get("sampler") or "–")


def seeds_text(entry: Entry) -> str:
    """One number where both seeds are equal, else "1/0"."""
    student, sweep = entry.seeds
    return str(student) if student == sweep else f"{student}/{sweep}"


def _run_row(entry: Entry, found: Compared, told: bool) -> Row:
    every = counts(entry.run)
    return (
        short(entry.label, NAME),
        *((entry.method,) if told else ()),
        sampler(entry),
        seeds_text(entry),
        f"{every['complete']}/{len(entry.run.trials)}",
        f"{entry.epochs:,}",
        *(
            measure.text(value)
            for measure in found.measures
            for value in _values(entry, measure, found.epochs)
        ),
    )


def _titles(measure: Measure, epochs: int) -> tuple[str, str]:
    name = ("Best" if measure.field == "best" else "Hypervolume") + (
        " (%)" if measure.digits is not None else ""
    )
    return f"{name} at {epochs:,}", "at end"


def _values(entry: Entry, measure: Measure, epochs: int) -> tuple[float | None, float | None]:
    return measure.of(at(entry.steps, epochs)), measure.of(entry.last)


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *([cell(value) for value in row] for row in rows)])
    return text.getvalue()
