"""The section of the report on what to do next."""

from __future__ import annotations

from pathlib import Path

from analysis.advice.advise import Advice
from analysis.advice.chart import draw_importances
from analysis.advice.moves import share
from analysis.advice.next_space import next_yaml
from analysis.advice.outcomes import outcomes
from analysis.advice.tables import knobs_table
from analysis.advice.words import basis, names, sentences
from analysis.pages import Picture, Section
from analysis.records import Run
from analysis.text import plain

TABLE = FIGURE = "knobs"


def advice_section(run: Run, advice: Advice, file: Path) -> Section:
    """Sentences, and where there are trials enough the figure and the table.

    Args:
        run: the records.
        advice: what follows from them.
        file: where the next space lies, if there is one.
    """
    words = sentences(advice, file)
    if not advice.decides:
        return Section(title="What next", words=words)
    table = knobs_table(plain(run.name), advice, outcomes(run)[-1])
    return Section(title="What next", words=words, pictures=(_picture(advice),), tables=((TABLE, table),))


def advised_yaml(run: Run, advice: Advice, file: Path) -> str:
    """The space to run next with its comments; "" where there is none."""
    if advice.space is None:
        return ""
    about = f"What follows from the sweep {run.name}. {basis(advice)}"
    return next_yaml(advice.moves, advice.space, about=about, file=file)


def _picture(advice: Advice) -> Picture:
    last, called = advice.found[-1], names(advice)
    told = "; ".join(
        f"{name} {share(one.value)} % (chance {share(one.chance)} %)"
        for one, name in zip(last, called, strict=True)
    )
    by = f" By {last[0].by.replace('_', ' ')}." if len(advice.found) > 1 else ""
    return Picture(
        name=FIGURE,
        title="What mattered",
        alt=f"Bar chart of what each knob explains of being among the best: {told}",
        caption=f"The share of being among the best {advice.best} of {advice.trials} points that each knob explains by "
        f"itself; lines are 95 % bootstrap intervals. Chance alone stays left of the orange marks in 95 % of "
        f"permutations.{by}",
        files=draw_importances(last, called),
    )
