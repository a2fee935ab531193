"""Size and cost of a network: parameters, and multiply-accumulates of one image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.network import PrunableNetwork
from trainables.models.selection import ChannelSelection


@dataclass(frozen=True, kw_only=True, slots=True)
class Complexity:
    """What a network costs.

    Attributes:
        params: Trainable numbers; buffers are not among them.
        macs: Multiply-accumulates of the convolutions and linear layers for one image; FLOPs are twice that.
            BatchNorm, ReLU, sums and selections are not counted, as in the papers.
        selection: Entries of all channel selections, which network-slimming counts as parameters.
        prunable: Channels that can be cut; of a pruned network those that are left.
    """

    params: int
    macs: int
    selection: int
    prunable: int


@torch.no_grad()
def complexity(network: nn.Module, *, image: tuple[int, int, int] = (3, 32, 32)) -> Complexity:
    """Counts by one forward pass of a zero image (channels, height, width) in evaluation mode.

    The network is as before afterwards: modes and BatchNorm statistics included.
    """
    architecture = getattr(network, "architecture", None)
    if architecture is not None and architecture.channels != image[0]:
        raise InputError(
            f"image: {architecture.channels} channels for this {architecture.model}, got {image[0]}. "
            f"Write ({architecture.channels}, {image[1]}, {image[2]})."
        )
    macs = 0

    def count(layer: nn.Module, inputs: Any, output: Tensor) -> None:
        nonlocal macs
        macs += output.numel() * layer.get_parameter("weight")[0].numel()

    counted = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    modes = {module: module.training for module in network.modules()}
    hooks = [module.register_forward_hook(count) for module in counted]
    try:
        network.eval()
        network(next(network.parameters()).new_zeros(1, *image))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training

    selections = [module for module in network.modules() if isinstance(module, ChannelSelection)]
    return Complexity(
        params=sum(parameter.numel() for parameter in network.parameters()),
        macs=macs,
        selection=sum(len(selection.indexes) for selection in selections),
        prunable=_prunable(network),
    )


def _prunable(network: nn.Module) -> int:
    if not isinstance(network, PrunableNetwork):
        return 0
    readers = (network.get_parameter(f"{group.reader}.weight") for group in network.groups())
    return sum(weight.shape[1] for weight in readers)
