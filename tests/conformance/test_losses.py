"""What every distillation loss of `LOSSES` must do."""

import pytest
import torch

from trainables.errors import InputError
from trainables.losses import LOSSES, Distillation

torch.set_num_threads(1)


@pytest.fixture(params=LOSSES)
def loss(request: pytest.FixtureRequest) -> Distillation:
    return LOSSES[request.param]


def pair(images: int = 6, classes: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    student, teacher = torch.randn(
        2, images, classes, generator=torch.Generator().manual_seed(0), dtype=torch.double
    )
    return student, teacher


LABELS = torch.tensor([0, 4, 2, 2, 1, 3])


def test_it_is_a_scalar_above_zero(loss: Distillation) -> None:
    value = loss.function(*pair(), labels=LABELS, tau=loss.tau)
    assert value.shape == ()
    assert value.item() > 0


@pytest.mark.parametrize("tau", [1.0, 4.0])
def test_a_student_with_the_teachers_logits_has_no_loss(loss: Distillation, tau: float) -> None:
    logits, _ = pair()
    assert loss.function(logits, logits, labels=LABELS, tau=tau).item() == pytest.approx(0, abs=1e-4)


def test_a_step_against_the_gradient_lowers_it(loss: Distillation) -> None:
    student, teacher = pair()
    student.requires_grad_()
    value = loss.function(student, teacher, labels=LABELS, tau=loss.tau)
    (gradient,) = torch.autograd.grad(value, student)
    lower = loss.function(student - 1e-3 * gradient, teacher, labels=LABELS, tau=loss.tau)
    assert lower < value


def test_the_gradient_is_the_derivative(loss: Distillation) -> None:
    student, teacher = pair(3, 4)
    labels = torch.tensor([3, 0, 1])
    assert torch.autograd.gradcheck(
        lambda logits: loss.function(logits, teacher, labels=labels, tau=2.0), student.requires_grad_()
    )


def test_the_gradient_does_not_reach_the_teacher(loss: Distillation) -> None:
    student, teacher = (logits.requires_grad_() for logits in pair())
    loss.function(student, teacher, labels=LABELS, tau=loss.tau).backward()
    assert student.grad is not None
    assert teacher.grad is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_every_float_type_gives_about_the_same(loss: Distillation, dtype: torch.dtype) -> None:
    student, teacher = (logits.to(dtype) for logits in pair())
    exact = loss.function(student.double(), teacher.double(), labels=LABELS, tau=loss.tau)
    rounded = loss.function(student, teacher, labels=LABELS, tau=loss.tau)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded.double(), exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.double])
def test_constant_and_very_sure_logits_give_finite_gradients(loss: Distillation, dtype: torch.dtype) -> None:
    _, teacher = pair()
    sure = 1e4 * torch.nn.functional.one_hot((LABELS + 1) % 5, 5)
    for logits in (torch.zeros(6, 5), torch.full((6, 5), 3.0), sure):
        student = logits.to(dtype).requires_grad_()
        value = loss.function(student, teacher.to(dtype), labels=LABELS, tau=loss.tau)
        (gradient,) = torch.autograd.grad(value, student)
        assert value.isfinite()
        assert gradient.dtype == dtype
        assert not gradient.isnan().any()
        if dtype != torch.float16:  # ends at 65,504; standardised constant logits have slopes of 1e7
            assert gradient.isfinite().all()


def test_the_order_of_images_does_not_matter(loss: Distillation) -> None:
    student, teacher = pair()
    turned = loss.function(student.flip(0), teacher.flip(0), labels=LABELS.flip(0), tau=loss.tau)
    torch.testing.assert_close(turned, loss.function(student, teacher, labels=LABELS, tau=loss.tau))


def test_the_order_of_classes_does_not_matter(loss: Distillation) -> None:
    student, teacher = pair()
    turned = loss.function(student.flip(1), teacher.flip(1), labels=4 - LABELS, tau=loss.tau)
    torch.testing.assert_close(turned, loss.function(student, teacher, labels=LABELS, tau=loss.tau))


def test_bad_input_is_refused(loss: Distillation) -> None:
    student, teacher = pair()
    with pytest.raises(InputError, match=r"logits: .* got \(6, 5\) and \(6, 4\)"):
        loss.function(student, teacher[:, :4], labels=LABELS, tau=loss.tau)
    with pytest.raises(InputError, match="tau: a number above 0, got 0"):
        loss.function(student, teacher, labels=LABELS, tau=0)
