"""A confirmation in sentences."""

from __future__ import annotations

from dataclasses import replace

from analysis.answer import Answer
from analysis.confirmation.results import Candidate, Comparison, Confirmation
from analysis.grids.words import spread
from analysis.select import Choice, Ranked
from analysis.significance import mean
from analysis.text import decimals, human, percent, signed

RULE = (
    "The cheapest finalist (fewest MACs) whose mean validation accuracy on fresh seeds is within one standard error of "
    "the best finalist's (Breiman et al. 1984)."
)
SEARCH_RULE = (
    "The search's own choice: the finalists were trained on the validation images, too, and by the test set nothing is "
    "chosen."
)


def chosen(found: Confirmation, choice: Choice, ranked: tuple[Ranked, ...]) -> Choice:
    """The choice that the confirmation leads to."""
    row = next((row for row in ranked if row.has(found.recommended.of)), choice.chosen)
    rule = RULE if found.recommended.validation else SEARCH_RULE
    return replace(choice, chosen=row, rule=rule)


def told(said: Answer, found: Confirmation) -> Answer:
    """The answer with what the confirmation has shown of the network that is recommended."""
    best = found.recommended
    if not best.test:
        return said
    digits = decimals(best.images)
    seeds = f"{len(best.test)} fresh seeds" if len(best.test) > 1 else "1 fresh seed"
    headline = (
        f"Trial {best.of}: test accuracy {spread(list(best.test.values()), digits)} % on {seeds}, "
        f"{human(best.params)} params, {human(best.macs)} MACs."
    )
    caution = " ".join((*verdicts(found), flattery(found)))
    return replace(said, headline=headline, saves=_saves(found) or said.saves, caution=caution)


def _saves(found: Confirmation) -> str:
    """Against the same recipe without its cut; "" where the recommended network is not the winner, or has none."""
    baseline = next((one for one in found.comparisons if one.candidate.role == "baseline"), None)
    best = found.recommended
    if baseline is None or best.of != found.winner.of or best.macs is None or not baseline.candidate.macs:
        return ""
    saved = 1 - best.macs / baseline.candidate.macs
    change = baseline.change
    told_change = f"accuracy changes by {signed(-change.value)} points"
    if change.low is not None and change.high is not None:
        told_change += f" (95 % interval {signed(-change.high)} to {signed(-change.low)})"
    return f"Against the same recipe without the cut it saves {percent(saved)} % of the MACs; {told_change}."


def verdicts(found: Confirmation) -> tuple[str, ...]:
    """A sentence a comparison with the winner."""
    return tuple(_verdict(one, found.winner) for one in found.comparisons)


def _verdict(one: Comparison, winner: Candidate) -> str:
    name = f"{one.candidate.name[0].upper()}{one.candidate.name[1:]}"
    points = f"{signed(one.change.value)} points of test accuracy against trial {winner.of}"
    if one.change.visible is None or one.change.low is None or one.change.high is None:
        return f"{name}: {points}; too few seeds, or no spread between them, for any statistics."
    seen = f"a difference under {percent(one.change.visible)} points could not have been seen"
    if one.verdict == "not decided":
        most = max(abs(one.change.low), abs(one.change.high))
        return f"{name}: {points}, not decided: no difference larger than {percent(most)} points, and {seen}."
    return f"{name}: {points}, {one.verdict} (p {one.p:.2g} after Holm's correction)."


def flattery(found: Confirmation) -> str:
    """How much the search's own values were too high, in a sentence; "" where it can't be told."""
    gap = found.flattered
    if gap is None:
        return ""
    best, off = found.winner, percent(abs(gap.value))
    above = "above" if gap.value > 0 else "below"
    text = f"In the search the finalists' validation accuracies were {off} points {above} their means"
    if best.searched is not None and best.validation:
        after = mean(list(best.validation.values()))
        text += f" on fresh seeds (trial {best.of}: {percent(best.searched)} % then, {percent(after)} % now)"
    return (
        f"{text}: so much chance has flattered them."
        if gap.value > 0
        else f"{text}: they were not flattered."
    )
