from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.pruning.importance import IMPORTANCES
from trainables.pruning.layers import Layer, layers_of

taylor = IMPORTANCES["taylor"]
Batches = list[tuple[Tensor, Tensor]]


class Gated(nn.Module):
    """A network with a factor for each channel behind some of its BatchNorms."""

    def __init__(self, network: nn.Module, layer: Layer) -> None:
        super().__init__()
        self.network = network
        self.gate = nn.Parameter(torch.ones(layer.width, dtype=torch.float64))
        for norm in layer.norms:
            spread = torch.ones(len(network.get_parameter(f"{norm.module}.weight")), dtype=torch.int64) * -1
            spread[norm.channels.flatten()] = torch.arange(layer.width)
            network.get_submodule(norm.module).register_forward_hook(self._scale(spread))

    def _scale(self, spread: Tensor):  # type: ignore[no-untyped-def]
        def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor:
            factors = torch.where(spread < 0, 1.0, self.gate[spread.clamp(min=0)])
            return output * factors[:, None, None]

        return hook

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        return logits


@pytest.mark.parametrize("model", ["preresnet8", "resnet8"])
def test_the_score_is_the_squared_gradient_of_a_gate_averaged_over_batches(
    model: str, batches: Batches
) -> None:
    whole = build(Architecture(model=model, classes=4), seed=0).double().eval()
    double = [(images.double(), labels) for images, labels in batches]
    scores = taylor(whole, layers_of(whole), batches=double)
    for number, layer in enumerate(layers_of(whole)):
        gated = Gated(build(whole.architecture, seed=0).double().eval(), layer)  # type: ignore[arg-type]
        squares = []
        for images, labels in double:
            (slope,) = torch.autograd.grad(cross_entropy(gated(images), labels), gated.gate)
            squares.append(slope**2)
        torch.testing.assert_close(scores[number], (squares[0] + squares[1]) / 2)


def test_a_channel_that_passes_two_batchnorms_is_gated_at_both(small: nn.Module, batches: Batches) -> None:
    small.double()
    double = [(images.double(), labels) for images, labels in batches]
    layers = layers_of(small, (3, 8, 8))
    assert len(layers[0].norms) == 2
    score = taylor(small, layers, batches=double)[0]
    gated = Gated(small, layers[0])
    slopes = [torch.autograd.grad(cross_entropy(gated(x), y), gated.gate)[0] for x, y in double]
    torch.testing.assert_close(score, (slopes[0] ** 2 + slopes[1] ** 2) / 2)


def test_without_batchnorm_it_is_over_filters_and_biases(batches: Batches) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 4)).double()
    images, labels = batches[0][0].double(), batches[0][1]
    (score,) = taylor(network, layers_of(network, (3, 8, 8)), batches=[(images, labels)])
    weight, bias = network.get_parameter("0.weight"), network.get_parameter("0.bias")
    g_weight, g_bias = torch.autograd.grad(cross_entropy(network(images), labels), (weight, bias))
    by_hand = ((weight * g_weight).sum((1, 2, 3)) + bias * g_bias) ** 2
    torch.testing.assert_close(score, by_hand.detach())


def test_a_channel_without_effect_scores_zero(small: nn.Module, batches: Batches) -> None:
    small.get_parameter("head.0.weight").data[:, -2] = 0
    score = taylor(small, layers_of(small, (3, 8, 8)), batches=batches)[1]
    assert score[-2] == 0
    assert (score[:-2] > 0).any()


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(small: nn.Module, batches: Batches, training: bool) -> None:
    small.train(training)
    small.get_submodule("head").eval()
    small.get_parameter("fc.weight").requires_grad_(False)
    small.get_parameter("fc.bias").grad = torch.full((4,), 7.0)
    state = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    modes = [module.training for module in small.modules()]
    random = torch.get_rng_state()
    with torch.no_grad():
        taylor(small, layers_of(small, (3, 8, 8)), batches=batches)
    assert [module.training for module in small.modules()] == modes
    assert all(torch.equal(tensor, state[name]) for name, tensor in small.state_dict().items())
    grads = {
        name: parameter.grad for name, parameter in small.named_parameters() if parameter.grad is not None
    }
    assert list(grads) == ["fc.bias"]
    assert grads["fc.bias"].tolist() == [7.0] * 4
    assert not small.get_parameter("fc.weight").requires_grad
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("nothing", [(), [], iter(())])
def test_it_needs_data(small: nn.Module, nothing: Iterable[tuple[Tensor, Tensor]]) -> None:
    with pytest.raises(
        InputError, match="batches: at least one pair of images and labels for taylor, got none"
    ):
        taylor(small, layers_of(small, (3, 8, 8)), batches=nothing)
