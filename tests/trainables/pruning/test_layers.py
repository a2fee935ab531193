from collections.abc import Callable

import pytest
import torch
from torch import nn

from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import prune
from trainables.pruning.layers import layers_of


@pytest.mark.parametrize("model", ["resnet8", "preresnet8", "preresnet11_bottleneck", "vgg11"])
def test_our_networks_name_their_layers_themselves(model: str) -> None:
    network = build(Architecture(model=model, classes=4), seed=0)
    assert isinstance(network, PrunableNetwork)
    layers = layers_of(network)
    assert tuple(layer.name for layer in layers) == network.prunable()
    for layer, group in zip(layers, network.groups(), strict=True):
        assert layer.selected is (group.selection is not None)
        assert bool(layer.writers) is (group.writer is not None)
        assert layer.width == len(network.kept(group))


def test_behind_a_selection_the_norm_is_wider_than_the_layer(
    looks_trained: Callable[[nn.Module], nn.Module],
) -> None:
    network = looks_trained(build(Architecture(model="preresnet8", classes=4), seed=0))
    network.get_parameter("layer2.0.bn1.weight").data[1::2] = 0.01
    smaller = prune(network, 7 / 240)
    layer = next(layer for layer in layers_of(smaller) if layer.name == "layer2.0.bn1")
    assert layer.norms[0].channels.flatten().tolist() == list(range(0, 16, 2))
    assert layer.readers[0].channels.flatten().tolist() == list(range(8))
    assert len(smaller.get_parameter("layer2.0.bn1.weight")) == 16


def test_a_layer_is_known_by_all_that_makes_it(small: nn.Module) -> None:
    layers = layers_of(small, (3, 8, 8))
    assert [(layer.name, layer.width) for layer in layers] == [
        ("block.1", 12),
        ("plain_norm", 6),
        ("head.1", 5),
    ]
    assert set(layers[0].names) == {"block.0", "block.1", "block.3", "block.4", "block.5"}


def test_a_foreign_network_needs_the_size_of_its_images() -> None:
    with pytest.raises(
        InputError, match=r"image: channels, height and width for Linear.* got None. Write image="
    ):
        layers_of(nn.Linear(2, 2))


def test_layers_lie_on_the_cpu_and_count_in_integers(small: nn.Module) -> None:
    for layer in layers_of(small.double(), (3, 8, 8)):
        for part in layer.parts():
            assert part.channels.dtype == torch.int64
            assert part.channels.device.type == "cpu"
            assert len(part.channels) == layer.width
