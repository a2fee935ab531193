"""Losses between the logits of a student and those of its teacher, both N × classes, before the softmax.

Each gives a scalar, differentiable in the student's logits only. Halves are computed in float32. τ softens
both sides, and τ² is in the loss, as in the official codes, so that gradients keep their size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.losses.logits import divergence, paired

if TYPE_CHECKING:
    from torch import Tensor


def dist_loss(
    student_logits: Tensor, teacher_logits: Tensor, *, beta: float = 1.0, gamma: float = 1.0, tau: float = 1.0
) -> Tensor:
    """DIST (Huang et al. 2022, arXiv 2205.10536): τ² · (β · inter + γ · intra).

    `inter` is 1 − the mean over images of Pearson's correlation between the two softmaxes of an image,
    `intra` 1 − the mean over classes of that between the probabilities of a class in the batch. Official
    file: dist_kd.py of image_classification_sota (the τ² is there and not in the paper's appendix).
    """
    student, teacher = paired(student_logits, teacher_logits, tau)
    student, teacher = (student / tau).softmax(1), (teacher / tau).softmax(1)
    inter = 1 - _pearson(student, teacher).mean()
    intra = 1 - _pearson(student.T, teacher.T).mean()
    return (beta * inter + gamma * intra) * tau**2


def kd_loss(student_logits: Tensor, teacher_logits: Tensor, *, tau: float) -> Tensor:
    """Hinton et al. 2015, arXiv 1503.02531: τ² · KL(teacher ‖ student), the mean over the batch."""
    student, teacher = paired(student_logits, teacher_logits, tau)
    return divergence((student / tau).log_softmax(1), (teacher / tau).log_softmax(1)) * tau**2


def _pearson(a: Tensor, b: Tensor) -> Tensor:
    """Correlation of each row of `a` with that of `b`; 1e-8 is the official guard against constant rows."""
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    correlation: Tensor = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1) + 1e-8)
    return correlation
