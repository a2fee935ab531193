"""Which channels stay: network-slimming's global threshold, without its empty layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Selection:
    """The channels that stay, and why.

    Attributes:
        masks: For each prunable layer one bool a channel, on the CPU; True stays.
        threshold: Only a higher score stays; −inf at percent 0.
        rescued: Numbers of the layers that keep their best channel though all are at or below the threshold.
        cut: Number of channels that go.
        total: Number of channels that there are.
    """

    masks: tuple[Tensor, ...]
    threshold: float
    rescued: tuple[int, ...]
    cut: int
    total: int

    @property
    def share(self) -> float:
        """The share of channels that is really cut, 0 to below 1; ties and rescued layers move it."""
        return self.cut / self.total


def select(scores: Sequence[Tensor], percent: float) -> Selection:
    """Cuts the share `percent` (0 to below 1) of all channels, those with the lowest scores, over all layers.

    The rule is that of network-slimming's resprune.py: the threshold is the score at index ⌊n · percent⌋ of
    all n in ascending order, and what is strictly greater stays. So ⌊n · percent⌋ + 1 channels go, more if
    scores tie. We differ in two places: percent 0 cuts nothing, and a layer that would be empty (there a
    network that can't run) keeps its highest score, the first of equals.
    """
    if not 0 <= percent < 1:
        raise InputError(f"percent: a fraction from 0 to below 1, got {percent}. Write 0.2 for 20 %.")
    scores = [score.detach().cpu() for score in scores]
    together = torch.cat(scores)
    if not together.isfinite().all():
        raise InputError(
            "scores: finite numbers, got NaN or inf. Prune a network whose training did not diverge."
        )
    total = len(together)
    threshold = -math.inf if percent == 0 else together.sort().values[int(total * percent)].item()

    masks = tuple(score > threshold for score in scores)
    rescued = tuple(layer for layer, mask in enumerate(masks) if not mask.any())
    for layer in rescued:
        masks[layer][scores[layer].argmax()] = True
    left = sum(int(mask.sum()) for mask in masks)
    return Selection(masks=masks, threshold=threshold, rescued=rescued, cut=total - left, total=total)
