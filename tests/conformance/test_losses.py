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


def test_it_is_a_scalar_above_zero(loss: Distillation) -> None:
    value = loss.function(*pair(), tau=loss.tau)
    assert value.shape == ()
    assert value.item() > 0


def test_a_step_against_the_gradient_lowers_it(loss: Distillation) -> None:
    student, teacher = pair()
    student.requires_grad_()
    value = loss.function(student, teacher, tau=loss.tau)
    (gradient,) = torch.autograd.grad(value, student)
    assert loss.function(student - 1e-3 * gradient, teacher, tau=loss.tau) < value


def test_the_gradient_is_the_derivative(loss: Distillation) -> None:
    student, teacher = pair(3, 4)
    assert torch.autograd.gradcheck(
        lambda logits: loss.function(logits, teacher, tau=2.0), student.requires_grad_()
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_every_float_type_gives_about_the_same(loss: Distillation, dtype: torch.dtype) -> None:
    student, teacher = (logits.to(dtype) for logits in pair())
    exact = loss.function(student.double(), teacher.double(), tau=loss.tau)
    torch.testing.assert_close(
        loss.function(student, teacher, tau=loss.tau).double(), exact, rtol=1e-4, atol=1e-5
    )


def test_the_order_of_images_does_not_matter(loss: Distillation) -> None:
    student, teacher = pair()
    turned = loss.function(student.flip(0), teacher.flip(0), tau=loss.tau)
    torch.testing.assert_close(turned, loss.function(student, teacher, tau=loss.tau))


def test_bad_input_is_refused(loss: Distillation) -> None:
    student, teacher = pair()
    with pytest.raises(InputError, match=r"logits: .* got \(6, 5\) and \(6, 4\)"):
        loss.function(student, teacher[:, :4], tau=loss.tau)
    with pytest.raises(InputError, match="tau: a number above 0, got 0"):
        loss.function(student, teacher, tau=0)
