"""What can be cut, in one form for every network: layers of channels, and where each channel lies.

Scores, selections and costs are written against these layers, so a method means the same on our prunable
networks, which name their channels themselves, and on any other, whose channels Torch-Pruning traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.network import ChannelGroup, PrunableNetwork

Image = tuple[int, int, int]
"""Channels, height and width of one input image."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Part:
    """The channels of a layer in one module.

    Attributes:
        module: Its name in the network.
        channels: Where each channel lies in it, int64 (width, k), on the CPU; k is 1 but for a linear layer
            that reads flattened images, where a channel is all its pixels.
    """

    module: str
    channels: Tensor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layer:
    """Channels of which each is cut everywhere at once.

    Attributes:
        name: That of its first BatchNorm, or of its first writer where there is none.
        norms: BatchNorms with scale and shift that the channels pass.
        writers: Convolutions and linear layers that make them: several where a shortcut adds them up, none
            behind a selection, where the sum stays as it is.
        readers: Convolutions and linear layers that take them in.
        carriers: Depthwise convolutions and other layers that hold something for each channel.
        selected: Whether a selection picks them; its norms then keep their width.
    """

    name: str
    norms: tuple[Part, ...]
    writers: tuple[Part, ...]
    readers: tuple[Part, ...]
    carriers: tuple[Part, ...] = ()
    selected: bool = False

    @property
    def width(self) -> int:
        """Number of channels."""
        return len(next(self.parts()).channels)

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which the layer can be protected: of its norms, writers and carriers."""
        return tuple(part.module for part in (*self.norms, *self.writers, *self.carriers))

    def parts(self) -> Iterator[Part]:
        """All of its parts."""
        yield from (*self.norms, *self.writers, *self.carriers, *self.readers)


def layers_of(network: nn.Module, image: Image | None = None) -> tuple[Layer, ...]:
    """The layers of a network that can be cut, in module order.

    Our prunable networks say it themselves. Any other is traced with one image, in evaluation mode, on a copy;
    it needs the image's size. See `trainables.pruning.dependency` for what is left whole.
    """
    if isinstance(network, PrunableNetwork):
        return tuple(_own(network, group) for group in network.groups())
    from trainables.pruning.dependency import Trace

    return Trace(network, traced_size(network, image)).layers


def traced_size(network: nn.Module, image: Image | None) -> Image:
    """The size of the image that a network is traced with; without one it is an InputError."""
    if image is None:
        raise InputError(
            f"image: channels, height and width for {type(network).__name__}, which has to be traced, got None. "
            "Write image=(3, 32, 32)."
        )
    return image


def _own(network: PrunableNetwork, group: ChannelGroup) -> Layer:
    kept = network.kept(group).cpu()[:, None]
    width = torch.arange(len(kept))[:, None]
    return Layer(
        name=group.norm,
        norms=(Part(module=group.norm, channels=kept),),
        writers=() if group.writer is None else (Part(module=group.writer, channels=width),),
        readers=(Part(module=group.reader, channels=width),),
        selected=group.selection is not None,
    )
