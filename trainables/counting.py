"""Size and cost of a network: parameters, and multiply-accumulates of one image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.network import PrunableNetwork
from trainables.models.selection import ChannelSelection

COUNTED = (nn.Linear, nn.modules.conv._ConvNd)


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


def complexity(network: nn.Module, *, image: tuple[int, int, int] = (3, 32, 32)) -> Complexity:
    """Counts by one forward pass of a zero image (channels, height, width) in evaluation mode.

    The network is as before afterwards: modes and BatchNorm statistics included.
    """
    selections = [module for module in network.modules() if isinstance(module, ChannelSelection)]
    return Complexity(
        params=sum(parameter.numel() for parameter in network.parameters()),
        macs=sum(macs_of_layers(network, image=image).values()),
        selection=sum(len(selection.indexes) for selection in selections),
        prunable=_prunable(network),
    )


@torch.no_grad()
def macs_of_layers(network: nn.Module, *, image: tuple[int, int, int]) -> dict[str, int]:
    """Multiply-accumulates of every convolution and linear layer by its name, counted as `complexity` does.

    An output of a convolution costs its filter, an input of a transposed one. A layer that runs twice counts
    twice. Products that are no such layer (attention) are not seen.
    """
    architecture = getattr(network, "architecture", None)
    if architecture is not None and architecture.channels != image[0]:
        raise InputError(
            f"image: {architecture.channels} channels for this {architecture.model}, got {image[0]}. "
            f"Write ({architecture.channels}, {image[1]}, {image[2]})."
        )
    names: dict[nn.Module, str] = {
        module: name for name, module in network.named_modules() if isinstance(module, COUNTED)
    }
    macs = dict.fromkeys(names.values(), 0)

    def count(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        each = inputs[0] if getattr(layer, "transposed", False) else output
        macs[names[layer]] += each.numel() * layer.get_parameter("weight")[0].numel()

    modes = {module: module.training for module in network.modules()}
    hooks = [module.register_forward_hook(count) for module in names]
    try:
        network.eval()
        network(next(network.parameters()).new_zeros(1, *image))
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes.items():
            module.training = training
    return macs


def _prunable(network: nn.Module) -> int:
    if not isinstance(network, PrunableNetwork):
        return 0
    readers = (network.get_parameter(f"{group.reader}.weight") for group in network.groups())
    return sum(weight.shape[1] for weight in readers)
