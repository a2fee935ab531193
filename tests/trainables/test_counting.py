import runpy
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from trainables.counting import Complexity, complexity, macs_of_layers
from trainables.errors import InputError
from trainables.models import MODELS, Architecture, build
from trainables.pruning import choose
from trainables.pruning.surgery import cut, mask

torch.set_num_threads(1)
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "complexity_of_models.py"
QUICK = {"resnet8", "preresnet8x4", "preresnet11_bottleneck", "vgg11"}
OURS = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MODELS]
LARGE = ["vgg11_bn", "densenet121", "resnext50_32x4d", "regnet_y_400mf", "efficientnet_b0", "convnext_tiny"]
TORCHVISION = [
    *("resnet18", "mobilenet_v2", "squeezenet1_1", "shufflenet_v2_x0_5"),
    *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE),
]


@pytest.fixture(scope="module")
def counters() -> list[Any]:
    """fvcore's and Torch-Pruning's counts of a network, as the benchmark takes them."""
    with warnings.catch_warnings(action="ignore"):  # fvcore speaks of torch.jit
        pytest.importorskip("fvcore")
        names = runpy.run_path(str(BENCHMARK))
    return [names["by_fvcore"], names["by_torch_pruning"]]


def agrees(network: nn.Module, counters: list[Any]) -> None:
    counted = complexity(network, image=(3, 32, 32))
    with warnings.catch_warnings(action="ignore"):
        for count in counters:
            assert count(network.eval(), torch.zeros(1, 3, 32, 32)) == (counted.params, counted.macs), count


@pytest.mark.parametrize("name", OURS)
def test_our_networks_count_as_in_other_counters(name: str, counters: list[Any]) -> None:
    agrees(build(Architecture(model=name, classes=100), seed=0), counters)


@pytest.mark.parametrize("name", TORCHVISION)
def test_other_networks_count_as_in_other_counters(name: str, counters: list[Any]) -> None:
    agrees(torchvision.models.get_model(name), counters)


@pytest.mark.parametrize(
    ("model", "params", "macs", "selection", "prunable"),
    [
        ("resnet8x4", 1_233_540, 177_071_104, 0, 448),
        ("resnet32x4", 7_433_860, 1_083_040_768, 0, 2_240),
        ("preresnet8x4", 1_232_644, 177_071_104, 480, 928),
    ],
)
def test_params_and_macs_are_the_published_ones(
    model: str, params: int, macs: int, selection: int, prunable: int
) -> None:
    counted = complexity(build(Architecture(model=model, classes=100), seed=0))
    assert counted == Complexity(params=params, macs=macs, selection=selection, prunable=prunable)


def test_resnet_164_has_network_slimmings_parameters() -> None:
    counted = complexity(build(Architecture(model="preresnet164_bottleneck", classes=100), seed=0))
    assert counted.params + counted.selection == 1_734_468
    assert counted.selection == 8_080


def test_groups_strides_and_biases_are_counted_exactly() -> None:
    network = nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 3)
    )
    counted = complexity(network, image=(4, 8, 8))
    assert counted.macs == 8 * 4 * 4 * (2 * 9) + 128 * 3
    assert counted.params == (8 * 2 * 9 + 8) + 16 + (128 * 3 + 3)
    assert (counted.selection, counted.prunable) == (0, 0)


def test_transposed_and_other_convolutions_are_counted_and_layers_that_run_twice_count_twice() -> None:
    network = nn.Sequential(
        nn.ConvTranspose2d(2, 6, 3, stride=2, groups=2),
        nn.Flatten(2),
        nn.Conv1d(6, 4, 5),
        *[nn.Linear(285, 285)] * 2,
    )
    assert macs_of_layers(network, image=(2, 8, 8)) == {
        "0": 2 * 8 * 8 * (3 * 9),
        "2": 4 * 285 * (6 * 5),
        "3": 2 * 4 * 285 * 285,
    }


def test_the_network_is_as_before() -> None:
    network = build(Architecture(model="preresnet8", classes=10), seed=0)
    network.get_submodule("layer2").eval()
    modes = [module.training for module in network.modules()]
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    complexity(network)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


def test_a_mask_saves_nothing_and_a_cut_does() -> None:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    for index, name in enumerate(network.prunable()):
        network.get_parameter(f"{name}.weight").data.uniform_(generator=torch.Generator().manual_seed(index))
    masks = choose(network, 0.5).masks
    whole, masked, smaller = (
        complexity(each, image=(1, 8, 8)) for each in (network, mask(network, masks), cut(network, masks))
    )
    assert masked == whole
    assert smaller.macs < whole.macs
    assert smaller.params < whole.params
    assert smaller.selection == whole.selection
    assert smaller.prunable == sum(int(stays.sum()) for stays in masks)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_dtype_counts_alike(dtype: torch.dtype) -> None:
    network = build(Architecture(model="resnet8", classes=10), seed=0)
    assert complexity(network.to(dtype)).macs == complexity(network.float()).macs


def test_an_image_with_other_channels_is_refused() -> None:
    network = build(Architecture(model="resnet8", classes=10, channels=1), seed=0)
    with pytest.raises(InputError, match=r"image: 1 channels for this resnet8, got 3. Write \(1, 32, 32\)"):
        complexity(network)
