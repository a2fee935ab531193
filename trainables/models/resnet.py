"""Post-activation residual networks for small images (He et al. 2016, arXiv 1512.03385, section 4.2).

Modules and parameters have the names of RepDistiller's models/resnet.py, so its checkpoints load. We differ
in two places: the features are averaged over the whole image, whatever its size (there over 8 × 8), and the
inner width of each block can be smaller (`cfg`). Only that width can be cut: everything that is added to a
shortcut, the stem included, keeps its channels.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import InputError
from trainables.models import Architecture, Widths
from trainables.models.network import (
    ChannelGroup,
    PrunableNetwork,
    conv1x1,
    conv3x3,
    initialise,
    kept_widths,
)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut, ReLU after the sum; `inner` channels between them."""

    def __init__(self, inputs: int, outputs: int, inner: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, inner, stride)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = conv3x3(inner, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))

    def forward(self, images: Tensor) -> Tensor:
        """N × inputs × H × W to N × outputs × H/stride × W/stride."""
        shortcut = images if self.downsample is None else self.downsample(images)
        out = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        out = self.bn2(self.conv2(out))
        return functional.relu(out + shortcut, inplace=True)


class ResNet(PrunableNetwork):
    """A stem, three stages of n basic blocks (depth 6n + 2), a linear layer; `cfg` has one width a block."""

    def __init__(self, architecture: Architecture, *, depth: int, widths: Widths) -> None:
        super().__init__()
        if architecture.shortcut_norm:
            raise InputError(
                f"shortcut_norm: a choice of the pre-activation networks, got true for {architecture.model}, "
                "whose shortcuts always have one. Take it out."
            )
        self.blocks, rest = divmod(depth - 2, 6)
        assert rest == 0, f"depth is 6n + 2, not {depth}"
        inner = kept_widths(architecture, [width for width in widths[1:] for _ in range(self.blocks)])

        self.conv1 = conv3x3(architecture.channels, widths[0])
        self.bn1 = nn.BatchNorm2d(widths[0])
        stages = [
            nn.Sequential(
                *(
                    BasicBlock(outputs if block else inputs, outputs, next(inner), 1 if block else stride)
                    for block in range(self.blocks)
                )
            )
            for inputs, outputs, stride in zip(widths[:3], widths[1:], (1, 2, 2), strict=True)
        ]
        self.layer1, self.layer2, self.layer3 = stages
        self.fc = nn.Linear(widths[3], architecture.classes)
        initialise(self, gamma=1.0)

    def forward(self, images: Tensor) -> Tensor:
        """N × channels × H × W, normalised, to N × classes logits."""
        out = functional.relu(self.bn1(self.conv1(images)), inplace=True)
        out = self.layer3(self.layer2(self.layer1(out)))
        logits: Tensor = self.fc(out.mean((2, 3)))
        return logits

    def groups(self) -> tuple[ChannelGroup, ...]:
        """The inner channels of every block."""
        return tuple(
            ChannelGroup(norm=f"{block}.bn1", writer=f"{block}.conv1", reader=f"{block}.conv2")
            for block in (f"layer{stage}.{n}" for stage in (1, 2, 3) for n in range(self.blocks))
        )
