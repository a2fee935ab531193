"""How well a rung foretells the end: the rank correlation of a network's value at the rung and its last one.

Rungs compare like with like, so only pairs of one group count. Those who pass a rung to the end are the better ones,
and among the better ones ranks agree less: what is told of survivors alone is too low, if anything. The audited stand
for all that were stopped: each counts as often as there are stops to an audited one (inverse probability).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

from analysis.audit.regret import regret
from analysis.records import Run, Rung, Trial, TrialState
from analysis.select import objectives, setting, wilson

GAIN = 0.15
"""Kendall's tau that a key of `compare_within` must add to be named."""
LEAST_PAIRS = 10
"""Pairs below which no key is named."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tau:
    """Kendall's tau-b over the pairs of like networks, and the 95 % interval of it; None of less than one pair."""

    value: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """One rung: complete `networks` that were there, `audited` among them, and the `tau` of what they had there.

    `share` is the median share of its epochs that a network had behind it; `key` is a searched setting whose equal
    values raise tau to `within`, None where none does by `GAIN`.
    """

    rung: str
    networks: int
    audited: int
    share: float
    tau: Tau | None
    key: str | None
    within: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Point:
    trial: Trial
    rung: Rung
    end: float
    weight: float


def compared(run: Run) -> str:
    """The metric that rungs record as `value`: the first accuracy or loss among the objectives, else accuracy."""
    names = (objective.metric for objective in objectives(run.space))
    return next((name for name in names if name in ("accuracy", "loss")), "accuracy")


def links(run: Run) -> tuple[Link, ...]:
    """Every rung that two or more complete networks have passed, from the earliest on."""
    metric = compared(run)
    found: dict[str, list[_Point]] = {}
    complete = [trial for trial in run.of(TrialState.complete) if trial.metric(metric) is not None]
    cost = regret(run)
    weight = cost.stops / cost.audited if cost.audited else 1.0
    seen: set[Hashable] = set()
    for trial in sorted(complete, key=lambda one: (one.audited is not None, one.number)):
        network = trial.metrics.get("address") or trial.number
        if network in seen:
            continue
        seen.add(network)
        for rung in trial.rungs:
            end = float(trial.metrics[metric])
            one = _Point(trial=trial, rung=rung, end=end, weight=weight if trial.audited else 1.0)
            found.setdefault(rung.rung.partition(" ")[0], []).append(one)
    made = (_link(run, name, points) for name, points in found.items() if len(points) > 1)
    return tuple(sorted(made, key=lambda link: (link.share, link.rung)))


def _link(run: Run, name: str, points: Sequence[_Point]) -> Link:
    tau = _tau(points, [point.rung.rung for point in points])
    key, within = _closer(run, points, tau.value) if tau else (None, None)
    shares = [point.rung.epoch / _epochs(point.trial, point.rung.epoch) for point in points]
    return Link(
        rung=name,
        networks=len(points),
        audited=sum(point.trial.audited is not None for point in points),
        share=round(statistics.median(shares), 2),
        tau=tau,
        key=key,
        within=within,
    )


def _closer(run: Run, points: Sequence[_Point], value: float) -> tuple[str | None, float | None]:
    """The searched setting within whose equal values tau is largest, and that tau, if it exceeds `value` by `GAIN`."""
    finer: dict[str, Tau | None] = {}
    for key in (run.space.get("search") or {}).keys() - {"seed"}:
        finer[key] = _tau(points, [(one.rung.rung, str(setting(run, one.trial, key))) for one in points])
    known = {key: tau.value for key, tau in finer.items() if tau and tau.pairs >= LEAST_PAIRS}
    best = max(sorted(known), key=lambda key: known[key], default=None)
    return (best, known[best]) if best is not None and known[best] >= value + GAIN else (None, None)


def _epochs(trial: Trial, least: int) -> int:
    """Epochs of the last stage."""
    stage = trial.curve[-1].get("stage") if trial.curve else None
    return max((entry["epoch"] for entry in trial.curve if entry.get("stage") == stage), default=least)


def _tau(points: Sequence[_Point], groups: Sequence[Hashable]) -> Tau | None:
    """Tau-b over the pairs of points with equal entries in `groups`; None where no values differ.

    A pair weighs the product of its points' weights. The interval is Wilson's of the share of pairs in the right
    order, of so many independent pairs as give it the variance of Kendall (1938) where there is no correlation, fewer
    where weights differ (Kish 1965). Elsewhere the true variance is smaller (Fieller, Hartley and Pearson 1957), so
    it is rather too wide, and at ±1 it has a width.
    """
    alike: dict[Hashable, list[_Point]] = {}
    for point, group in zip(points, groups, strict=True):
        alike.setdefault(group, []).append(point)
    right = at_rung = at_end = variance = 0.0
    pairs, weights = 0, []
    for members in (members for members in alike.values() if len(members) > 1):
        count = len(members)
        pairs += count * (count - 1) // 2
        variance += count * (count - 1) * (2 * count + 5) / 18
        weights += [point.weight for point in members]
        for one, other in combinations(members, 2):
            weight = one.weight * other.weight
            rung, end = _sign(one.rung.value - other.rung.value), _sign(one.end - other.end)
            right += weight * rung * end
            at_rung += weight * abs(rung)
            at_end += weight * abs(end)
    if not at_rung or not at_end:
        return None
    value = max(-1.0, min(1.0, right / math.sqrt(at_rung * at_end)))  # rounding may pass the limits
    kish = sum(weights) ** 2 / (len(weights) * sum(weight**2 for weight in weights))
    order = wilson((1 + value) / 2, max(1, int(kish * pairs**2 / variance)))
    return Tau(value=value, low=2 * order.low - 1, high=2 * order.high - 1, pairs=pairs)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
