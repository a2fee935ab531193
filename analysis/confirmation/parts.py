"""The section of the report about a confirmation: sentences, a table, a figure, and all runs as CSV."""

from __future__ import annotations

import csv
import io

from analysis.confirmation.draw import draw
from analysis.confirmation.results import Candidate, Confirmation
from analysis.confirmation.words import flattery, verdicts
from analysis.grids.words import reach, spread
from analysis.pages import Picture, Section
from analysis.records import Run
from analysis.tables import Table, label_of
from analysis.text import cell, column, decimals, percent, plain, signed

NAME = "confirmation"
CSV = "confirm.csv"


def section(run: Run, found: Confirmation) -> Section:
    """All of it."""
    former = f" {found.former} runs of former finalists are not shown." if found.former else ""
    words = [
        f"{found.ended} of {found.planned} runs have ended, each on a seed that the search never used.{former}",
        *(() if found.decides else ("Until all have, the answer is the search's own.",)),
        *verdicts(found),
        *((flattery(found),) if flattery(found) else ()),
        *(f"A run of {one.name} failed: {reason}." for one in found.candidates for reason in one.failed),
    ]
    drawn = [one for one in found.candidates if one.test]
    pictures = (_picture(found, drawn),) if drawn else ()
    return Section(
        title="Confirmation", words=tuple(words), pictures=pictures, tables=((NAME, table(run, found)),)
    )


def table(run: Run, found: Confirmation) -> Table:
    """A row a candidate, the winner of the search first."""
    unit, macs = column([one.macs for one in found.candidates])
    changes = {id(one.candidate): one for one in found.comparisons}
    rows = []
    for one, cost in zip(found.candidates, macs, strict=True):
        against = changes.get(id(one))
        rows.append(
            (
                one.name + ("*" if one is found.recommended else ""),
                percent(one.searched),
                _spread(one, list(one.validation.values())),
                _spread(one, list(one.test.values())),
                str(len(one.test)),
                "–" if against is None else signed(against.change.value),
                "–" if against is None else reach(against.change),
                "–" if against is None or against.p is None else f"{against.p:.2g}",
                "–" if against is None else against.verdict,
                cost,
            )
        )
    images = next((one.images for one in found.candidates if one.images), None)
    trained = (
        "training and validation images" if found.data == "train+val" else "the training images of the search"
    )
    return Table(
        caption=(
            f"The finalists of {plain(run.name)} on fresh seeds, trained on {trained}: mean ± sd. Search: validation "
            f"accuracy in the search. Test{f' on {images:,} images' if images else ''}; Δ: its difference to the "
            "search's choice (the first row) in points, paired by seed, with the 95 % t interval; p after Holm's "
            "correction over all rows. * is recommended."
        ),
        label=label_of(run.name, NAME),
        header=(
            "Network",
            "Search (%)",
            "Validation (%)",
            "Test (%)",
            "n",
            "Δ",
            "95 % interval",
            "p",
            "Verdict",
            f"MACs ({unit})",
        ),
        rows=tuple(rows),
        align="lrrrrrrrlr",
    )


def _spread(one: Candidate, values: list[float]) -> str:
    return spread(values, decimals(one.images)) if values else "–"


def _picture(found: Confirmation, drawn: list[Candidate]) -> Picture:
    spoken = "; ".join(f"{one.name} {_spread(one, list(one.test.values()))} %" for one in drawn)
    return Picture(
        name=NAME,
        title="Test accuracy on fresh seeds",
        alt=f"Dots and means of test accuracy on fresh seeds: {spoken}",
        caption="Test accuracy of every network on fresh seeds: dots are runs, lines mean ± one standard deviation.",
        files=draw(drawn),
    )


def runs_csv(found: Confirmation) -> str:
    """One row a candidate and seed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["role", "of", "seed", "accuracy", "test_accuracy"])
    for one in found.candidates:
        for seed in dict.fromkeys((*one.test, *one.validation)):
            writer.writerow([one.role, one.of, cell(seed), one.validation.get(seed), one.test.get(seed)])
    return text.getvalue()
