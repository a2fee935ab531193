"""Decoupled knowledge distillation: what the teacher says of the right class, and of the others, apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.errors import InputError
from trainables.losses.logits import divergence, paired

if TYPE_CHECKING:
    from torch import Tensor


def dkd_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    *,
    labels: Tensor,
    tau: float,
    alpha: float = 1.0,
    beta: float = 8.0,
) -> Tensor:
    """DKD (Zhao et al. 2022, arXiv 2203.08679): τ² · (α · TCKD + β · NCKD), the batch's mean.

    TCKD is KL(teacher ‖ student) of the two probabilities "the labelled class" and "any other", NCKD that
    of the softmax over the other classes alone. With p the teacher's probability of the labelled class,
    α 1 and β 1 − p an image would be Hinton's loss; β 8 lets the other classes count where the teacher is
    sure. Official file: DKD.py of mdistiller. Two differences: here all is computed from log-probabilities,
    so that a sure student can't make it infinite, and its weight is constant, where mdistiller raises it
    from 0 over the first 20 of 240 epochs, which start from random weights.

    Args:
        student_logits: N × classes.
        teacher_logits: N × classes.
        labels: int64 (N,), each 0 to classes − 1.
        tau: temperature, above 0.
        alpha: weight of TCKD.
        beta: weight of NCKD.

    Raises:
        InputError: shapes, the type of the labels or ``tau`` do not fit.
    """
    import torch

    student, teacher = paired(student_logits, teacher_logits, tau)
    images, classes = student.shape
    if labels.shape != (images,) or labels.dtype != torch.int64:
        raise InputError(
            f"labels: int64, one for each of {images} images, got {labels.dtype} {tuple(labels.shape)}. "
            "Give the index of every image's class."
        )
    labelled = labels[:, None]
    others = (labelled + torch.arange(1, classes, device=labels.device)) % classes

    def split(logits: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of (labelled class, any other), N × 2, and among the others, N × classes − 1."""
        log = (logits / tau).log_softmax(1)
        rest = log.gather(1, others)
        binary = torch.cat([log.gather(1, labelled), rest.logsumexp(1, keepdim=True)], 1)
        return binary, rest.log_softmax(1)

    (student_binary, student_rest), (teacher_binary, teacher_rest) = split(student), split(teacher)
    tckd, nckd = divergence(student_binary, teacher_binary), divergence(student_rest, teacher_rest)
    return (alpha * tckd + beta * nckd) * tau**2
