"""What the audit of early stopping says, in sentences: what it may have cost, and what to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analysis.audit.links import Link, Tau
from analysis.audit.regret import Regret
from analysis.records import Run
from analysis.text import decimals, human, percent, show

LOW = 0.5
"""Kendall's tau below which a rung is said to tell little: of four pairs it orders one wrongly."""


def sentences(run: Run, cost: Regret, found: Sequence[Link], images: int | None) -> tuple[str, ...]:
    """All that there is to say, in the order of the report; `images` are those of the validation split."""
    said = (*_stops(cost, images), *_trust(found, cost), *changes(run, found))
    return tuple(said)


def _stops(cost: Regret, images: int | None) -> Iterator[str]:
    trials = f"{cost.stops} trial{'s' * (cost.stops != 1)}"
    if not cost.audited:
        yield (
            f"Rungs stopped {trials}; none of them went on to its end, so nothing is known of what that cost. "
            "With `sweep.asha.audit: 0.1` a tenth would."
        )
        return
    metric = cost.objective.metric
    yield (
        f"{trials} fell behind at a rung; {cost.audited} of them, drawn by seed and number, went on to the end all "
        "the same."
    )
    if cost.better:
        apart = f" ({cost.apart} of them smaller than all that stayed)" if cost.apart else ""
        yield (
            f"{cost.better} of the {cost.audited} ended better than what was never stopped{apart}. The regret is "
            f"{_amount(cost, images)} of {metric.replace('_', ' ')}"
            + (f", of trial {cost.trial}." if cost.trial is not None else ".")
        )
    else:
        yield f"None of the {cost.audited} ended better than what was never stopped: the regret is 0."
    assert cost.most is not None
    yield (
        f"With 95 % confidence at most {percent(cost.most, 0)} % of the stops were mistakes of that kind "
        "(Clopper-Pearson)."
    )


def _amount(cost: Regret, images: int | None) -> str:
    if cost.objective.is_accuracy:
        return f"{percent(cost.value, decimals(images))} points"
    return human(cost.value) if cost.value >= 1 else show(cost.value)


def _trust(found: Sequence[Link], cost: Regret) -> Iterator[str]:
    for link in found:
        if link.tau is not None:
            yield (
                f"Of two like networks, the one ahead at {link.rung} was ahead at the end in "
                f"{percent((1 + link.tau.value) / 2, 0)} of 100 pairs: Kendall's tau {spread(link.tau)}."
            )
    if any(link.tau for link in found):
        yield (
            f"An audited network counts as often as there are stops to one of them, {show(cost.stops / cost.audited)} "
            "times, so that tau is that of all networks."
            if cost.audited and any(link.audited for link in found)
            else "These are survivors alone, among whom ranks agree less than among all: tau is too low, if anything."
        )


def spread(tau: Tau) -> str:
    """As "0.76 (0.51 to 0.89)", with a true minus."""
    value, low, high = (f"{one:.2f}".replace("-", "−") for one in (tau.value, tau.low, tau.high))
    return f"{value} ({low} to {high})"


def changes(run: Run, found: Sequence[Link]) -> Iterator[str]:
    """What to change in `sweep.asha` where a rung's tau is low; a sentence that nothing needs it where none is."""
    known = [(link, link.tau) for link in found if link.tau is not None]
    low = [(link, tau) for link, tau in known if tau.value < LOW]
    if known and not low:
        yield f"No rung's tau is below {LOW:g}: nothing need be changed."
    if not low:
        return
    names = " and ".join(link.rung for link, _ in low)
    sure = all(tau.high < LOW for _, tau in low)
    doubt = "" if sure else f", though {LOW:g} is within the interval: there are few pairs"
    yield f"Tau is below {LOW:g} at {names}{doubt}. What may help, the first thing first:"
    yield from _keys(low)
    yield _later(found, low)
    asha = _asha(run)
    peers, reduction = int(asha.get("min_peers", 4)), float(asha.get("reduction", 3))
    yield (
        f"Stop fewer: `sweep.asha.reduction: {show(round((1 + reduction) / 2, 2))}` in place of {show(reduction)}, and "
        f"`min_peers: {2 * peers}` in place of {peers}."
    )


def _keys(low: Sequence[tuple[Link, Tau]]) -> Iterator[str]:
    for link, tau in low:
        if link.key is not None and link.within is not None:
            yield (
                f"Compare within more: among networks of one `{link.key}` tau at {link.rung} is {link.within:.2f} "
                f"in place of {spread(tau)}; add it to `sweep.asha.compare_within`."
            )


def _later(found: Sequence[Link], low: Sequence[tuple[Link, Tau]]) -> str:
    """Later rungs: those that are good, else one half-way from the last to the end."""
    good = [link for link in found if link.tau is not None and link.tau.value >= LOW]
    if good:
        shares = sorted({min(link.share, 0.99) for link in good})
        names = " and ".join(link.rung for link in good)
        return f"Compare later: only at {names}, `sweep.asha.rungs: [{', '.join(map(show, shares))}]`."
    last = max(link.share for link, _ in low)
    half = min(round((1 + last) / 2, 2), 0.99)
    return f"Compare later: `sweep.asha.rungs: [{show(half)}]`; the last of these rungs is at {show(last)} of a trial."


def _asha(run: Run) -> Mapping[str, Any]:
    sweep = run.space.get("sweep") or {}
    return sweep.get("asha") or {}
