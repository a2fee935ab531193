"""The table of the knobs: how much each mattered, where its best points lie, and what follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from analysis.advice.advise import Advice
from analysis.advice.evidence import best_values
from analysis.advice.importance import Importance
from analysis.advice.moves import Move, share, spoken
from analysis.advice.outcomes import Outcome
from analysis.advice.words import mattered_for, names
from analysis.tables import Table, label_of
from analysis.text import show


def knobs_table(run: str, advice: Advice, outcome: Outcome) -> Table:
    """One row a knob, those that explain most first; of several objectives a column each.

    Args:
        run: the name of the run.
        advice: of it, with importances.
        outcome: the trials by all objectives.
    """
    by = [found[0].by for found in advice.found]
    last = advice.found[-1]
    order = sorted(range(len(last)), key=lambda place: -last[place].value)
    called = names(advice)
    titles = ("Explains (%)",) if len(by) == 1 else tuple(f"{name.replace('_', ' ')} (%)" for name in by)
    return Table(
        caption=(
            f"What mattered in the sweep {run}: the share of being among the best {advice.best} of {advice.trials} "
            "points that each knob explains by itself (PED-ANOVA) with its 95 % bootstrap interval, and what chance "
            "alone stays below in 95 % of permutations; p is Holm's, over all knobs."
        ),
        label=label_of(run, "knobs"),
        header=("Knob", *titles, "Chance (%)", "p", "Mattered", "Best points", "Advice"),
        rows=tuple(
            (
                called[place],
                *(share(found[place].value) for found in advice.found[:-1]),
                f"{share(last[place].value)} ({share(last[place].low)}–{share(last[place].high)})",
                share(last[place].chance),
                "<0.001" if last[place].holm < 0.001 else f"{last[place].holm:.3f}",
                _mattered([found[place] for found in advice.found]),
                _best(advice.moves[place], outcome),
                _advice(advice.moves[place]),
            )
            for place in order
        ),
        align="l" + "r" * (len(titles) + 2) + "lpp",
    )


def _mattered(found: Sequence[Importance]) -> str:
    """Whether it did, of several objectives for which."""
    if by := mattered_for(found):
        return "yes" if len(found) == 1 else ", ".join(by)
    return "no" if all(one.verdict == "not" for one in found) else "not decided"


def _best(move: Move, outcome: Outcome) -> str:
    """Where the best points lie: how many at each value, or from where to where."""
    knob, best = move.knob, best_values(move.knob, outcome)
    if not best:
        return "–"
    if knob.values is None:
        return f"{show(float(f'{min(best):.3g}'))}–{show(float(f'{max(best):.3g}'))}"
    counts = Counter(knob.cell(value) for value in best)
    told = [
        f"{counts[cell]} × {spoken(knob.key, value)}"
        for cell, value in enumerate(knob.values)
        if counts[cell]
    ]
    return ", ".join(told if len(told) <= 4 else [*told[:3], f"{len(told) - 3} more values"])


def _advice(move: Move) -> str:
    """What to do and why."""
    what = ", ".join(f"{verb} {rest}" for verb, rest in move.what) or "leave"
    return f"{what}: {'; '.join(move.why)}"
