from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from trainables.errors import InputError
from trainables.losses.sparsity import add_subgradient, l1
from trainables.models import Architecture, build

torch.set_num_threads(1)
GOLDEN = Path(__file__).parents[2] / "golden"


def test_ten_steps_equal_network_slimmings() -> None:
    golden = torch.load(GOLDEN / "ns_sparsity_steps.pt", weights_only=True)
    network = build(Architecture(model="preresnet11_bottleneck", classes=100), seed=0).double()
    network.load_state_dict(golden["initial"])
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=golden["lr"],
        momentum=golden["momentum"],
        weight_decay=golden["weight_decay"],
    )
    for images, labels in zip(golden["images"], golden["labels"], strict=True):
        optimizer.zero_grad()
        functional.cross_entropy(network(images), labels).backward()
        add_subgradient(network, golden["s"])
        optimizer.step()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, golden["final"][name], rtol=1e-11, atol=1e-13, msg=name)


def test_it_adds_s_times_the_sign_to_scales_only_and_nothing_at_zero() -> None:
    norm = nn.BatchNorm2d(3)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([-2.0, 0.0, 0.5]))
    norm.weight.grad, norm.bias.grad = torch.ones(3), torch.ones(3)
    add_subgradient(norm, 0.25)
    assert norm.weight.grad.tolist() == [0.75, 1.0, 1.25]
    assert norm.bias.grad.tolist() == [1, 1, 1]


def test_on_prunable_leaves_out_the_norms_before_a_sum() -> None:
    network = build(Architecture(model="resnet8", classes=10), seed=0)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    add_subgradient(network, 1e-3, on="prunable")
    touched = [name for name, parameter in network.named_parameters() if parameter.grad.any()]
    assert touched == [f"layer{stage}.0.bn1.weight" for stage in (1, 2, 3)]


def test_scales_without_a_gradient_and_norms_without_scales_are_skipped() -> None:
    network = nn.Sequential(nn.BatchNorm2d(2), nn.BatchNorm2d(2, affine=False))
    add_subgradient(network, 1e-3)
    assert network[0].weight.grad is None


def test_the_penalty_is_the_sum_of_absolute_scales() -> None:
    network = build(Architecture(model="preresnet8", classes=10), seed=0)
    assert l1(network).item() == pytest.approx(0.5 * (16 * 3 + 32 * 2 + 64 * 2))
    network.get_parameter("bn.weight").data.neg_()
    assert l1(network, on="prunable").item() == l1(network).item()


@pytest.mark.parametrize("s", [-1e-4, float("nan"), float("inf")])
def test_a_strength_below_zero_or_not_finite_is_refused(s: float) -> None:
    with pytest.raises(InputError, match=f"s: a finite number from 0 on, got {s}"):
        add_subgradient(nn.BatchNorm2d(2), s)


def test_on_is_one_of_two_words() -> None:
    with pytest.raises(InputError, match="on: all or prunable, got some"):
        add_subgradient(nn.BatchNorm2d(2), 1e-4, on="some")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="on: all for BatchNorm2d, got prunable"):
        add_subgradient(nn.BatchNorm2d(2), 1e-4, on="prunable")
