"""The section of the report on the front of a search with several objectives: its volume, its networks, its knee."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.hypervolume import Reference, reference, volume
from analysis.pages import Section
from analysis.pareto import dominates, knee
from analysis.records import Run, Trial
from analysis.select import Objective, Ranked, images_of, objectives, ranking
from analysis.tables import Row, Table, asked_value, label_of, searched, short_names
from analysis.text import column, decimals, human, percent, plain, show

NAME = "front"
"""Of the file of the table."""
UNITS = {"macs": "MACs", "params": "Params"}


def front_section(run: Run) -> Section | None:
    """None for a single objective, and where no complete trial has all of them."""
    asked = objectives(run.space)
    rows = front_rows(run, asked)
    if len(asked) < 2 or not rows:
        return None
    return Section(
        title="Front",
        words=tuple(filter(None, (_volume(run, asked), _knee(run)))),
        tables=((NAME, front_table(run, asked, rows)),),
    )


def front_rows(run: Run, asked: Sequence[Objective]) -> tuple[Ranked, ...]:
    """The networks with all metrics that no other one is better than, or as good and somewhere better."""
    rows = [(row, goals) for row in ranking(run) if (goals := _goals(row.trial, asked)) is not None]
    return tuple(row for row, mine in rows if not any(dominates(other, mine) for _, other in rows))


def _goals(trial: Trial, asked: Sequence[Objective]) -> tuple[float, ...] | None:
    """The objectives, larger is better; None where one is missing."""
    values = [(one, value) for one in asked if (value := trial.metric(one.metric)) is not None]
    if len(values) < len(asked):
        return None
    return tuple(value if one.maximize else -value for one, value in values)


def knee_of(run: Run) -> Ranked | None:
    """The knee of accuracy against MACs among the complete networks, as the figure marks it; None without one."""
    rows = [
        (row, accuracy, macs)
        for row in ranking(run)
        if (accuracy := row.trial.metric("accuracy")) is not None
        and (macs := row.trial.metric("macs")) is not None
    ]
    place = knee([(accuracy, macs) for _, accuracy, macs in rows])
    return None if place is None else rows[place][0]


def front_table(run: Run, asked: Sequence[Objective], rows: Sequence[Ranked]) -> Table:
    """The networks of the front by the ranking, each with its objectives and its searched settings."""
    keys, bend = searched(run), knee_of(run)
    columns = [_column([row.trial.metric(one.metric) for row in rows], one, run) for one in asked]
    named = " and ".join(
        f"{'higher' if one.maximize else 'lower'} {UNITS.get(one.metric, one.metric.replace('_', ' '))}"
        for one in asked
    )
    marked = bend is not None and any(row.trial.number == bend.trial.number for row in rows)
    return Table(
        caption=(
            f"The front of the sweep {plain(run.name)}: the networks that no other one beats ({named}). Each row is "
            "one run: neighbours that differ by less than the images can tell may change places."
            + (" *: the knee of accuracy against MACs." if marked else "")
        ),
        label=label_of(run.name, NAME),
        header=("Trial", *(title for title, _ in columns), *short_names(keys)),
        rows=tuple(_row(row, place, bend, columns, keys) for place, row in enumerate(rows)),
        align="l" + "r" * len(columns) + "l" * len(keys),
    )


def _row(
    row: Ranked,
    place: int,
    bend: Ranked | None,
    columns: Sequence[tuple[str, list[str]]],
    keys: Sequence[str],
) -> Row:
    star = "*" if bend is not None and bend.trial.number == row.trial.number else ""
    settings = (asked_value(row.trial, key) for key in keys)
    return (f"{row.trial.number}{star}", *(cells[place] for _, cells in columns), *settings)


def _column(values: Sequence[float | None], one: Objective, run: Run) -> tuple[str, list[str]]:
    """The title of an objective's column and its cells."""
    if name := UNITS.get(one.metric):
        unit, cells = column(values)
        return f"{name} ({unit})", cells
    title = one.metric.replace("_", " ").capitalize()
    if one.is_accuracy or one.metric == "percent_cut":
        return f"{title} (%)", [percent(value, decimals(images_of(run))) for value in values]
    return title, [show(value) for value in values]


def _volume(run: Run, asked: Sequence[Objective]) -> str:
    to = reference([run], asked)
    if not isinstance(to, Reference):
        return f"There is no hypervolume: {to}."
    covered = volume([row.trial for row in ranking(run)], to)
    return f"Hypervolume {covered:.4f}, from the reference point {to.words()}."


def _knee(run: Run) -> str:
    bend = knee_of(run)
    if bend is None:
        return (
            "The front of accuracy against MACs has no knee: no network lies above the line between its ends."
        )
    accuracy, macs = (bend.trial.metric(name) for name in ("accuracy", "macs"))
    return (
        f"The knee of accuracy against MACs is trial {bend.trial.number}: "
        f"{percent(accuracy, decimals(images_of(run)))} % at {human(macs)} MACs. It lies farthest above the line "
        "between the ends of the front, on linear axes: to either side a little of one costs much of the other."
    )
