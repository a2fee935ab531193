"""What a comparison says, in sentences: who is ahead at equal epochs, and what was too small to be seen."""

from __future__ import annotations

from analysis.comparison.results import Against, Compared, Measure, Method
from analysis.confirmation import words
from analysis.confirmation.compare import PAIRS
from analysis.hypervolume import Reference
from analysis.significance import mean, sd

SENTENCES = 12
"""The most comparisons that have a sentence each; of more the table says all."""


def sentences(found: Compared) -> tuple[str, ...]:
    """All that there is to say, in the order of the page."""
    said = [_epochs(found), _volume(found), *_means(found), *_verdicts(found), _running(found)]
    return tuple(filter(None, said))


def interval(pair: Against) -> str:
    """The 95 % interval of the change, a dash where there is none."""
    change = pair.tested.change
    if change is None or change.low is None or change.high is None:
        return "–"
    return f"{pair.measure.change(change.low)} to {pair.measure.change(change.high)}"


def verdict(pair: Against) -> str:
    """What may be said of two methods, in few words."""
    if pair.tested.verdict == "open":
        most = pair.measure.text(pair.tested.reach)
        return f"not decided, no difference larger than {most}{pair.measure.unit}"
    return words.verdict(pair.tested, pair.measure.digits or 0)


def visible(pair: Against) -> str:
    """The smallest difference that could have been seen; a dash without statistics."""
    return pair.measure.text(pair.tested.change.visible if pair.tested.change else None)


def _epochs(found: Compared) -> str:
    shortest = min(found.entries, key=lambda entry: entry.epochs)
    return (
        f"Compared at {found.epochs:,} unique student epochs, the total of the shortest run ({shortest.label}). Every "
        "run pays for each epoch that its ended trials needed once, whoever trained it: a store that was full before "
        "makes no run look cheaper. Only complete trials count as found; stopped, infeasible and failed ones cost."
    )


def _volume(found: Compared) -> str:
    if len(found.objectives) == 1:
        return ""
    if isinstance(found.to, Reference):
        return (
            f"Hypervolumes are measured from the reference point {found.to.words()}, the same for all runs."
        )
    return f"There is no hypervolume: {found.to}."


def _means(found: Compared) -> list[str]:
    """Every method at equal epochs, where one has several runs."""
    if all(len(method.entries) == 1 for method in found.methods):
        return []
    return [
        f"{measure.title[:1].upper()}{measure.title[1:]} at {found.epochs:,} epochs, mean ± sd over seeds: "
        + ", ".join(f"{method.name} {_spread(method, measure, found.epochs)}" for method in found.methods)
        + "."
        for measure in found.measures
    ]


def _spread(method: Method, measure: Measure, epochs: int) -> str:
    """As "95.1 ± 0.4 % (n = 5)"; n counts the runs that had found anything by then."""
    values = list(method.values(measure, epochs).values())
    if not values:
        return "nothing found"
    width = sd(values)
    told = measure.text(mean(values)) + (f" ± {measure.text(width)}" if width is not None else "")
    return f"{told}{' %' if measure.digits is not None else ''} (n = {len(values)})"


def _verdicts(found: Compared) -> list[str]:
    if len(found.methods) == 1:
        return ["All runs are one method: their spaces are equal but for seeds, so there is nothing to test."]
    if len(found.pairs) > SENTENCES:
        return []
    return [_verdict(pair, len(found.pairs)) for pair in found.pairs]


def _verdict(pair: Against, many: int) -> str:
    head = f"{pair.one.name} against {pair.other.name}, {pair.measure.title}"
    change = pair.tested.change
    if change is None:
        return f"{head}: no seed that both have, so no statistics."
    value = f"{pair.measure.change(change.value)}{pair.measure.unit}"
    if pair.tested.p is None:
        few = f"; {PAIRS} seeds that both have are the fewest" if change.count < PAIRS else ""
        return f"{head}: {value}, {verdict(pair)}{few}."
    holm = f"p {words.equals(pair.tested.p)}" + (f" by Holm over {many} comparisons" if many > 1 else "")
    said = f"{head}: {value}, 95 % interval {interval(pair)} (paired t, {change.count} seeds), {holm}: {verdict(pair)}"
    if pair.tested.verdict != "open":
        return f"{said}."
    return f"{said}; one under {visible(pair)}{pair.measure.unit} could not have been seen with {change.count} seeds."


def _running(found: Compared) -> str:
    going = [e.label for e in found.entries if e.run.manifest.get("status") != "done"]
    if not going:
        return ""
    return f"Not done, and compared as far as they are: {', '.join(going)}."
