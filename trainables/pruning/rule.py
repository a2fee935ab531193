"""How to prune, apart from the network: amount, method, scope and what is protected. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, TypedDict

from trainables.errors import InputError
from trainables.pruning.importance import IMPORTANCES

if TYPE_CHECKING:
    from trainables.pruning.layers import Layer


class RuleKeys(TypedDict, total=False):
    """The keywords of `prune` that make a `Rule`, where they are explained."""

    keep_macs: float | None
    keep_params: float | None
    method: str
    scope: str
    protect_share: float
    protect: Sequence[str]
    like: str | None
    seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Which channels go. Exactly one of percent, keep_macs and keep_params is given.

    Attributes:
        percent: Share of the channels that can be cut, 0 to below 1. Protected layers are not among them.
        keep_macs: Instead, the largest network with at most this share (0 to 1) of the unpruned one's MACs.
        keep_params: The same for its parameters.
        method: How channels are scored, a name in `IMPORTANCES`.
        scope: `global` ranks all channels at once, `layer` takes the same share of every layer.
        protect_share: Share of its channels (0 to below 1) that every layer keeps at least, rounded up.
        protect: Layers that are never cut: names of their BatchNorms or convolutions, * for any part of one.
        like: Cut as many channels of every layer as this method would, but those that `method` ranks lowest.
        seed: For method random.
    """

    percent: float | None = None
    keep_macs: float | None = None
    keep_params: float | None = None
    method: str = "slimming"
    scope: str = "global"
    protect_share: float = 0.0
    protect: Sequence[str] = ()
    like: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Any value outside its range is an InputError; `select` checks percent and scope."""
        amounts = {key: getattr(self, key) for key in ("percent", "keep_macs", "keep_params")}
        given = [key for key, value in amounts.items() if value is not None]
        if len(given) != 1:
            raise InputError(
                f"percent: exactly one of {', '.join(amounts)}, got {' and '.join(given) or 'none'}. Give one."
            )
        for key in ("keep_macs", "keep_params"):
            if (share := amounts[key]) is not None and not 0 < share <= 1:
                raise InputError(f"{key}: a share above 0 and up to 1, got {share}. Write 0.6 for 60 %.")
        if not 0 <= self.protect_share < 1:
            raise InputError(
                f"protect_share: a share from 0 to below 1, got {self.protect_share}. Write 0.1 for 10 %."
            )
        for key, name in (("method", self.method), ("like", self.like)):
            if name is not None and name not in IMPORTANCES:
                raise InputError(f"{key}: one of {', '.join(IMPORTANCES)}, got {name}. Write one of these.")
        if self.like == self.method:
            raise InputError(f"like: another method than method, got {self.like} twice. Take like out.")

    @property
    def budget(self) -> tuple[str, float]:
        """`keep_macs` or `keep_params` with its share; only without percent."""
        key = "keep_params" if self.keep_macs is None else "keep_macs"
        share = getattr(self, key)
        assert share is not None
        return key, share

    def floors(self, full: Sequence[int]) -> list[int]:
        """How many channels each layer keeps at least, of these widths of the unpruned network; one or more."""
        return [max(1, math.ceil(width * self.protect_share - 1e-9)) for width in full]

    def untouched(self, layers: Sequence[Layer]) -> frozenset[int]:
        """Numbers of the layers that `protect` names; a pattern that names none is an InputError."""
        for pattern in self.protect:
            if not any(fnmatchcase(name, pattern) for layer in layers for name in layer.names):
                raise InputError(
                    f"protect: names of layers that can be cut, got {pattern}, which none has. "
                    f"They are {', '.join(layer.name for layer in layers)}."
                )
        untouched = frozenset(
            number
            for number, layer in enumerate(layers)
            if any(fnmatchcase(name, pattern) for name in layer.names for pattern in self.protect)
        )
        if len(untouched) == len(layers):
            raise InputError(
                f"protect: some layers, got {', '.join(self.protect)}, which is all. Leave one out."
            )
        return untouched
