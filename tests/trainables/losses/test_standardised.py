import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainables.losses.decoupled import dkd_loss
from trainables.losses.standardised import dkd_std_loss, kd_std_loss, standardised

torch.set_num_threads(1)

seeds = st.integers(0, 2**31)
factors = st.floats(0.1, 10)
shifts = st.floats(-50, 50)
LABELS = torch.tensor([0, 3, 1])


def drawn(seed: int, images: int = 3, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    student, teacher = torch.randn(2, images, classes, generator=generator, dtype=torch.double)
    return student, teacher


def softmax_of_scores(logits: NDArray[np.float64], tau: float) -> NDArray[np.float64]:
    scores = (logits - logits.mean(1, keepdims=True)) / logits.std(1, ddof=1, keepdims=True)
    powers = np.exp(scores / tau)
    return powers / powers.sum(1, keepdims=True)


@settings(deadline=None, max_examples=50)
@given(seed=seeds, images=st.integers(1, 6), classes=st.integers(3, 12), tau=st.floats(0.5, 8))
def test_it_is_the_divergence_of_the_softmaxes_of_z_scores(
    seed: int, images: int, classes: int, tau: float
) -> None:
    student, teacher = drawn(seed, images, classes)
    q, p = softmax_of_scores(student.numpy(), tau), softmax_of_scores(teacher.numpy(), tau)
    expected = tau**2 * float((p * np.log(p / q)).sum() / images)
    assert kd_std_loss(student, teacher, tau=tau).item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@settings(deadline=None, max_examples=50)
@given(seed=seeds, factor=factors, shift=shifts)
def test_shift_and_scale_of_an_images_logits_do_not_matter(seed: int, factor: float, shift: float) -> None:
    student, teacher = drawn(seed)
    each = torch.tensor([[1.0], [factor], [0.5]], dtype=torch.double)
    loss = kd_std_loss(student, teacher, tau=2)
    close = {"rtol": 1e-4, "atol": 1e-6}
    torch.testing.assert_close(kd_std_loss(student * each + shift, teacher, tau=2), loss, **close)
    torch.testing.assert_close(kd_std_loss(student, teacher * each - shift, tau=2), loss, **close)
    assert kd_std_loss(teacher * each + shift, teacher, tau=2).item() == pytest.approx(0, abs=1e-6)
    decoupled = dkd_std_loss(student, teacher, labels=LABELS, tau=2)
    moved = dkd_std_loss(student * each + shift, teacher, labels=LABELS, tau=2)
    torch.testing.assert_close(moved, decoupled, **close)


def test_the_decoupled_one_is_dkd_of_z_scores() -> None:
    student, teacher = drawn(0)
    loss = dkd_std_loss(student, teacher, labels=LABELS, tau=2, alpha=2, beta=3)
    scores = standardised(student), standardised(teacher)
    torch.testing.assert_close(loss, dkd_loss(*scores, labels=LABELS, tau=2, alpha=2, beta=3))


def test_z_scores_have_mean_zero_and_a_samples_deviation_of_one() -> None:
    scores = standardised(drawn(0, 4, 6)[0] * 30 + 7)
    torch.testing.assert_close(scores.mean(1), torch.zeros(4, dtype=torch.double))
    torch.testing.assert_close(scores.std(1), torch.ones(4, dtype=torch.double), rtol=1e-6, atol=0)


def test_constant_logits_have_the_score_zero() -> None:
    assert standardised(torch.full((2, 3), 5.0)).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_standardised_in_single_precision(dtype: torch.dtype) -> None:
    student, teacher = (logits.to(dtype) for logits in drawn(0))
    loss = kd_std_loss(student * 100, teacher * 0.01, tau=2)
    assert loss.dtype == torch.float32
    exact = kd_std_loss((student * 100).double(), (teacher * 0.01).double(), tau=2)
    torch.testing.assert_close(loss.double(), exact, rtol=1e-4, atol=1e-5)


def test_the_teachers_range_is_not_asked_of_the_student() -> None:
    student, teacher = drawn(0)
    student.requires_grad_()
    (gradient,) = torch.autograd.grad(kd_std_loss(student, teacher, tau=2), student)
    torch.testing.assert_close(
        (gradient * student).sum(1), torch.zeros(3, dtype=torch.double), rtol=0, atol=1e-6
    )
    torch.testing.assert_close(gradient.sum(1), torch.zeros(3, dtype=torch.double))
