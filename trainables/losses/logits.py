"""What losses between logits share: the pair that they compare, and the divergence of two softmaxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainables.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor


def paired(student: Tensor, teacher: Tensor, tau: float) -> tuple[Tensor, Tensor]:
    """Both logits, N × classes, ready for arithmetic: halves in float32, the teacher's without gradient.

    Raises:
        InputError: the shapes differ or are no N × classes, or ``tau`` is not above 0.
    """
    if student.dim() != 2 or student.shape != teacher.shape:
        raise InputError(
            f"logits: student and teacher N × classes alike, got {tuple(student.shape)} and "
            f"{tuple(teacher.shape)}. Take a teacher with the student's classes."
        )
    if not tau > 0:
        raise InputError(f"tau: a number above 0, got {tau}. Write 4 for DIST's own setting.")
    if student.dtype.itemsize < 4:
        student = student.float()
    return student, teacher.detach().to(student.dtype)


def divergence(student: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher ‖ student) of log-probabilities, N × classes, the mean over the batch."""
    return (teacher.exp() * (teacher - student)).sum(1).mean()
