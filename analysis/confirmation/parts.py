"""The section of the report on the confirmation."""

from __future__ import annotations

from analysis.confirmation.chart import draw_marks, marks
from analysis.confirmation.results import Confirmation
from analysis.confirmation.tables import candidates_table, comparisons_table
from analysis.confirmation.words import digits_of, sentences, spread
from analysis.csv_files import to_csv
from analysis.pages import Picture, Section

TABLE, COMPARISONS, FIGURE = "confirmation", "confirmation-comparisons", "confirmation"


def confirmation_section(run: str, found: Confirmation) -> Section:
    """Sentences, the figure where any test accuracy is there, and both tables.

    Args:
        run: the name of the run.
        found: what was confirmed.
    """
    compared = comparisons_table(run, found)
    return Section(
        title="Confirmation",
        words=sentences(found),
        pictures=(_picture(found),) if marks(found) else (),
        tables=(
            (TABLE, candidates_table(run, found)),
            *(((COMPARISONS, compared),) if compared else ()),
        ),
    )


def confirm_csv(found: Confirmation) -> str:
    """Every run in the file, one row each; `current` says whether it is of a candidate."""
    former = {run.trial.number for run in found.former}
    trials = [run.trial for run in found.runs]
    keys = tuple(dict.fromkeys(key for trial in trials for key in trial.params if key != "seed"))
    about = {
        run.trial.number: {
            "role": run.role,
            "of": run.of,
            "seed": run.seed,
            "data": run.data,
            "current": "no" if run.trial.number in former else "yes",
        }
        for run in found.runs
    }
    return to_csv(trials, keys, first="run", about=about)


def _picture(found: Confirmation) -> Picture:
    digits = digits_of(found)
    told = "; ".join(
        f"{one.name} {spread(one.test, digits, ' %')}" for one in found.candidates[:12] if one.test
    )
    return Picture(
        name=FIGURE,
        title="Test accuracy on fresh seeds",
        alt=f"Dot plot of test accuracy on fresh seeds, mean ± sd: {told}",
        caption="Test accuracy of every candidate: each small dot is a fresh seed, beside them mean ± sd. Finalists "
        f"stand in the order of the table; recommended is {found.chosen.name}."
        if found.decides
        else "Test accuracy of every candidate so far: each small dot is a fresh seed, beside them mean ± sd.",
        files=draw_marks(marks(found)),
    )
