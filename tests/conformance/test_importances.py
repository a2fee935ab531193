"""What every importance of `IMPORTANCES` must do, on our networks and on any other."""

import inspect

import pytest
import torch
import torchvision
from torch import Tensor, nn

from trainables.models import Architecture, build
from trainables.pruning import IMPORTANCES, prune
from trainables.pruning.layers import layers_of

torch.set_num_threads(1)
IMAGE = (3, 16, 16)
NETWORKS = ["resnet8", "preresnet8", "preresnet11_bottleneck", "vgg11", "mobilenet"]


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> nn.Module:
    if request.param == "mobilenet":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            made: nn.Module = torchvision.models.MobileNetV2(num_classes=4, width_mult=0.1)
    else:
        made = build(Architecture(model=request.param, classes=4), seed=0)
    for seed, layer in enumerate(layers_of(made, IMAGE)):
        for norm in layer.norms:
            scale = made.get_parameter(f"{norm.module}.weight")
            scale.data.normal_(generator=torch.Generator().manual_seed(seed))
    return made


@pytest.fixture
def batches() -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.randn(3, *IMAGE, generator=generator), torch.tensor([0, 1, 2])) for _ in range(2)]


@pytest.mark.parametrize("method", IMPORTANCES)
@pytest.mark.parametrize("percent", [0, 0.5])
def test_it_scores_every_channel_that_is_left(
    network: nn.Module, method: str, percent: float, batches: list[tuple[Tensor, Tensor]]
) -> None:
    smaller = prune(network, percent, method=method, image=IMAGE, batches=batches)
    layers = layers_of(smaller, IMAGE)
    scores = IMPORTANCES[method](smaller, layers, batches=batches)
    assert [score.shape for score in scores] == [(layer.width,) for layer in layers]
    for score in scores:
        assert not score.requires_grad
        assert score.is_floating_point()
        assert score.isfinite().all()
        assert (score >= 0).all()


@pytest.mark.parametrize("method", IMPORTANCES)
@pytest.mark.parametrize("training", [True, False])
def test_it_leaves_everything_as_it_was(
    network: nn.Module, method: str, training: bool, batches: list[tuple[Tensor, Tensor]]
) -> None:
    network.train(training)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    random = torch.get_rng_state()
    IMPORTANCES[method](network, layers_of(network, IMAGE), batches=batches)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(module.training is training for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("method", IMPORTANCES)
def test_it_repeats_itself(network: nn.Module, method: str, batches: list[tuple[Tensor, Tensor]]) -> None:
    layers = layers_of(network, IMAGE)
    first, second = (IMPORTANCES[method](network, layers, batches=batches, seed=3) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("method", IMPORTANCES)
def test_it_names_its_source(method: str) -> None:
    assert method == "random" or "arXiv" in (inspect.getdoc(IMPORTANCES[method]) or "")
