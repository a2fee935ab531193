from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.errors import InputError
from trainables.losses.distillation import dist_loss, kd_loss

torch.set_num_threads(1)
CASES: list[dict[str, Any]] = torch.load(
    Path(__file__).parents[2] / "golden" / "distillation_losses.pt", weights_only=True
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"tau{case['tau']:g}")
def test_dist_equals_the_official_code_in_value_and_gradient(case: dict[str, Any]) -> None:
    student = case["student"].clone().requires_grad_()
    loss = dist_loss(student, case["teacher"], beta=case["beta"], gamma=case["gamma"], tau=case["tau"])
    loss.backward()
    torch.testing.assert_close(loss.detach(), case["dist"], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(student.grad, case["dist_grad"], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"tau{case['tau']:g}")
def test_kd_equals_the_official_code_in_value_and_gradient(case: dict[str, Any]) -> None:
    student = case["student"].clone().requires_grad_()
    loss = kd_loss(student, case["teacher"], tau=case["tau"])
    loss.backward()
    torch.testing.assert_close(loss.detach(), case["kd"], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(student.grad, case["kd_grad"], rtol=1e-12, atol=1e-14)


def test_beta_and_gamma_weigh_the_two_parts() -> None:
    student, teacher = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    inter = dist_loss(student, teacher, beta=1, gamma=0)
    intra = dist_loss(student, teacher, beta=0, gamma=1)
    whole = dist_loss(student, teacher, beta=3, gamma=0.5, tau=1)
    torch.testing.assert_close(whole, 3 * inter + 0.5 * intra)


def test_a_batch_of_one_has_no_correlation_within_a_class() -> None:
    student = torch.tensor([[1.0, 2.0, 0.0]], requires_grad=True)
    loss = dist_loss(student, torch.tensor([[0.0, 1.0, 3.0]]), beta=0, gamma=1)
    loss.backward()
    assert loss.item() == 1
    assert student.grad is not None
    assert student.grad.isfinite().all()


def test_equal_logits_of_a_uniform_student_give_a_finite_gradient() -> None:
    student = torch.zeros(4, 3, requires_grad=True)
    dist_loss(student, torch.randn(4, 3, generator=torch.Generator().manual_seed(0))).backward()
    assert student.grad is not None
    assert student.grad.isfinite().all()


@pytest.mark.parametrize("function", [dist_loss, kd_loss])
def test_logits_of_other_classes_are_refused(function: Any) -> None:
    with pytest.raises(InputError, match=r"logits: student and teacher .* got \(4, 10\) and \(4, 100\)"):
        function(torch.ones(4, 10), torch.ones(4, 100), tau=1.0)


@pytest.mark.parametrize("tau", [0.0, -1.0, float("nan")])
def test_tau_must_be_above_zero(tau: float) -> None:
    with pytest.raises(InputError, match=f"tau: a number above 0, got {tau}"):
        kd_loss(torch.ones(2, 3), torch.ones(2, 3), tau=tau)
