"""What a confirmation says, in sentences: what is a difference, what is noise, what is not decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.confirmation.candidates import Candidate, name_of
from analysis.confirmation.compare import PAIRS, Comparison, Tested
from analysis.confirmation.results import Confirmation
from analysis.grids import words
from analysis.grids.words import reach
from analysis.text import decimals, percent, short, signed

SENTENCES = 8
"""The most comparisons that have a sentence each; of more the table says all."""
REASON = 160
"""Letters of a failed run's reason; all are in confirm.csv."""
DATA = {"train": "the training images", "train+val": "the training and validation images"}


def sentences(found: Confirmation) -> tuple[str, ...]:
    """All that there is to say, in the order of the report."""
    said = [_progress(found), _order(found), flattery(found), *verdicts(found)]
    said += [_failures(found), _former(found)]
    return tuple(filter(None, said))


def spread(scores: Mapping[int, float], digits: int, unit: str = "") -> str:
    """Fractions as "95.1 ± 0.4" in %, the mean alone of one; a dash for none. `unit` stands behind the last."""
    if not scores:
        return "–"
    return words.spread(list(scores.values()), digits) + unit


def p_words(p: float | None) -> str:
    """As "0.03" or "< 0.001"; a dash for None."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def verdict(one: Tested, digits: int) -> str:
    """What may be said of a comparison, in few words. That two are equal is never claimed of a small difference."""
    match one.verdict:
        case "better" | "worse" as claimed:
            return claimed
        case "equal":
            return "no difference on any seed"
        case "open":
            return f"not decided, no difference larger than {percent(one.reach, digits)} points"
        case _:
            count = one.change.count if one.change else 0
            if count < PAIRS:
                return f"no statistics, {count} common seed{'s'[: count != 1]}"
            return "no statistics, the same difference on every seed"


def flattery(found: Confirmation) -> str:
    """The winner's curse; "" where validation accuracies are not there."""
    gap = found.flattered
    if gap is None:
        return ""
    digits = digits_of(found)
    name = found.metric.replace("_", " ")
    size = percent(abs(gap.value), digits)
    how = "flattered by" if gap.value > 0 else "not flattered: on fresh seeds it is higher by"
    if gap.low is None or gap.high is None:
        said = "how sure that is, so few finalists do not say"
    else:
        sure = gap.low > 0 or gap.high < 0
        said = f"95 % interval {reach(gap, digits)}" + ("" if sure else ", so it may be chance")
    finalists = "its one finalist" if gap.count == 1 else f"{gap.count} finalists"
    return (
        f"The search's best {name} was {how} {size} points ({said}): the value that it was chosen for, less the mean "
        f"on fresh seeds, {'of' if gap.count == 1 else 'averaged over'} {finalists}."
    )


def digits_of(found: Confirmation) -> int:
    """Decimals of an accuracy on the test set, in %."""
    return decimals(found.images)


def _progress(found: Confirmation) -> str:
    seeds = sorted({run.seed for one in found.candidates for run in one.runs})
    images = f" ({found.images:,} images)" if found.images else ""
    said = (
        f"Every candidate was trained on {DATA[found.data]} with fresh seeds ({_listed(seeds)}), with the teacher and "
        f"the split of the search, and measured once on the test set{images}."
    )
    if found.ended < found.planned:
        said = (
            f"Under way: {found.ended} of {found.planned} runs have ended, and until all have the answer above is the "
            f"search's own. {said}"
        )
    return said


def _order(found: Confirmation) -> str:
    """Which finalist is ahead, and which to take."""
    name = found.metric.replace("_", " ")
    if found.data != "train":
        return (
            f"Without validation images there is no {name} to choose by, and the test set is not for choosing: the "
            "finalists stand in the order of the search."
        )
    ranked = [one for one in found.finalists if one.validation]
    if len(ranked) < 2:
        return ""
    digits = digits_of(found)
    rows = ", ".join(f"{one.name} {spread(one.validation, digits, ' %')}" for one in ranked[:SENTENCES])
    more = f" and {len(ranked) - SENTENCES} more" if len(ranked) > SENTENCES else ""
    said = f"By {name} on the validation images, mean ± sd over fresh seeds: {rows}{more}."
    if not found.decides:
        return said
    search = (
        ", as the search had"
        if found.chosen is found.winner
        else f"; the search had recommended {found.winner.name}"
    )
    return f"{said} The report recommends {found.chosen.name}{search}."


def verdicts(found: Confirmation) -> list[str]:
    """One sentence a comparison with the winner, by test accuracy; none of more than `SENTENCES`."""
    if not 0 < len(found.comparisons) <= SENTENCES:
        return []
    return [_verdict(one, found.winner, digits_of(found)) for one in found.comparisons]


def _verdict(one: Comparison, winner: Candidate, digits: int) -> str:
    name, change = one.candidate.name, one.change
    if change is None or one.verdict in ("none", "equal"):
        return f"{_capital(name)} against {winner.name}: {verdict(one, digits)}."
    against = (
        f"{_capital(name)} against {winner.name} on the test set: {signed(change.value, digits)} points, "
        f"95 % interval {reach(change, digits)}, p {equals(one.p)} by Holm: {verdict(one, digits)}"
    )
    if one.verdict != "open":
        return f"{against}."
    visible, seeds = percent(change.visible, digits), change.count
    return f"{against}; one under {visible} points could not have been seen with {seeds} seeds."


def holm_words(many: int) -> str:
    """What the columns p and Visible of a table of so many comparisons mean."""
    over = f"over {many} comparisons" if many > 1 else "of one comparison"
    return (
        f"p is Holm's {over}; a difference is claimed where it is at most 0.05. Visible: the smallest difference "
        "that could have been seen with so many seeds."
    )


def equals(p: float | None) -> str:
    """As "= 0.03" or "< 0.001"."""
    told = p_words(p)
    return told if told.startswith("<") else f"= {told}"


def _failures(found: Confirmation) -> str:
    failed = [(one.name, run) for one in found.candidates for run in one.failed]
    if not failed:
        return ""
    one = len(failed) == 1
    what = f"{len(failed)} run{'' if one else 's'} ended without a result, and count{'s' if one else ''} as no seed"
    told = [
        f"{name}, seed {run.seed}: {short(run.trial.reason or 'no reason recorded', REASON)}"
        for name, run in failed
    ]
    return f"{what}: {'; '.join(told)}."


def _former(found: Confirmation) -> str:
    if not found.former:
        return ""
    counted = Counter(name_of(run.role, run.of) for run in found.former)
    told = ", ".join(f"{name} ({count})" for name, count in counted.items())
    return (
        f"Not counted here, but in confirm.csv, are runs of no candidate of the search as it stands: {told}."
    )


def _listed(seeds: Sequence[int]) -> str:
    """Neighbours as "1 to 5", others as "1, 2, 7"."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
