"""Losses by name. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from trainables.losses.decoupled import dkd_loss
from trainables.losses.distillation import dist_loss, kd_loss
from trainables.losses.standardised import dkd_std_loss, kd_std_loss

if TYPE_CHECKING:
    from torch import Tensor


class LogitLoss(Protocol):
    """A loss between logits, N × classes, as training calls it; labels are int64 (N,). Gives a scalar."""

    def __call__(self, student: Tensor, teacher: Tensor, /, *, labels: Tensor, tau: float) -> Tensor:
        """The loss of a batch."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Distillation:
    """A distillation loss and the weights of its official configuration.

    The loss of a batch is `ce_weight` · cross-entropy + `kd_weight` · `function(student, teacher,
    labels=labels, tau=tau)`.
    """

    function: LogitLoss
    ce_weight: float
    kd_weight: float
    tau: float


def unlabelled(loss: Callable[..., Tensor]) -> LogitLoss:
    """A loss that looks at logits alone, called like one that needs labels too."""

    def function(student: Tensor, teacher: Tensor, /, *, labels: Tensor, tau: float) -> Tensor:
        return loss(student, teacher, tau=tau)

    return function


LOSSES: dict[str, Distillation] = {
    # DIST, dist_cifar.yaml
    "dist": Distillation(function=unlabelled(dist_loss), ce_weight=1.0, kd_weight=2.0, tau=4.0),
    # RepDistiller, README
    "kd": Distillation(function=unlabelled(kd_loss), ce_weight=0.1, kd_weight=0.9, tau=4.0),
    # mdistiller, engine/cfg.py, with its α 1 and β 8
    "dkd": Distillation(function=dkd_loss, ce_weight=1.0, kd_weight=1.0, tau=4.0),
    # logit-standardization-KD, README (--base-temp 2 --kd-weight 9); cross-entropy: engine/cfg.py
    "kd_std": Distillation(function=unlabelled(kd_std_loss), ce_weight=1.0, kd_weight=9.0, tau=2.0),
    # The same; its tools/train.py multiplies mdistiller's α and β by the weight: 9 and 72
    "dkd_std": Distillation(function=dkd_std_loss, ce_weight=1.0, kd_weight=9.0, tau=2.0),
}
