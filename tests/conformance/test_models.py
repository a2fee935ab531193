"""What every network of `MODELS` must do; the deep ones are left to the same code at a smaller depth."""

import copy

import pytest
import torch
from torch import nn

from trainables.checkpoints import load, save
from trainables.counting import complexity
from trainables.models import MODELS, Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import choose, prune
from trainables.pruning.surgery import cut, mask

torch.set_num_threads(1)
SMALL = [name for name, family in MODELS.items() if family.depth <= 14]


@pytest.fixture(params=SMALL)
def network(request: pytest.FixtureRequest) -> PrunableNetwork:
    """Each small network, grey, its BatchNorms as if trained, in evaluation mode."""
    made = build(Architecture(model=request.param, classes=4, channels=1), seed=0)
    generator = torch.Generator().manual_seed(1)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    assert isinstance(made, PrunableNetwork)
    return made.eval()


def grey(size: int = 8) -> torch.Tensor:
    return torch.randn(2, 1, size, size, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", SMALL)
def test_the_seed_alone_decides_the_weights(name: str) -> None:
    architecture = Architecture(model=name, classes=3)
    torch.rand(7)
    first, second = (build(architecture, seed=11).state_dict() for _ in range(2))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())


@pytest.mark.parametrize("name", SMALL)
def test_colour_at_32_pixels_gives_logits_and_gradients(name: str) -> None:
    network = build(Architecture(model=name, classes=7), seed=0)
    logits = network(torch.ones(2, 3, 32, 32))
    assert logits.shape == (2, 7)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("size", [8, 11, 28])
def test_grey_at_any_size_gives_finite_logits(network: PrunableNetwork, size: int) -> None:
    logits = network(grey(size))
    assert logits.shape == (2, 4)
    assert logits.isfinite().all()


def test_the_prunable_layers_are_the_full_cfg(network: PrunableNetwork) -> None:
    widths = tuple(len(network.get_parameter(f"{name}.weight")) for name in network.prunable())
    assert complexity(network, image=(1, 8, 8)).prunable == sum(widths)
    order = [name for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert list(network.prunable()) == [name for name in order if name in network.prunable()]
    build(Architecture(model=network.architecture.model, classes=4, cfg=widths), seed=0)


def test_masked_and_cut_give_the_same_logits(network: PrunableNetwork) -> None:
    masks = choose(network, 0.6).masks
    masked, smaller = mask(network, masks), cut(network, masks)
    torch.testing.assert_close(masked(grey()), smaller(grey()))
    assert not torch.allclose(masked(grey()), network(grey()))


def test_percent_zero_is_the_identity(network: PrunableNetwork) -> None:
    copied = prune(network, 0)
    assert copied is not network
    assert torch.equal(copied(grey()), network(grey()))


def test_a_copy_lives_its_own_life(network: PrunableNetwork) -> None:
    smaller = prune(network, 0.5)
    before = smaller(grey())
    copied = copy.deepcopy(smaller)
    assert torch.equal(copied(grey()), before)
    for parameter in copied.parameters():
        parameter.data.zero_()
    assert torch.equal(smaller(grey()), before)


def test_files_and_state_dicts_bring_it_back(
    network: PrunableNetwork, tmp_path_factory: pytest.TempPathFactory
) -> None:
    smaller = prune(network, 0.5)
    assert isinstance(smaller, PrunableNetwork)
    path = tmp_path_factory.mktemp("file") / "n"
    save(path, smaller)
    assert torch.equal(load(path)(grey()), smaller(grey()))
    fresh = build(smaller.architecture, seed=9).eval()
    fresh.load_state_dict(smaller.state_dict())
    assert torch.equal(fresh(grey()), smaller(grey()))


def test_memory_format_and_dtype_do_not_matter(network: PrunableNetwork) -> None:
    smaller = prune(network, 0.5)
    expected = smaller(grey())
    torch.testing.assert_close(smaller.to(memory_format=torch.channels_last)(grey()), expected)
    torch.testing.assert_close(smaller.double()(grey().double()).float(), expected)
