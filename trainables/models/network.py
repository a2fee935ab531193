"""What our prunable networks have in common: which channels can be cut, and how weights begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models import Architecture

if TYPE_CHECKING:
    from trainables.pruning.selection import Selection


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelGroup:
    """Channels that can be cut together, by the names of the modules that hold them.

    Attributes:
        norm: The BatchNorm whose scales rank the channels.
        reader: The convolution or linear layer that takes them as its inputs.
        writer: The convolution that makes them and loses those outputs; None behind a selection.
        selection: The `ChannelSelection` that picks them; the BatchNorm before it keeps its full width.
    """

    norm: str
    reader: str
    writer: str | None = None
    selection: str | None = None


class PrunableNetwork(nn.Module):
    """A network that says which of its channels can be cut.

    Attributes:
        architecture: Its description, set by `trainables.models.build`.
        pruned_by: The selection that led to it, where `trainables.prune` made it.
    """

    architecture: Architecture
    pruned_by: Selection | None = None

    def groups(self) -> tuple[ChannelGroup, ...]:
        """The channels that can be cut, in module order, which is the order of `cfg`."""
        raise NotImplementedError

    def prunable(self) -> tuple[str, ...]:
        """Names of the BatchNorms whose channels can be cut, in the order of `cfg`."""
        return tuple(group.norm for group in self.groups())

    def kept(self, group: ChannelGroup) -> Tensor:
        """Positions of the group's remaining channels among those of its BatchNorm, ascending."""
        if group.selection is not None:
            return self.get_buffer(f"{group.selection}.indexes").nonzero().flatten()
        scale = self.get_parameter(f"{group.norm}.weight")
        return torch.arange(len(scale), device=scale.device)


def kept_widths(architecture: Architecture, full: Sequence[int]) -> Iterator[int]:
    """The width of each prunable layer: `architecture.cfg`, checked against the full widths, or these."""
    cfg = full if architecture.cfg is None else architecture.cfg
    if len(cfg) != len(full):
        raise InputError(
            f"cfg: one number for each of the {len(full)} prunable layers of {architecture.model}, "
            f"got {len(cfg)}. Give {len(full)} numbers."
        )
    for layer, (width, most) in enumerate(zip(cfg, full, strict=True)):
        if not 1 <= width <= most:
            raise InputError(f"cfg: layer {layer} has 1 to {most} channels, got {width}. Give one of these.")
    return iter(cfg)


def conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the image's size (halves it at stride 2), without bias."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


def conv1x1(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 1×1 convolution without bias."""
    return nn.Conv2d(inputs, outputs, 1, stride, bias=False)


def initialise(network: nn.Module, *, gamma: float) -> None:
    """Random weights as in the official codes.

    Convolutions are normal with variance 2 / (k·k·outputs): RepDistiller writes it as Kaiming fan-out,
    network-slimming by hand. BatchNorms begin at `gamma` and 0; linear layers keep torch's own start.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, gamma)
            nn.init.zeros_(module.bias)
