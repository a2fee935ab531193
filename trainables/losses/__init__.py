"""Losses by name. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainables.losses.distillation import dist_loss, kd_loss

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Distillation:
    """A distillation loss and the weights of its official configuration.

    The loss of a batch is `ce_weight` · cross-entropy + `kd_weight` · `function(student, teacher, tau=tau)`.
    """

    function: Callable[..., Tensor]
    ce_weight: float
    kd_weight: float
    tau: float


LOSSES: dict[str, Distillation] = {
    "dist": Distillation(function=dist_loss, ce_weight=1.0, kd_weight=2.0, tau=4.0),  # DIST, dist_cifar.yaml
    "kd": Distillation(function=kd_loss, ce_weight=0.1, kd_weight=0.9, tau=4.0),  # RepDistiller, README
}
