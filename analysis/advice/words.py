"""The advice in sentences: one for the command line, a paragraph for the report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analysis.advice.advise import Advice
from analysis.advice.importance import LEAST, Importance, Verdict
from analysis.advice.next_space import run_command
from analysis.advice.outcomes import JOINT
from analysis.tables import short_names


def names(advice: Advice) -> tuple[str, ...]:
    """What each knob is called: the last part of its key where that is unambiguous."""
    found = short_names([move.knob.key for move in advice.moves])
    return tuple(name.removesuffix(" (%)") for name in found)


def next_line(advice: Advice, file: Path) -> str:
    """What to do next and the command for it: "widen s beyond 0.03; fix warmup at 2; python -m sweeper run ...".

    Args:
        advice: of the run.
        file: where the next space lies, if there is one.
    """
    if advice.space is None:
        return _no_space(advice)
    changes = [
        move.words(name) for move, name in zip(advice.moves, names(advice), strict=True) if move.changes
    ]
    return "; ".join([*changes, run_command(file)])


def sentences(advice: Advice, file: Path) -> tuple[str, ...]:
    """The paragraph of the report: which knobs mattered, what follows from it, and what that rests on."""
    if not advice.decides:
        return (_no_space(advice),)
    called = names(advice)
    groups = _verdicts(advice, called)
    words = [
        f"Mattered: {', '.join(groups['mattered'])}."
        if groups["mattered"]
        else "No knob can be told from chance.",
        f"Did not matter: {', '.join(groups['not'])}." if groups["not"] else "",
        f"Not decided by {advice.trials} points: {', '.join(groups['open'])}." if groups["open"] else "",
    ]
    changes = [move.words(name) for move, name in zip(advice.moves, called, strict=True) if move.changes]
    if advice.space is not None:
        todo = f"{'; '.join(changes)}."
        words.append(f"{todo[0].upper()}{todo[1:]} next.yaml has these changes: {run_command(file)}")
    else:
        words.append(_no_space(advice))
    return " ".join(filter(None, words)), basis(advice)


def basis(advice: Advice) -> str:
    """What the advice rests on."""
    stopped = (
        f", {advice.stopped} of them stopped early and so behind the complete ones" if advice.stopped else ""
    )
    return (
        f"It rests on {advice.trials} points{stopped}; the best {advice.best} of them against all. "
        "Each knob is seen by itself: one that acts only together with another may look like none, and those "
        "that the sampler moved together share what one of them did."
    )


def _no_space(advice: Advice) -> str:
    if not advice.decides:
        if advice.trials < LEAST:
            return f"Not decided: {advice.trials} points have a result; from {LEAST} on, knobs can be told from chance."
        return "Not decided: all trials are equally good."
    if any(move.changes for move in advice.moves):
        return "Nothing is left to search: train best.yaml, or search other settings."
    return "The space stays as it is: more trials, or other settings, rather than other ranges."


def mattered_for(found: Sequence[Importance]) -> list[str]:
    """The objectives that a knob mattered for; that it did for their trade-off where for none of them."""
    by = [one.by.replace("_", " ") for one in found if one.verdict == "mattered"]
    return [name for name in by if name != JOINT] or by


def _verdicts(advice: Advice, called: Sequence[str]) -> dict[Verdict, list[str]]:
    """The names of the knobs by verdict, the most important first; of several objectives those it mattered for."""
    rows = list(zip(called, zip(*advice.found, strict=True), strict=True))
    groups: dict[Verdict, list[str]] = {"mattered": [], "not": [], "open": []}
    for name, found in sorted(rows, key=lambda row: -max(one.value for one in row[1])):
        if by := mattered_for(found):
            groups["mattered"].append(f"{name} ({', '.join(by)})" if len(found) > 1 else name)
        else:
            groups["not" if all(one.verdict == "not" for one in found) else "open"].append(name)
    return groups
