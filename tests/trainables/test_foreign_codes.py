"""Checkpoints of other codes, made by small models of our own that only do what those do."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.checkpoints import load
from trainables.models.network import PrunableNetwork
from trainables.pruning import prune

torch.set_num_threads(1)
Network = TypeVar("Network", bound=nn.Module)
VGG11 = (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512)


class SlimmingVGG(nn.Module):
    """network-slimming's: a flat `feature`, an average over 2 × 2, `classifier`."""

    def __init__(self, cfg: Sequence[int | str], classes: int) -> None:
        super().__init__()
        inputs, layers = 3, list[nn.Module]()
        for width in cfg:
            if isinstance(width, str):
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [
                    nn.Conv2d(inputs, width, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                ]
                inputs = width
        self.feature = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(functional.avg_pool2d(self.feature(images), 2).flatten(1))
        return logits


class Select(nn.Module):
    """network-slimming's channel_selection: `indexes` is a Parameter, searched in every pass."""

    def __init__(self, channels: int, kept: int) -> None:
        super().__init__()
        self.indexes = nn.Parameter(torch.ones(channels))
        gone = torch.randperm(channels, generator=torch.Generator().manual_seed(channels))[kept:]
        self.indexes.data[gone] = 0

    def forward(self, images: Tensor) -> Tensor:
        return images[:, self.indexes.data.nonzero().flatten()]


class SlimmingBlock(nn.Module):
    """BatchNorm, selection, ReLU, convolution; then BatchNorm, ReLU, convolution for each further width."""

    def __init__(self, inputs: int, outputs: int, stride: int, cfg: Sequence[int], norm: bool) -> None:
        super().__init__()
        kernels = (3, 3) if len(cfg) == 2 else (1, 3, 1)
        strides = (stride, 1) if len(cfg) == 2 else (1, stride, 1)
        self.bn1, self.select = nn.BatchNorm2d(inputs), Select(inputs, cfg[0])
        for n, (reads, writes) in enumerate(pairwise((*cfg, outputs)), 1):
            kernel, step = kernels[n - 1], strides[n - 1]
            self.add_module(f"conv{n}", nn.Conv2d(reads, writes, kernel, step, kernel // 2, bias=False))
            if n < len(cfg):
                self.add_module(f"bn{n + 1}", nn.BatchNorm2d(writes))
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut: list[nn.Module] = [nn.Conv2d(inputs, outputs, 1, stride, bias=False)]
            self.downsample = nn.Sequential(*shortcut, *([nn.BatchNorm2d(outputs)] if norm else []))
        self.convolutions = len(cfg)

    def forward(self, images: Tensor) -> Tensor:
        out = self.select(self.bn1(images))
        for n in range(1, self.convolutions + 1):
            out = self.get_submodule(f"conv{n}")(functional.relu(out))
            if n < self.convolutions:
                out = self.get_submodule(f"bn{n + 1}")(out)
        shortcut: Tensor = images if self.downsample is None else self.downsample(images)
        return shortcut + out


class SlimmingResNet(nn.Module):
    """network-slimming's preresnet.py (three widths a block), and the same with basic blocks (two)."""

    def __init__(
        self, cfg: Sequence[int], ends: Sequence[int], blocks: int, classes: int, *, norm: bool = False
    ) -> None:
        super().__init__()
        each = (len(cfg) - 1) // (3 * blocks)
        parts = [cfg[start : start + each] for start in range(0, len(cfg) - 1, each)]
        self.conv1 = nn.Conv2d(3, ends[0], 3, padding=1, bias=False)
        for stage, (inputs, outputs) in enumerate(pairwise(ends), 1):
            self.add_module(
                f"layer{stage}",
                nn.Sequential(
                    *(
                        SlimmingBlock(
                            outputs if n else inputs,
                            outputs,
                            1 if n or stage == 1 else 2,
                            parts[(stage - 1) * blocks + n],
                            norm,
                        )
                        for n in range(blocks)
                    )
                ),
            )
        self.bn, self.select = nn.BatchNorm2d(ends[-1]), Select(ends[-1], cfg[-1])
        self.fc = nn.Linear(cfg[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        out = self.conv1(images)
        for stage in (1, 2, 3):
            out = self.get_submodule(f"layer{stage}")(out)
        out = functional.relu(self.select(self.bn(out)))
        logits: Tensor = self.fc(functional.avg_pool2d(out, 8).flatten(1))
        return logits


class PostBlock(nn.Module):
    """RepDistiller's BasicBlock, `inner` channels between its convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inner, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if stride != 1 or inputs != outputs:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(outputs))

    def forward(self, images: Tensor) -> Tensor:
        out = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(images)))))
        return functional.relu(out + self.downsample(images))


class PostResNet(nn.Module):
    """RepDistiller's resnet.py, and back_resnet where inner channels are cut (`cfg` has one width a block)."""

    def __init__(self, cfg: Sequence[int], ends: Sequence[int], classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, ends[0], 3, 1, 1, bias=False), nn.BatchNorm2d(ends[0])
        blocks, inner = len(cfg) // 3, iter(cfg)
        for stage, (inputs, outputs) in enumerate(pairwise(ends), 1):
            made = [
                PostBlock(outputs if n else inputs, outputs, 1 if n or stage == 1 else 2, next(inner))
                for n in range(blocks)
            ]
            self.add_module(f"layer{stage}", nn.Sequential(*made))
        self.fc = nn.Linear(ends[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(images)))
        for stage in (1, 2, 3):
            out = self.get_submodule(f"layer{stage}")(out)
        logits: Tensor = self.fc(functional.avg_pool2d(out, 8).flatten(1))
        return logits


def as_trained(network: Network) -> Network:
    """BatchNorms with numbers of their own, in evaluation mode."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return network.eval()


def images() -> Tensor:
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def slim(
    network: SlimmingVGG, cfg: Sequence[int | str], percent: float
) -> tuple[list[int | str], SlimmingVGG]:
    """What vggprune.py does: one threshold, strictly greater stays, inputs and outputs sliced."""
    norms = [layer for layer in network.feature if isinstance(layer, nn.BatchNorm2d)]
    together = torch.cat([norm.weight.detach().abs() for norm in norms]).sort().values
    threshold = together[int(len(together) * percent)]
    masks = [norm.weight.detach().abs() > threshold for norm in norms]
    left = iter([int(mask.sum()) for mask in masks])
    slimmer = [entry if isinstance(entry, str) else next(left) for entry in cfg]
    smaller = SlimmingVGG(slimmer, network.classifier.out_features).eval()
    before, ahead = torch.ones(3, dtype=torch.bool), iter(masks)
    after = before
    for old, new in zip(network.feature, smaller.feature, strict=True):
        if isinstance(old, nn.Conv2d):
            before, after = after, next(ahead)
            new.weight.data = old.weight.data[after][:, before]
        elif isinstance(old, nn.BatchNorm2d):
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(new, name).data = getattr(old, name).data[after]
    smaller.classifier.weight.data = network.classifier.weight.data[:, after]
    smaller.classifier.bias.data = network.classifier.bias.data
    return slimmer, smaller


@pytest.fixture
def reload(tmp_path: Path) -> Callable[[dict[str, Any]], PrunableNetwork]:
    """Saves a checkpoint and loads the network in it."""

    def through_a_file(checkpoint: dict[str, Any]) -> PrunableNetwork:
        torch.save(checkpoint, tmp_path / "pruned.pth.tar")
        network = load(tmp_path / "pruned.pth.tar")
        assert isinstance(network, PrunableNetwork)
        return network

    return through_a_file


@torch.no_grad()
def test_network_slimmings_vgg_is_loaded_and_pruned_alike(
    reload: Callable[[dict[str, Any]], PrunableNetwork],
) -> None:
    theirs = as_trained(SlimmingVGG(VGG11, 7))
    cfg, smaller = slim(theirs, VGG11, 0.7)
    ours = reload({"epoch": 160, "best_prec1": torch.tensor(0.7), "state_dict": theirs.state_dict()})
    pruned = reload({"cfg": cfg, "state_dict": smaller.state_dict()})
    assert ours.architecture.model == pruned.architecture.model == "vgg11"
    assert ours.architecture.cfg is None
    assert pruned.architecture.cfg == tuple(width for width in cfg if width != "M")
    torch.testing.assert_close(ours(images()), theirs(images()))
    torch.testing.assert_close(pruned(images()), smaller(images()))
    cut = prune(ours, 0.7)
    assert cut.architecture == pruned.architecture
    torch.testing.assert_close(cut(images()), smaller(images()))


@pytest.mark.parametrize("norm", [False, True], ids=["bare", "shortcut_norm"])
@pytest.mark.parametrize("prefix", ["", "module."])
@torch.no_grad()
def test_a_pruned_fork_with_basic_blocks_gives_its_logits(
    reload: Callable[[dict[str, Any]], PrunableNetwork], prefix: str, norm: bool
) -> None:
    cfg = [30, 40, 64, 100, 90, 256, 200]  # two a block and one more
    theirs = as_trained(SlimmingResNet(cfg, (32, 64, 128, 256), 1, 9, norm=norm))
    state = {prefix + name: tensor for name, tensor in theirs.state_dict(keep_vars=True).items()}
    ours = reload({"cfg": cfg, "state_dict": state})
    assert ours.architecture.model == "preresnet8x4"
    assert ours.architecture.cfg == tuple(cfg)
    assert ours.architecture.shortcut_norm is norm
    torch.testing.assert_close(ours(images()), theirs(images()))


@torch.no_grad()
def test_network_slimmings_bottlenecks_of_any_depth_give_their_logits(
    reload: Callable[[dict[str, Any]], PrunableNetwork],
) -> None:
    cfg = [width for stage in ((9, 3, 16), (60, 30, 5), (100, 1, 64)) for _ in range(5) for width in stage]
    cfg[0::15] = [16, 64, 128]  # what the first block of a stage reads
    cfg[1::15] = [7, 31, 2]
    theirs = as_trained(SlimmingResNet([*cfg, 250], (16, 64, 128, 256), 5, 10))
    ours = reload({"cfg": [*cfg, 250], "state_dict": theirs.state_dict()})
    assert ours.architecture.model == "preresnet47_bottleneck"
    assert ours.architecture.cfg == (*cfg, 250)
    torch.testing.assert_close(ours(images()), theirs(images()))


@pytest.mark.parametrize("cfg", [(16, 16, 32, 32, 64, 64), (10, 16, 1, 32, 64, 5)], ids=["whole", "pruned"])
@torch.no_grad()
def test_a_post_activation_network_pruned_inside_its_blocks_gives_its_logits(
    reload: Callable[[dict[str, Any]], PrunableNetwork], cfg: tuple[int, ...]
) -> None:
    theirs = as_trained(PostResNet(cfg, (16, 16, 32, 64), 10))
    ours = reload({"cfg": list(cfg), "model": theirs.state_dict(), "epoch": 240})
    assert ours.architecture.model == "resnet14"
    assert ours.architecture.cfg == (None if cfg[0] == 16 else cfg)
    torch.testing.assert_close(ours(images()), theirs(images()))
