"""What to do with each knob: widen, narrow, drop values, fix it, or leave it as it is; only what evidence supports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.advice.domains import CHEAPEST, EASIER, Domain, beyond, domain_of, last, on_log
from analysis.advice.evidence import Edge, Worse, best_values, edge, part
from analysis.advice.importance import Importance
from analysis.advice.knobs import Knob, is_number, same
from analysis.advice.outcomes import Outcome
from analysis.text import show


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What becomes of one knob: `values` to choose from, or `ends` of a range, or one `value` (a tuple of it).

    All three None: it stays as it is. `what` says what is done to it, as (verb, what follows its name), `why` on what
    evidence.
    """

    knob: Knob
    values: tuple[Any, ...] | None = None
    ends: tuple[float, float] | None = None
    value: tuple[Any] | None = None
    what: tuple[tuple[str, str], ...] = ()
    why: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Is anything done to it?"""
        return bool(self.what)

    def words(self, name: str) -> str:
        """What is done to the knob called `name`: "widen s beyond 0.03"."""
        return ", ".join(f"{verb} {name} {rest}" for verb, rest in self.what)


def move(
    knob: Knob,
    outcome: Outcome,
    found: Sequence[Importance],
    behind: Sequence[Worse],
    *,
    space: Mapping[str, Any],
    keep: Sequence[Any],
) -> Move:
    """What to do with one knob.

    Args:
        knob: it.
        outcome: the trials, ranked by all objectives.
        found: its importance by each objective, the one of `outcome` last; none of too few trials.
        behind: its values that are worse than the others.
        space: the run's.
        keep: values that stay whatever is said of them, those of the best and of the chosen network.
    """
    if not found:
        return Move(knob=knob, why=("not decided, there are too few trials",))
    if knob.kind == "repeats":
        return Move(knob=knob, why=("it numbers repetitions, of which none is to be preferred",))
    mattered = found[-1].verdict == "mattered"
    at = edge(knob, outcome) if mattered else None
    changed = _values(knob, at, behind, keep, space) if knob.values is not None else None
    if knob.kind == "range" and mattered:
        changed = _range(knob, outcome, at, space)
    if changed is not None:
        return changed
    if all(one.verdict == "not" for one in found):
        return _fixed(knob, outcome, found)
    return Move(knob=knob, why=(_kept(knob, found, at, behind),))


def spoken(key: str, value: Any) -> str:
    """A value in words: shares that are cut in %."""
    return f"{show(round(100 * value, 6))} %" if last(key) == "percent" and is_number(value) else show(value)


def share(value: float) -> str:
    """A share in %: "0.4", "12"."""
    return f"{100 * value:.0f}" if value >= 0.0995 else f"{100 * value:.1f}"


def _values(
    knob: Knob, at: Edge | None, behind: Sequence[Worse], keep: Sequence[Any], space: Mapping[str, Any]
) -> Move | None:
    """Values that are worse go, of an ordered list only from its ends inward; one more comes beyond an edge."""
    assert knob.values is not None
    gone = {
        knob.values.index(one.value): one
        for one in behind
        if not any(same(one.value, value) for value in keep)
    }
    if knob.ordered:
        gone = {cell: one for cell, one in gone.items() if _to_an_end(cell, gone, len(knob.values))}
    values = [value for cell, value in enumerate(knob.values) if cell not in gone]
    why = [_why_dropped(knob, one) for one in gone.values()]
    what = [("drop", ", ".join(spoken(knob.key, one.value) for one in gone.values()))] if gone else []
    if at is not None and (further := _further(knob, at, space)) is not None:
        values = [further, *values] if at.side == "low" else [*values, further]
        what.append(("widen", f"beyond {_end(knob, at)}"))
        why.append(f"{_why_widened(knob, at)}: {spoken(knob.key, further)} too")
    if not what:
        return None
    if len(values) == 1:
        fix = ("fix", f"at {spoken(knob.key, values[0])}")
        return Move(knob=knob, value=(values[0],), what=(fix,), why=tuple(why))
    return Move(knob=knob, values=tuple(values), what=tuple(what), why=tuple(why))


def _range(knob: Knob, outcome: Outcome, at: Edge | None, space: Mapping[str, Any]) -> Move | None:
    """The part of the best points, and beyond an edge that they lie at."""
    low, high, verbs, why = knob.low, knob.high, [], []
    if found := part(knob, outcome):
        low, high = (_rounded(knob, knob.at(place)) for place in found)
        best = best_values(knob, outcome)
        verbs.append("narrow")
        why.append(f"the {len(best)} best lie from {show(min(best))} to {show(max(best))}")
    if at is not None and (further := _further(knob, at, space)) is not None:
        low, high = (further, high) if at.side == "low" else (low, further)
        verbs.append("widen")
        why.append(_why_widened(knob, at))
    if low >= high or (low, high) == (knob.low, knob.high):
        return None
    verb = "move" if len(verbs) == 2 else verbs[0]
    what = (verb, f"to {show(low)}–{show(high)}")
    return Move(knob=knob, ends=(low, high), what=(what,), why=tuple(why))


def _fixed(knob: Knob, outcome: Outcome, found: Sequence[Importance]) -> Move:
    """At the cheapest of its values where that is known, else at the best point's."""
    cheap = CHEAPEST.get(last(knob.key))
    best = best_values(knob, outcome)
    chosen: Any = best[0] if best else (knob.values[0] if knob.values is not None else knob.low)
    how = "the best network's"
    if cheap in ("low", "high") and knob.ordered:
        ends = (knob.values[0], knob.values[-1]) if knob.values is not None else (knob.low, knob.high)
        chosen, how = ends[cheap == "high"], "the cheapest of them"
    elif knob.values is not None and cheap in knob.values:
        chosen, how = cheap, "the cheapest of them"
    elif is_number(chosen) and knob.values is None:
        chosen = _rounded(knob, chosen)
    most = max(one.high for one in found)
    why = f"it explains at most {share(most)} % of what sets the best apart; this is {how}"
    return Move(knob=knob, value=(chosen,), what=(("fix", f"at {spoken(knob.key, chosen)}"),), why=(why,))


def _further(knob: Knob, at: Edge, space: Mapping[str, Any]) -> float | None:
    """The number beyond an edge; None where there is none, or where the way leads to a lighter cut."""
    domain: Domain | None = domain_of(knob.key, space)
    if domain is None or EASIER.get(last(knob.key)) == at.side:
        return None
    if knob.values is None:
        ends = (knob.at(0.5), knob.low if at.side == "low" else knob.high)
        return beyond(domain, *ends, log=knob.log)
    near, end = (knob.values[1], knob.values[0]) if at.side == "low" else (knob.values[-2], knob.values[-1])
    return beyond(domain, near, end, log=near > 0 and end > 0 and (knob.log or on_log(knob.values)))


def _rounded(knob: Knob, value: float) -> float:
    """An end within the range, to three digits, of whole numbers the nearest."""
    if knob.integer:
        return min(max(round(value), knob.low), knob.high)
    short = float(f"{value:.3g}")
    return short if knob.low < short < knob.high else min(max(value, knob.low), knob.high)


def _to_an_end(cell: int, gone: Mapping[int, Worse], count: int) -> bool:
    """Is every value between it and one of the ends gone too?"""
    return all(c in gone for c in range(cell)) or all(c in gone for c in range(cell, count))


def _end(knob: Knob, at: Edge) -> str:
    values = knob.values or (knob.low, knob.high)
    return spoken(knob.key, values[0] if at.side == "low" else values[-1])


def _why_widened(knob: Knob, at: Edge) -> str:
    where = "at" if knob.values is not None else "within a fifth of"
    end = "lower" if at.side == "low" else "upper"
    return f"{at.count} of the {at.of} best lie {where} {_end(knob, at)}, its {end} end"


def _why_dropped(knob: Knob, one: Worse) -> str:
    value = spoken(knob.key, one.value)
    p = "p < 0.001" if one.holm < 0.001 else f"p {one.holm:.3f}"
    if one.refused == one.trials:
        return f"none of {one.trials} trials with {value} was within the constraints"
    return f"{one.best} of the {one.trials} trials with {value} are among the best, too few for chance ({p})"


def _kept(knob: Knob, found: Sequence[Importance], at: Edge | None, behind: Sequence[Worse]) -> str:
    """Why it stays as it is."""
    if behind:
        rare = ", ".join(spoken(knob.key, one.value) for one in behind)
        return f"rarely among the best: {rare}; yet the network to take has it, or better values lie on both sides"
    if found[-1].verdict != "mattered":
        if any(one.verdict == "mattered" for one in found):
            return "it moves along the trade-off, with no value better than the others"
        if found[-1].value > found[-1].chance:
            return f"not decided, one of several knobs reaches as much by chance (p {found[-1].holm:.2f})"
        return f"not decided, chance alone reaches {share(found[-1].chance)} %"
    if at is not None and EASIER.get(last(knob.key)) == at.side:
        return "the best lie where least is cut, as they always do by accuracy alone"
    if at is not None:
        return f"{_why_widened(knob, at)}, beyond which nothing is known to be allowed"
    return (
        "it mattered, and no value is clearly worse than the others"
        if knob.values
        else ("it mattered, and the best lie all over it")
    )
