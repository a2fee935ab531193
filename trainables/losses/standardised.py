"""Distillation of standardised logits: the student learns their order and spacing, not their range.

Sun et al. 2024, arXiv 2403.01427. Official files: KD.py and DKD.py of logit-standardization-KD. Shifting an
image's logits, or scaling them by a positive number, changes nothing, on either side. In return the gradient
in the logits grows as 1 / their deviation: of an image whose logits are all but equal it is large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.losses.decoupled import dkd_loss
from trainables.losses.distillation import kd_loss
from trainables.losses.logits import paired

if TYPE_CHECKING:
    from torch import Tensor


def standardised(logits: Tensor) -> Tensor:
    """Each row, N × classes, less its mean, divided by its deviation.

    As in the official code the deviation is a sample's (divided by classes − 1), and 1e-7 guards against
    constant rows. A population's would be 0.5 % smaller with 100 classes, 5 % with 10.
    """
    return (logits - logits.mean(1, keepdim=True)) / (logits.std(1, keepdim=True) + 1e-7)


def kd_std_loss(student_logits: Tensor, teacher_logits: Tensor, *, tau: float) -> Tensor:
    """Hinton's loss (``kd_loss``) of standardised logits; ``tau`` is the paper's base temperature."""
    student, teacher = paired(student_logits, teacher_logits, tau)
    return kd_loss(standardised(student), standardised(teacher), tau=tau)


def dkd_std_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    labels: Tensor,
    tau: float,
    alpha: float = 1.0,
    beta: float = 8.0,
) -> Tensor:
    """The decoupled loss (``dkd_loss``) of standardised logits; ``tau`` is the paper's base temperature."""
    student, teacher = paired(student_logits, teacher_logits, tau)
    return dkd_loss(
        standardised(student), standardised(teacher), labels=labels, tau=tau, alpha=alpha, beta=beta
    )
