import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainables.errors import InputError
from trainables.losses.decoupled import dkd_loss
from trainables.losses.distillation import kd_loss

torch.set_num_threads(1)

seeds = st.integers(0, 2**31)
taus = st.floats(0.5, 8)


def drawn(seed: int, images: int, classes: int, scale: float = 3) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    student, teacher = scale * torch.randn(2, images, classes, generator=generator, dtype=torch.double)
    return student, teacher, torch.randint(classes, (images,), generator=generator)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def by_the_paper(student: torch.Tensor, teacher: torch.Tensor, labels: torch.Tensor, tau: float) -> float:
    """TCKD + 8 NCKD, an image at a time, from probabilities."""
    total = 0.0
    for s, t, label in zip(student.numpy(), teacher.numpy(), labels.tolist(), strict=True):
        p, q = softmax(t / tau), softmax(s / tau)
        others = [k for k in range(len(s)) if k != label]
        p_any, q_any = p[others].sum(), q[others].sum()  # 1 - p[label] would round to 0
        tckd = p[label] * math.log(p[label] / q[label]) + p_any * math.log(p_any / q_any)
        p_hat, q_hat = p[others] / p_any, q[others] / q_any
        total += tckd + 8 * float(np.sum(p_hat * np.log(p_hat / q_hat)))
    return tau**2 * total / len(labels)


@settings(deadline=None, max_examples=50)
@given(seed=seeds, images=st.integers(1, 6), classes=st.integers(2, 12), tau=taus)
def test_it_is_the_papers_sum_of_two_divergences(seed: int, images: int, classes: int, tau: float) -> None:
    student, teacher, labels = drawn(seed, images, classes)
    loss = dkd_loss(student, teacher, labels=labels, tau=tau)
    assert loss.item() == pytest.approx(by_the_paper(student, teacher, labels, tau), rel=1e-8, abs=1e-10)


@settings(deadline=None, max_examples=50)
@given(seed=seeds, classes=st.integers(2, 12), tau=taus)
def test_with_beta_one_less_the_teachers_certainty_it_is_hintons_loss(
    seed: int, classes: int, tau: float
) -> None:
    student, teacher, labels = drawn(seed, 1, classes)
    beta = 1 - (teacher / tau).softmax(1)[0, labels].item()
    loss = dkd_loss(student, teacher, labels=labels, tau=tau, alpha=1, beta=beta)
    torch.testing.assert_close(loss, kd_loss(student, teacher, tau=tau))


@settings(deadline=None, max_examples=50)
@given(seed=seeds, tau=taus, shift=st.floats(-50, 50))
def test_it_is_never_below_zero_and_blind_to_shifts(seed: int, tau: float, shift: float) -> None:
    student, teacher, labels = drawn(seed, 4, 7)
    loss = dkd_loss(student, teacher, labels=labels, tau=tau)
    assert loss.item() >= 0
    torch.testing.assert_close(dkd_loss(student + shift, teacher, labels=labels, tau=tau), loss)
    assert dkd_loss(teacher + shift, teacher, labels=labels, tau=tau).item() == pytest.approx(0, abs=1e-9)


def test_alpha_and_beta_weigh_the_two_parts() -> None:
    student, teacher, labels = drawn(0, 5, 6)
    tckd = dkd_loss(student, teacher, labels=labels, tau=2, beta=0)
    nckd = dkd_loss(student, teacher, labels=labels, tau=2, alpha=0, beta=1)
    whole = dkd_loss(student, teacher, labels=labels, tau=2, alpha=3, beta=0.5)
    torch.testing.assert_close(whole, 3 * tckd + 0.5 * nckd)


def test_the_labelled_logit_does_not_move_what_is_said_of_the_others() -> None:
    student, teacher, labels = drawn(0, 3, 5)
    moved = student + 7 * torch.nn.functional.one_hot(labels, 5)
    before, after = (dkd_loss(s, teacher, labels=labels, tau=4, alpha=0) for s in (student, moved))
    torch.testing.assert_close(before, after)


def test_of_two_classes_no_others_are_left_to_compare() -> None:
    student, teacher, labels = drawn(0, 3, 2)
    assert dkd_loss(student, teacher, labels=labels, tau=4, alpha=0).item() == 0


def test_a_student_that_is_sure_and_wrong_has_a_finite_loss() -> None:
    student = torch.tensor([[0.0, 0.0, 400.0]], requires_grad=True)
    loss = dkd_loss(student, torch.tensor([[9.0, 1.0, 0.0]]), labels=torch.tensor([0]), tau=1)
    loss.backward()
    assert 400 < loss.item() < 4000
    assert student.grad is not None
    assert student.grad.abs().max() > 0.5


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.zeros(3, dtype=torch.int64), r"of 2 images, got torch\.int64 \(3,\)"),
        (torch.zeros(2, 5, dtype=torch.int64), r"of 2 images, got torch\.int64 \(2, 5\)"),
        (torch.zeros(2), r"of 2 images, got torch\.float32 \(2,\)"),
    ],
)
def test_labels_must_be_one_whole_number_an_image(labels: torch.Tensor, message: str) -> None:
    with pytest.raises(InputError, match=f"labels: int64, one for each {message}"):
        dkd_loss(torch.ones(2, 5), torch.ones(2, 5), labels=labels, tau=4)
