import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.pruning import IMPORTANCES, choose, cut, prune
from trainables.pruning.foreign import mask
from trainables.pruning.layers import layers_of

IMAGE = (3, 8, 8)
Trained = Callable[[nn.Module], nn.Module]


def logits(network: nn.Module, image: tuple[int, int, int]) -> Tensor:
    with torch.no_grad():
        found: Tensor = network(torch.randn(2, *image, generator=torch.Generator().manual_seed(3)))
    return found


def agrees(network: nn.Module, image: tuple[int, int, int], **keys: Any) -> nn.Module:
    """Prunes; checks that it runs, is smaller, equals the masked network, and that the given one is untouched."""
    before = copy.deepcopy(network.state_dict())
    smaller = prune(network, image=image, **keys)
    chosen: Any = smaller.pruned_by
    masked = mask(network, layers_of(network, image), chosen.masks)
    expected = logits(masked.eval(), image)
    near = 1e-4 * expected.abs().max().item()
    torch.testing.assert_close(logits(smaller.eval(), image), expected, rtol=1e-3, atol=near)
    whole, cost = (complexity(each, image=image) for each in (network, smaller))
    assert cost.params < whole.params
    assert cost.macs < whole.macs
    assert type(smaller) is type(network)
    assert expected.shape == (2, 4)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    return smaller


@pytest.mark.parametrize("method", IMPORTANCES)
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_every_method_cuts_a_foreign_network(
    small: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], method: str, scope: str
) -> None:
    agrees(small, IMAGE, percent=0.5, method=method, scope=scope, batches=batches)


def test_a_masked_channel_is_zero_wherever_it_is_made_or_read(small: nn.Module) -> None:
    layers = layers_of(small, IMAGE)
    masks = [torch.arange(layer.width) != 0 for layer in layers]
    masked = mask(small, layers, masks)
    for name in ("block.0", "block.1", "block.3", "block.4", "block.5"):
        for parameter in masked.get_submodule(name).parameters():
            assert not parameter[0].any()
            assert parameter[1:].any()
    assert not masked.get_parameter("block.6.weight")[:, 0].any()
    assert not masked.get_parameter("fc.weight")[:, :16].any()


@pytest.mark.parametrize(
    ("name", "keys"),
    [("resnet18", {}), ("mobilenet_v2", {"width_mult": 0.5}), ("squeezenet1_1", {"method": "l1"})],
)
def test_torchvision_networks_are_cut(name: str, keys: dict[str, Any], looks_trained: Trained) -> None:
    method = keys.pop("method", "slimming")
    network = looks_trained(torchvision.models.get_model(name, num_classes=4, **keys)).eval()
    agrees(network, (3, 32, 32), percent=0.5, method=method)


TORCHVISION: dict[str, dict[str, Any]] = {
    "alexnet": {},
    "convnext_tiny": {},
    "densenet121": {},
    "efficientnet_b0": {},
    "efficientnet_v2_s": {},
    "googlenet": {"aux_logits": False, "init_weights": True},
    "inception_v3": {"aux_logits": False, "init_weights": True},
    "mnasnet0_5": {},
    "mobilenet_v3_small": {},
    "regnet_x_400mf": {},
    "regnet_y_400mf": {},
    "resnet50": {},
    "resnext50_32x4d": {},
    "vgg11": {},
    "vgg11_bn": {},
    "vit_b_16": {"image_size": 64},
    "wide_resnet50_2": {},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_networks_of_every_family_are_cut(name: str, looks_trained: Trained) -> None:
    network = looks_trained(torchvision.models.get_model(name, num_classes=4, **TORCHVISION[name])).eval()
    side = 96 if name == "inception_v3" else 64
    method = "slimming" if any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) else "l1"
    agrees(network, (3, side, side), percent=0.3, method=method)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["maxvit_t", "shufflenet_v2_x1_0", "swin_t", "swin_v2_t"])
def test_those_that_cant_be_traced_are_named(name: str) -> None:
    keys = {"input_size": (224, 224)} if name == "maxvit_t" else {}
    network = torchvision.models.get_model(name, num_classes=4, **keys)
    why = rf"network: (no matrix products|one that Torch-Pruning can trace).*, got {type(network).__name__} "
    with pytest.raises(InputError, match=why):
        prune(network, 0.3, image=(3, 224, 224))


class Foreign(nn.Module):
    """One of our networks that does not say what can be cut."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.ours = network

    def forward(self, images: Tensor) -> Tensor:
        found: Tensor = self.ours(images)
        return found


STREAM = ["ours.bn1", "ours.layer*.bn2"]


@pytest.mark.parametrize("method", sorted({*IMPORTANCES} - {"random"}))  # which draws for the stream, too
@pytest.mark.parametrize(("model", "protect"), [("resnet14", STREAM), ("vgg11", [])])
def test_torch_prunings_surgery_and_ours_agree_where_both_apply(
    model: str,
    protect: list[str],
    method: str,
    looks_trained: Trained,
    batches: Iterable[tuple[Tensor, Tensor]],
) -> None:
    network = looks_trained(build(Architecture(model=model, classes=4), seed=0)).eval()
    ours = prune(network, 0.6, method=method, batches=batches)
    theirs = prune(
        Foreign(network), 0.6, method=method, batches=batches, image=IMAGE, protect=protect
    ).get_submodule("ours")
    state = theirs.state_dict()
    assert state.keys() == ours.state_dict().keys()
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, state[name]), name  # and so the widths
    assert torch.equal(logits(ours, IMAGE), logits(theirs, IMAGE))
    assert complexity(ours, image=IMAGE).macs == complexity(Foreign(theirs), image=IMAGE).macs


def test_modes_dtype_and_frozen_parameters_stay(small: nn.Module) -> None:
    small.double().train()
    small.get_submodule("block.1").eval()
    small.get_parameter("block.0.weight").requires_grad_(False)
    smaller = prune(small, 0.5, image=IMAGE)
    assert smaller.training
    assert not smaller.get_submodule("block.1").training
    assert [name for name, p in smaller.named_parameters() if not p.requires_grad] == ["block.0.weight"]
    assert {parameter.dtype for parameter in smaller.parameters()} == {torch.float64}
    torch.nn.functional.cross_entropy(smaller(torch.randn(4, *IMAGE).double()), torch.arange(4)).backward()


def test_percent_zero_gives_a_copy(small: nn.Module) -> None:
    copied = prune(small, 0, image=IMAGE)
    assert copied is not small
    for name, tensor in copied.state_dict().items():
        assert torch.equal(tensor, small.state_dict()[name])
    assert torch.equal(logits(copied, IMAGE), logits(small, IMAGE))


def test_the_masks_of_a_pruned_network_give_its_shape_to_a_fresh_one(small: nn.Module) -> None:
    smaller = prune(small, 0.5, image=IMAGE)
    fresh = cut(type(small)(), smaller.pruned_by.masks, image=IMAGE).eval()  # type: ignore[union-attr]
    fresh.load_state_dict(smaller.state_dict())
    assert torch.equal(logits(fresh, IMAGE), logits(smaller, IMAGE))


def test_a_pruned_network_can_be_pruned_again(small: nn.Module) -> None:
    agrees(prune(small, 0.4, image=IMAGE), IMAGE, percent=0.5)


def test_masks_of_another_network_or_empty_ones_are_refused(small: nn.Module) -> None:
    masks = [*choose(small, 0.5, image=IMAGE).masks]
    with pytest.raises(InputError, match=r"masks: one for each of \{'block.1': 12, .* got \['\d+ of 12'\]"):
        cut(small, masks[:1], image=IMAGE)
    with pytest.raises(InputError, match=r"masks: .* got \['0 of 12', "):
        cut(small, [masks[0] & False, *masks[1:]], image=IMAGE)


class Joined(nn.Module):
    """A convolution whose channels are joined with the image's, of which a trace sees nothing."""

    def __init__(self, join: Callable[[Tensor, Tensor], Tensor], outputs: int) -> None:
        super().__init__()
        self.join = join
        self.conv = nn.Conv2d(3, outputs, 1)
        self.norm = nn.BatchNorm2d(outputs)
        self.fc = nn.Linear(outputs, 4)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.join(self.norm(self.conv(images)), images).mean((2, 3)))
        return logits


@pytest.mark.parametrize(
    ("join", "outputs"),
    [
        (lambda made, images: made + images, 3),  # no longer fits
        (lambda made, images: made.roll(1, 1), 5),  # fits, and is wrong
        (lambda made, images: made.softmax(1), 4),
    ],
)
def test_a_cut_that_would_be_wrong_is_refused(
    join: Callable[[Tensor, Tensor], Tensor], outputs: int, looks_trained: Trained
) -> None:
    with pytest.raises(
        InputError, match=r"network: cut and masked alike, got Joined, whose logits differ \(.+\)"
    ):
        prune(looks_trained(Joined(join, outputs)), 0.4, image=IMAGE)
