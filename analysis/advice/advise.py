"""All that a run says about the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.advice.evidence import worse
from analysis.advice.importance import LEAST, Importance, importances
from analysis.advice.knobs import knobs
from analysis.advice.moves import Move, move
from analysis.advice.next_space import next_space
from analysis.advice.outcomes import outcomes, with_refused
from analysis.records import Run
from analysis.select import best


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """What a run says about the next one.

    `moves` has one entry a knob. `found` has a tuple of importances, one a knob, of each objective, of several also of
    the ranking by all, which comes last; it is empty where nothing can be said. `space` is the one to run next, None
    where nothing is to be changed. Of `trials` points `best` are called the best, and `stopped` were stopped early.
    """

    trials: int
    best: int
    stopped: int
    moves: tuple[Move, ...]
    found: tuple[tuple[Importance, ...], ...]
    space: Mapping[str, Any] | None

    @property
    def decides(self) -> bool:
        """Are there trials enough to say anything?"""
        return bool(self.found[-1])


def advise(run: Run) -> Advice | None:
    """What to search next; None where nothing was searched."""
    searched = knobs(run.space)
    if not searched:
        return None
    ranked = outcomes(run)
    last, found = ranked[-1], tuple(importances(searched, one) for one in ranked)
    mattered = [one.verdict == "mattered" for one in found[-1]]
    behind = worse(searched, mattered, with_refused(run)) if mattered else {}
    kept = [trial.params for trial, rank in zip(last.trials, last.ranks, strict=True) if rank == 0]
    if choice := best(run):
        kept.append(choice.chosen.trial.params)
    moves = tuple(
        move(
            knob,
            last,
            tuple(one[place] for one in found if one) if found[-1] else (),
            behind.get(knob.key, ()),
            space=run.space,
            keep=[params[knob.key] for params in kept if knob.key in params],
        )
        for place, knob in enumerate(searched)
    )
    return Advice(
        trials=len(last.trials),
        best=int(last.top.sum()),
        stopped=int((~last.whole).sum()),
        moves=moves,
        found=found,
        space=next_space(run.space, moves),
    )


__all__ = ["LEAST", "Advice", "advise"]
