"""What a setting may be: types of values with their rules. Needs no torch."""

from collections.abc import Callable, Iterable
from typing import Annotated

from pydantic import AfterValidator, Field

from trainables.data import SOURCES
from trainables.data.corruptions import CORRUPTIONS
from trainables.losses import LOSSES
from trainables.models import MODELS
from trainables.models import NAMES as MODEL_NAMES
from trainables.normalisation import NAMES
from trainables.pruning.importance import IMPORTANCES


def fault(rule: str, mend: str | None = None) -> ValueError:
    """A broken rule, as validators raise it; the user reads ``key: rule, got VALUE. Mend.``."""
    return ValueError(f"{rule}. {mend}" if mend else rule)


def _one_of(what: str, names: Callable[[], Iterable[str]], short: str | None = None) -> AfterValidator:
    def check(name: str) -> str:
        known = list(names())
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            mend = f"Did you mean {near[0]}?" if near else f"Known are {short or ', '.join(known)}."
            raise fault(f"must be a known {what}", mend)
        return name

    return AfterValidator(check)


ModelName = Annotated[str, _one_of("network", lambda: MODELS, MODEL_NAMES)]
SourceName = Annotated[str, _one_of("data source", lambda: SOURCES)]
KdName = Annotated[str, _one_of("distillation loss", lambda: ["none", *LOSSES])]
MethodName = Annotated[str, _one_of("pruning method", lambda: IMPORTANCES)]
CorruptionName = Annotated[str, _one_of("corruption", lambda: CORRUPTIONS)]


def _two_rows(rows: list[list[float]]) -> list[list[float]]:
    if len(rows) != 2 or not rows[0] or len(rows[0]) != len(rows[1]) or min(rows[1]) <= 0:
        raise fault("must be means and deviations, one number a channel", "Write [[0.5], [0.25]], or a name.")
    return rows


Normalization = (
    Annotated[str, _one_of("normalisation", lambda: NAMES)]
    | Annotated[list[list[float]], AfterValidator(_two_rows)]
)
"""A name of trainables.normalisation, or [[mean, ...], [std, ...]]."""


def _fraction(value: float) -> float:
    if not 0 <= value < 1:
        mend = f"Write {value / 100:g} for {value:g} %." if 1 <= value < 100 else None
        raise fault("must be a fraction from 0 to below 1", mend)
    return value


Percent = Annotated[
    float, AfterValidator(_fraction), Field(json_schema_extra={"minimum": 0, "exclusiveMaximum": 1})
]
SplitFraction = Annotated[
    float, Field(gt=0, json_schema_extra={"exclusiveMaximum": 1}), AfterValidator(_fraction)
]
Share = Annotated[float, Field(ge=0, lt=1)]
Part = Annotated[float, Field(gt=0, le=1)]


def _above_zero(value: float) -> float:
    if value <= 0:
        raise fault("must be above 0", "Without distillation write kd: none.")
    return value


KdWeight = Annotated[float, AfterValidator(_above_zero), Field(json_schema_extra={"exclusiveMinimum": 0})]
"""0 would be no distillation, of which there is one already."""
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
CountFromZero = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
