import pytest
import torch
from torch import nn

from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models import MODELS, VGG, Architecture, Family, build
from trainables.models.network import PrunableNetwork
from trainables.models.vgg import CONVOLUTIONS, Halving

torch.set_num_threads(1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> PrunableNetwork:
    """The plan of vgg11 with few channels, grey, in evaluation mode."""
    monkeypatch.setitem(MODELS, "vgg11_small", Family(where=VGG, depth=11, widths=(4, 5, 6, 7)))
    network = build(Architecture(model="vgg11_small", classes=3, channels=1), seed=0)
    assert isinstance(network, PrunableNetwork)
    return network.eval()


@pytest.mark.parametrize("depth", CONVOLUTIONS)
def test_the_depth_counts_the_convolutions_and_the_three_linear_layers_of_old(depth: int) -> None:
    assert sum(CONVOLUTIONS[depth]) + 3 == depth
    assert MODELS[f"vgg{depth}"].depth == depth


def test_its_size_is_the_papers() -> None:
    # network-slimming's README: 20.04 M; Liu et al. 2017, table 1: 7.97e8 FLOPs, which count two a MAC
    network = build(Architecture(model="vgg19", classes=10), seed=0)
    assert isinstance(network, PrunableNetwork)
    cost = complexity(network)
    assert round(cost.params / 1e6, 2) == 20.04
    assert 2 * cost.macs == pytest.approx(7.97e8, rel=0.002)
    assert cost.prunable == 5504
    assert len(network.prunable()) == 16


def test_its_layers_have_network_slimmings_names(small: PrunableNetwork) -> None:
    # [64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512]: three layers a convolution, one a pooling
    convolutions = [name for name, module in small.named_modules() if isinstance(module, nn.Conv2d)]
    assert convolutions == [f"feature.{place}" for place in (0, 4, 8, 11, 15, 18, 22, 25)]
    assert list(small.prunable()) == [f"feature.{place}" for place in (1, 5, 9, 12, 16, 19, 23, 26)]
    assert {"classifier.weight", "classifier.bias"} < set(small.state_dict())


def test_the_last_two_stages_are_equally_wide(small: PrunableNetwork) -> None:
    widths = [len(small.get_parameter(f"{name}.weight")) for name in small.prunable()]
    assert widths == [4, 5, 6, 6, 7, 7, 7, 7]


def test_weights_begin_as_in_the_official_code() -> None:
    network = build(Architecture(model="vgg11", classes=100), seed=0)
    assert network.get_parameter("feature.1.weight").unique().tolist() == [0.5]
    assert network.get_parameter("feature.25.weight").std().item() == pytest.approx(
        (2 / (9 * 512)) ** 0.5, rel=0.01
    )
    assert network.get_parameter("classifier.weight").std().item() == pytest.approx(0.01, rel=0.02)
    assert network.get_parameter("classifier.bias").unique().tolist() == [0]


@pytest.mark.parametrize("size", [1, 2, 8, 15, 32])
def test_every_size_of_image_fits(small: PrunableNetwork, size: int) -> None:
    logits = small(torch.ones(2, 1, size, size))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


def test_a_map_of_one_pixel_is_not_halved() -> None:
    images = torch.arange(16.0).view(1, 1, 4, 4)
    once = Halving()(images)
    assert once.flatten().tolist() == [5, 7, 13, 15]
    assert Halving()(Halving()(Halving()(images))).flatten().tolist() == [15]
    assert Halving()(images[:, :, :1]) is not images
    assert torch.equal(Halving()(images[:, :, :1]), images[:, :, :1])


def test_it_has_no_shortcut_norm() -> None:
    with pytest.raises(InputError, match=r"shortcut_norm: .* got true for vgg11, which has no shortcuts"):
        build(Architecture(model="vgg11", classes=10, shortcut_norm=True), seed=0)


def test_a_cfg_has_one_width_for_each_convolution() -> None:
    with pytest.raises(InputError, match="cfg: one number for each of the 8 prunable layers of vgg11, got 7"):
        build(Architecture(model="vgg11", classes=10, cfg=(1,) * 7), seed=0)
