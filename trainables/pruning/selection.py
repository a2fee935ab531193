"""Which channels stay: network-slimming's global threshold or one share a layer, without empty layers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trainables.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Selection:
    """The channels that stay, and why.

    Attributes:
        masks: For each prunable layer one bool a channel that is left, on the CPU; True stays.
        percent: The share that was asked for, or that a budget led to; the same percent gives the same masks.
        threshold: Only a higher score stays; −inf where nothing goes, None where each layer has its own.
        rescued: Numbers of the layers that keep their best channels though the rule would cut deeper.
        cut: Number of channels that are gone, of all that the unpruned network has.
        total: Number of channels that the unpruned network has.
    """

    masks: tuple[Tensor, ...]
    percent: float
    threshold: float | None
    rescued: tuple[int, ...]
    cut: int
    total: int

    @property
    def share(self) -> float:
        """The share of channels that is really cut, 0 to below 1; ties and rescued layers move it."""
        return self.cut / self.total


def select(
    scores: Sequence[Tensor],
    percent: float,
    *,
    scope: str = "global",
    floors: Sequence[int] | None = None,
    untouched: Collection[int] = (),
    full: Sequence[int] | None = None,
) -> Selection:
    """Cuts the share `percent` (0 to below 1) of the channels, those with the lowest scores.

    Scope `global` is the rule of network-slimming's resprune.py: the threshold is the score at index
    ⌊n · percent⌋ of all n in ascending order, and what is strictly greater stays. So ⌊n · percent⌋ + 1
    channels go, more if scores tie. We differ in two places: percent 0 cuts nothing, and a layer that would
    be empty (there a network that can't run) keeps its highest score, the first of equals. Scope `layer`
    takes ⌊width · percent⌋ channels of every layer (Li et al. 2017, arXiv 1608.08710), of equals the last.

    Args:
        scores: One vector a layer, of the channels that are left.
        percent: Share of the channels that is gone afterwards, of those of the unpruned network.
        scope: `global` or `layer`.
        floors: How many channels each layer keeps at least; one if not given.
        untouched: Numbers of layers that keep everything; they take no part in the ranking, nor in n.
        full: Widths of the unpruned network, where it has lost channels before: what is gone counts.
    """
    if not 0 <= percent < 1:
        raise InputError(f"percent: a fraction from 0 to below 1, got {percent}. Write 0.2 for 20 %.")
    if scope not in ("global", "layer"):
        raise InputError(f"scope: global or layer, got {scope}. Write one of these.")
    scores = [score.detach().cpu() for score in scores]
    if not all(score.isfinite().all() for score in scores):
        raise InputError(
            "scores: finite numbers, got NaN or inf. Prune a network whose training did not diverge."
        )
    full = [len(score) for score in scores] if full is None else full
    floors = [1] * len(scores) if floors is None else floors
    ranked = [layer for layer in range(len(scores)) if layer not in untouched]

    threshold: float | None = None
    if scope == "global":
        threshold = _threshold([scores[layer] for layer in ranked], percent, sum(full[n] for n in ranked))
        wanted = [score > threshold for score in scores]
    else:
        wanted = [
            best(score, min(len(score), width - int(width * percent + 1e-9)))
            for score, width in zip(scores, full, strict=True)
        ]
    masks, rescued = [], []
    for layer, (score, mask, floor) in enumerate(zip(scores, wanted, floors, strict=True)):
        if layer in untouched:
            mask = torch.ones_like(mask)
        elif mask.sum() < min(floor, len(score)):
            mask = best(score, min(floor, len(score)))
            rescued.append(layer)
        masks.append(mask)
    total = sum(full)
    return Selection(
        masks=tuple(masks),
        percent=percent,
        threshold=threshold,
        rescued=tuple(rescued),
        cut=total - sum(int(mask.sum()) for mask in masks),
        total=total,
    )


def with_widths_of(selection: Selection, scores: Sequence[Tensor]) -> Selection:
    """As many channels of every layer as `selection` keeps, but those with the highest of these scores."""
    masks = tuple(
        best(score.detach().cpu(), int(mask.sum()))
        for score, mask in zip(scores, selection.masks, strict=True)
    )
    return replace(selection, masks=masks, threshold=None)


def best(scores: Tensor, count: int) -> Tensor:
    """A mask of the `count` highest scores, of equals the first."""
    mask = torch.zeros(len(scores), dtype=torch.bool)
    mask[scores.argsort(descending=True, stable=True)[:count]] = True
    return mask


def _threshold(scores: Sequence[Tensor], percent: float, total: int) -> float:
    """The score at index ⌊total · percent⌋ of all, where those that are gone already count as the lowest."""
    if not scores or percent == 0:
        return -math.inf
    together = torch.cat(list(scores))
    index = int(total * percent) - (total - len(together))
    return together.sort().values[index].item() if index >= 0 else -math.inf
