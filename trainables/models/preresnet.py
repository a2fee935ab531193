"""Pre-activation residual networks with channel selection (He et al. 2016, arXiv 1603.05027).

The bottlenecks are network-slimming's models/preresnet.py, the basic blocks follow the same plan;
parameters have its names, so its checkpoints load. The sum of shortcut and block is never narrowed: each
block selects the channels that it reads from it, and the last layer does. Shortcuts that change the width
are one convolution of the block's raw input, without BatchNorm unless `shortcut_norm`. The features are
averaged over the whole image (there over 8 × 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from trainables.models import Architecture, Widths
from trainables.models.network import (
    ChannelGroup,
    PrunableNetwork,
    conv1x1,
    conv3x3,
    initialise,
    kept_widths,
)
from trainables.models.selection import ChannelSelection


def _shortcut(inputs: int, outputs: int, stride: int, norm: bool) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    conv = conv1x1(inputs, outputs, stride)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs)) if norm else nn.Sequential(conv)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions, each after BatchNorm and ReLU, beside a shortcut.

    `kept` gives the channels that are selected from the input and those between the convolutions.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, norm: bool, kept: Iterator[int]) -> None:
        super().__init__()
        selected, inner = next(kept), next(kept)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.select = ChannelSelection(inputs, selected)
        self.conv1 = conv3x3(selected, inner, stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv2 = conv3x3(inner, outputs)
        self.downsample = _shortcut(inputs, outputs, stride, norm)

    @staticmethod
    def full(inputs: int, outputs: int) -> tuple[int, ...]:
        """The widths `kept` of a whole block."""
        return inputs, outputs

    def forward(self, images: Tensor) -> Tensor:
        """N × inputs × H × W to N × outputs × H/stride × W/stride."""
        out = self.conv1(functional.relu(self.select(self.bn1(images)), inplace=True))
        out = self.conv2(functional.relu(self.bn2(out), inplace=True))
        shortcut = images if self.downsample is None else self.downsample(images)
        total: Tensor = out + shortcut
        return total


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions, each after BatchNorm and ReLU, beside a shortcut; a quarter as wide inside.

    `kept` gives the channels that are selected from the input, those of the second and of the third
    BatchNorm.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, norm: bool, kept: Iterator[int]) -> None:
        super().__init__()
        selected, first, second = next(kept), next(kept), next(kept)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.select = ChannelSelection(inputs, selected)
        self.conv1 = conv1x1(selected, first)
        self.bn2 = nn.BatchNorm2d(first)
        self.conv2 = conv3x3(first, second, stride)
        self.bn3 = nn.BatchNorm2d(second)
        self.conv3 = conv1x1(second, outputs)
        self.downsample = _shortcut(inputs, outputs, stride, norm)

    @staticmethod
    def full(inputs: int, outputs: int) -> tuple[int, ...]:
        """The widths `kept` of a whole block."""
        return inputs, outputs // 4, outputs // 4

    def forward(self, images: Tensor) -> Tensor:
        """N × inputs × H × W to N × outputs × H/stride × W/stride."""
        out = self.conv1(functional.relu(self.select(self.bn1(images)), inplace=True))
        out = self.conv2(functional.relu(self.bn2(out), inplace=True))
        out = self.conv3(functional.relu(self.bn3(out), inplace=True))
        shortcut = images if self.downsample is None else self.downsample(images)
        total: Tensor = out + shortcut
        return total


class PreResNet(PrunableNetwork):
    """A bare convolution, three stages of n basic blocks (depth 6n + 2), BatchNorm, selection, linear layer.

    `cfg` has two widths a block and one more, the channels that the linear layer reads.
    """

    block: type[BasicBlock] | type[Bottleneck] = BasicBlock
    convolutions = 2  # of a block
    expansion = 1

    def __init__(self, architecture: Architecture, *, depth: int, widths: Widths) -> None:
        super().__init__()
        self.blocks, rest = divmod(depth - 2, 3 * self.convolutions)
        assert rest == 0, f"depth is {3 * self.convolutions}n + 2, not {depth}"
        ends = (widths[0], *(width * self.expansion for width in widths[1:]))
        edges = [
            [(outputs if block else inputs, outputs) for block in range(self.blocks)]
            for inputs, outputs in pairwise(ends)
        ]
        full = [width for stage in edges for edge in stage for width in self.block.full(*edge)]
        kept = kept_widths(architecture, [*full, ends[3]])
        norm = architecture.shortcut_norm

        self.conv1 = conv3x3(architecture.channels, widths[0])
        self.layer1 = self._stage(edges[0], 1, norm, kept)
        self.layer2 = self._stage(edges[1], 2, norm, kept)
        self.layer3 = self._stage(edges[2], 2, norm, kept)
        self.bn = nn.BatchNorm2d(ends[3])
        last = next(kept)
        self.select = ChannelSelection(ends[3], last)
        self.fc = nn.Linear(last, architecture.classes)
        initialise(self, gamma=0.5)

    def _stage(
        self, edges: Sequence[tuple[int, int]], stride: int, norm: bool, kept: Iterator[int]
    ) -> nn.Sequential:
        return nn.Sequential(
            *(self.block(*edge, 1 if n else stride, norm, kept) for n, edge in enumerate(edges))
        )

    def forward(self, images: Tensor) -> Tensor:
        """N × channels × H × W, normalised, to N × classes logits."""
        out = self.layer3(self.layer2(self.layer1(self.conv1(images))))
        out = functional.relu(self.select(self.bn(out)), inplace=True)
        logits: Tensor = self.fc(out.mean((2, 3)))
        return logits

    def groups(self) -> tuple[ChannelGroup, ...]:
        """Of every block the selection and each inner BatchNorm; at the end the last selection."""
        found = []
        for block in (f"layer{stage}.{n}" for stage in (1, 2, 3) for n in range(self.blocks)):
            found.append(
                ChannelGroup(norm=f"{block}.bn1", selection=f"{block}.select", reader=f"{block}.conv1")
            )
            found += [
                ChannelGroup(norm=f"{block}.bn{n}", writer=f"{block}.conv{n - 1}", reader=f"{block}.conv{n}")
                for n in range(2, self.convolutions + 1)
            ]
        return *found, ChannelGroup(norm="bn", selection="select", reader="fc")


class PreResNetBottleneck(PreResNet):
    """The same with bottlenecks (depth 9n + 2), four times as wide outside; `cfg` has 9n + 1 widths."""

    block = Bottleneck
    convolutions = 3
    expansion = 4
