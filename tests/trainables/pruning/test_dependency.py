from collections.abc import Callable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.pruning.dependency import Trace

IMAGE = (3, 32, 32)


def convolutional(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 36, 2))


class Wired(nn.Module):
    """Layers a, b, ... and a function that joins them."""

    def __init__(self, join: Callable[[Any, Tensor], Any], **layers: nn.Module) -> None:
        super().__init__()
        self.join = join
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, images: Tensor) -> Any:
        return self.join(self, images)


def test_a_shortcut_couples_its_writers_and_the_classifier_is_never_cut() -> None:
    layers = Trace(torchvision.models.resnet18(num_classes=5), IMAGE).layers
    stem = layers[0]
    assert (stem.name, stem.width) == ("bn1", 64)
    assert [part.module for part in stem.writers] == ["conv1", "layer1.0.conv2", "layer1.1.conv2"]
    assert [part.module for part in stem.norms] == ["bn1", "layer1.0.bn2", "layer1.1.bn2"]
    assert "layer2.0.downsample.0" in [part.module for part in stem.readers]
    assert [layer.name for layer in layers[1:3]] == ["layer1.0.bn1", "layer1.1.bn1"]
    assert len(layers) == 12
    assert not any("fc" in layer.names for layer in layers)


def test_concatenated_channels_are_told_apart() -> None:
    network = torchvision.models.DenseNet(4, (2, 2), 8, bn_size=2, num_classes=3)
    layers = {layer.names[0]: layer for layer in Trace(network, IMAGE).layers}
    first = layers["features.denseblock1.denselayer2.norm1"]  # of the first layer's four channels
    positions = {part.module: part.channels.flatten().tolist() for part in first.norms}
    assert positions["features.denseblock1.denselayer2.norm1"] == [8, 9, 10, 11]
    assert positions["features.transition1.norm"] == [8, 9, 10, 11]


def test_depthwise_convolutions_are_carried_along() -> None:
    layers = Trace(torchvision.models.MobileNetV2(num_classes=3, width_mult=0.25), IMAGE).layers
    inner = next(layer for layer in layers if layer.name == "features.2.conv.0.1")
    assert [part.module for part in inner.writers] == ["features.2.conv.0.0"]
    assert [part.module for part in inner.carriers] == ["features.2.conv.1.0"]
    assert [part.module for part in inner.readers] == ["features.2.conv.2"]


@pytest.mark.parametrize(
    "between",
    [
        [nn.GroupNorm(2, 4)],
        [nn.InstanceNorm2d(4, affine=True)],
        [nn.ConvTranspose2d(4, 4, 1)],
        [nn.Conv2d(4, 4, 1, groups=2)],
        [nn.Conv2d(4, 4, 1, groups=2), nn.BatchNorm2d(4)],
    ],
)
def test_what_cant_be_cut_exactly_is_left_whole(between: list[nn.Module]) -> None:
    network = convolutional(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 3), *between)
    assert [layer.names for layer in Trace(network, (3, 8, 8)).layers] == [("0",)]


def test_with_batchnorms_only_channels_behind_one_are_cut() -> None:
    network = convolutional(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4))
    assert [layer.name for layer in Trace(network, (3, 8, 8)).layers] == ["3"]


def test_a_batchnorm_without_scales_is_none() -> None:
    network = convolutional(
        nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4, affine=False)
    )
    assert [(layer.name, layer.norms) for layer in Trace(network, (3, 8, 8)).layers] == [("0", ()), ("2", ())]


def test_the_given_network_is_not_looked_at_again() -> None:
    network = convolutional(nn.Conv2d(3, 4, 3)).train()
    trace = Trace(network, (3, 8, 8))
    trace.cut([torch.tensor([True, False, False, True])])
    assert network.training
    assert network.get_parameter("0.weight").shape[0] == 4
    assert trace.network.get_parameter("0.weight").shape[0] == 2


def test_frozen_networks_and_disabled_gradients_can_be_traced() -> None:
    network = convolutional(nn.Conv2d(3, 4, 3)).requires_grad_(False)
    with torch.no_grad():
        assert len(Trace(network, (3, 8, 8)).layers) == 1


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"image: .* that Sequential takes, got \(1, 8, 8\) \(.*\)\. Give its own"
    ):
        Trace(convolutional(nn.Conv2d(3, 4, 3)), (1, 8, 8))


def test_outputs_that_are_no_tensor_are_refused() -> None:
    network = Wired(lambda self, images: {"out": self.a(images)}, a=nn.Conv2d(3, 4, 3))
    with pytest.raises(
        InputError, match=r"network: one that returns a tensor of logits, got Wired, .* returns dict"
    ):
        Trace(network, (3, 8, 8))


def test_layers_that_the_image_does_not_reach_are_refused() -> None:
    network = Wired(
        lambda self, images: self.a(images), a=convolutional(nn.Conv2d(3, 4, 3)), aux=nn.Conv2d(4, 1, 1)
    )
    with pytest.raises(InputError, match=r"network: every layer used .*, got Wired, whose aux is not"):
        Trace(network, (3, 8, 8))


def test_a_network_that_has_nothing_to_cut_is_refused() -> None:
    with pytest.raises(
        InputError, match="network: one with channels that can be cut, got Sequential without"
    ):
        Trace(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), (3, 8, 8))


def test_shuffled_channels_are_refused() -> None:
    network = torchvision.models.shufflenet_v2_x0_5(num_classes=3)
    with pytest.raises(
        InputError, match=r"network: one that Torch-Pruning can trace, got ShuffleNetV2 .*huffled"
    ):
        Trace(network, IMAGE)


def test_attention_written_out_is_refused_at_once() -> None:
    network = torchvision.models.swin_t(num_classes=3)  # whose groups of channels have no end
    with pytest.raises(
        InputError, match=r"network: no matrix products of activations, got SwinTransformer with some: Torch"
    ):
        Trace(network, IMAGE)


def test_layers_whose_weights_are_read_past_them_are_refused() -> None:
    linear = torch.nn.functional.linear
    network = Wired(
        lambda self, images: linear(self.a(images).mean((2, 3)), self.b.weight),
        a=nn.Conv2d(3, 4, 3),
        b=nn.Linear(4, 2),
    )
    with pytest.raises(InputError, match=r"network: every layer used .*, got Wired, whose b is not"):
        Trace(network, (3, 8, 8))


def test_attention_is_left_whole_and_what_lies_between_is_cut() -> None:
    network = torchvision.models.VisionTransformer(
        image_size=32, patch_size=16, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=12, num_classes=3
    )
    layers = Trace(network, IMAGE).layers
    assert [(layer.name, layer.width) for layer in layers] == [
        (f"encoder.layers.encoder_layer_{number}.mlp.0", 12) for number in (0, 1)
    ]
