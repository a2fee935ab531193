"""What a trial is measured by, and the bounds that a space can put on it: ``"<= 0.5"``.

A bound of macs or params below 1 is a share of the unpruned network's, from `SMALLEST_COUNT` on a count; what
lies between was meant otherwise and is refused.
"""

import math
import re
from typing import Final

METRICS: Final = {
    "accuracy": "validation accuracy after the last epoch",
    "accuracy_pruned": "validation accuracy right after the cut",
    "loss": "validation loss after the last epoch",
    "macs": "multiply-accumulates of one image",
    "params": "parameters",
    "percent_cut": "share of the channels that was really cut",
}
"""What can be an objective or be constrained. The test set is not among them."""

SHARED_METRICS: Final = ("macs", "params")
"""Metrics whose bound, if below 1, is a share of the unpruned network's."""

CUT_ACCURACIES: Final = ("accuracy_pruned",)
"""Metrics that only a pipeline with a prune section has."""

CUT_METRICS: Final = (*CUT_ACCURACIES, "percent_cut")
"""Metrics that only such a pipeline has, or one that begins with a network from a file."""

FRACTIONS: Final = ("accuracy", *CUT_METRICS)
"""Metrics from 0 to 1."""

SMALLEST_COUNT: Final = 1000
"""Multiply-accumulates, or parameters, that no network is below: the least bound that is read as a count."""

BOUND: Final = r"^\s*(<=|>=)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*$"
"""The form of a bound, in the regular expressions of Python and of JSON Schema."""

_MEANT = re.compile(r"\s*([<>]=?|=[<>]|[≤≥])?\s*([0-9]*[.,]?[0-9]+(?:e[-+]?[0-9]+)?)\s*([%kmg]?)\s*", re.I)
_UNITS = {"%": 1e-2, "": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}


def parse_bound(bound: str) -> tuple[str, float]:
    """``"<= 0.5"`` -> ("<=", 0.5).

    Raises:
        ValueError: it is no sign and finite number; says so, and what was probably meant.
    """
    match = re.fullmatch(BOUND, bound)
    if match is None or not math.isfinite(float(match[2])):
        raise ValueError(f'must be "<= NUMBER" or ">= NUMBER". {_meant(bound)}')
    return match[1], float(match[2])


def read_bound(given: object) -> str:
    """A bound as a file gives it, for pydantic to call.

    Raises:
        ValueError: as `parse_bound`; a number alone is no bound either.
    """
    text = str(given) if isinstance(given, str | int | float) else ""
    parse_bound(text)
    return text


def _meant(bound: str) -> str:
    """What to write in place of ``0.5``, ``< 0.5``, ``=< 0,5``, ``<= 50 %``, ``<= 80M``."""
    match = _MEANT.fullmatch(bound)
    if match is None or not math.isfinite(float(match[2].replace(",", "."))):
        return 'Write "<= 0.5".'
    sign = ">=" if match[1] and match[1].strip("=") in ">≥" else "<="
    number = float(match[2].replace(",", ".")) * _UNITS[match[3].lower()]
    return f'Write "{sign} {number:.12g}".'


def doubt(metric: str, bound: str) -> tuple[str, str] | None:
    """Why a well-formed bound can't be meant, and the mend; None if it can."""
    sign, limit = parse_bound(bound)
    half = f'"{sign} 0.5" for half'
    percent = f'"{sign} {limit / 100:g}" for {limit:g} %'
    if metric in SHARED_METRICS and not (0 < limit < 1 or limit >= SMALLEST_COUNT):
        rule = f"must be a share, above 0 and below 1, or a count of at least {SMALLEST_COUNT}"
        if limit > 100:
            return rule, f'Write "{sign} {limit:g}e6" for {limit:g} million.'
        mend = percent if limit >= 2 else half
        return rule, f"Below 1 it is a share of the unpruned network's; write {mend}."
    if metric in FRACTIONS and not 0 <= limit <= 1:
        return "must be a fraction from 0 to 1", f"Write {percent if 1 < limit <= 100 else half}."
    return None


def violation(bound: str, metric: str, value: float, unpruned: float | None) -> float:
    """How far ``value`` is outside a bound, relative to it; at most 0 inside.

    Args:
        bound: such as ``<= 0.5``.
        metric: whose bound it is.
        value: what was measured.
        unpruned: the unpruned network's value, for a bound that is a share of it.
    """
    sign, limit = parse_bound(bound)
    if metric in SHARED_METRICS and limit < 1:
        assert unpruned is not None
        value = value / unpruned
    return value - limit if sign == "<=" else limit - value
