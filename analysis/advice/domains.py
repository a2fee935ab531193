"""What a setting may be, as far as advice goes beyond what was tried: docs/space.md's bounds, sooner too narrow.

A setting that is not named here is never widened. A test holds every proposal against the sweeper's own checks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from analysis.advice.knobs import is_number

Side = Literal["low", "high"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """From `low` to `high`; `open_low`, `open_high`: that end is not one of them. `integer`: whole numbers only."""

    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    integer: bool = False

    def holds(self, value: float) -> bool:
        """Is `value` one of them?"""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below and math.isfinite(value)


_POSITIVE, _FROM_ZERO = Domain(open_low=True), Domain()
_PART, _SHARE = Domain(open_low=True, high=1), Domain(high=1, open_high=True)
_COUNT, _COUNT_FROM_ZERO = Domain(low=1, integer=True), Domain(integer=True)
DOMAINS: Mapping[str, Domain] = {
    "epochs": Domain(low=1, high=100_000, integer=True),
    "lr": _POSITIVE,
    "warmup": _COUNT_FROM_ZERO,
    "warmup_share": Domain(high=1),
    "decay_every": _COUNT,
    "decay_share": _PART,
    "decay_rate": _PART,
    "ramp": _COUNT_FROM_ZERO,
    "momentum": Domain(open_low=True, high=1, open_high=True),
    "weight_decay": _FROM_ZERO,
    "batch_size": Domain(low=1, high=1024, integer=True),
    "kd_tau": _POSITIVE,
    "kd_weight": _POSITIVE,
    "ce_weight": _FROM_ZERO,
    "s": _FROM_ZERO,
    "percent": _SHARE,
    "keep_macs": _PART,
    "keep_params": _PART,
    "protect_share": _SHARE,
    "batches": _COUNT,
    "recalibrate": _COUNT_FROM_ZERO,
    "steps": Domain(low=2, integer=True),
}
"""By the last part of the key."""
WITHIN_EPOCHS = ("warmup", "decay_every", "ramp")
"""Numbers of epochs that say nothing beyond those of their stage."""
EASIER: Mapping[str, Side] = {
    "percent": "low",
    "keep_macs": "high",
    "keep_params": "high",
    "protect_share": "high",
}
"""Where less is cut: accuracy always draws that way, so it is no reason to widen."""
CHEAPEST: Mapping[str, Side | str] = {
    "epochs": "low",
    "steps": "low",
    "batches": "low",
    "recalibrate": "low",
    "keep_macs": "low",
    "keep_params": "low",
    "percent": "high",
    "kd": "none",
}
"""Which of equally good values costs least: an end, or a value."""


def last(key: str) -> str:
    """The last part of a dotted key."""
    return key.rpartition(".")[2]


def domain_of(key: str, space: Mapping[str, Any]) -> Domain | None:
    """Where a setting of `space` may be widened to; None where it may not."""
    domain = DOMAINS.get(last(key))
    if domain is None or last(key) not in WITHIN_EPOCHS:
        return domain
    least = _fewest_epochs(key.rpartition(".")[0], space)
    return None if least is None else replace(domain, high=least - 1)


def beyond(domain: Domain, near: float, edge: float, *, log: bool) -> float | None:
    """The next number from `near` over `edge`, a step further: as far again, on a log scale as many times (10 at most).

    Where that leaves the domain it is half of the way to the bound. Three digits; None where there is none.
    """
    outward = 1 if edge > near else -1
    value = edge * max(0.1, min(10.0, edge / near)) if log else edge + (edge - near)
    value = _rounded(value, domain)
    if not domain.holds(value):
        value = _rounded(edge + ((domain.high if outward > 0 else domain.low) - edge) / 2, domain)
    return value if domain.holds(value) and (value - edge) * outward > 0 else None


def _rounded(value: float, domain: Domain) -> float:
    """To three digits, or to a whole number where only those are meant; what is infinite stays so."""
    if not math.isfinite(value):
        return value
    return round(value) if domain.integer else float(f"{value:.3g}")


def on_log(values: Sequence[float]) -> bool:
    """Do the numbers, in ascending order, grow by a factor of 2 or more from one to the next, all in all?"""
    return values[0] > 0 and (values[-1] / values[0]) ** (1 / (len(values) - 1)) >= 2 - 1e-9


def _fewest_epochs(stage: str, space: Mapping[str, Any]) -> int | None:
    searched = (space.get("search") or {}).get(f"{stage}.epochs")
    if isinstance(searched, list):
        numbers = searched
    elif isinstance(searched, dict):
        numbers = searched.get("choice") or searched.get("int_uniform") or []
    else:
        section: Any = space
        for part in stage.split("."):
            section = section.get(part) if isinstance(section, Mapping) else None
        numbers = [section.get("epochs")] if isinstance(section, Mapping) else []
    return int(min(numbers)) if numbers and all(map(is_number, numbers)) else None
