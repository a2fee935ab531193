"""Masks on networks that are not ours: zero the channels, or take them out and prove that it was right."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.pruning.dependency import Trace
from trainables.pruning.layers import Image, Layer


@torch.no_grad()
def mask(network: nn.Module, layers: Sequence[Layer], masks: Sequence[Tensor]) -> nn.Module:
    """A copy in which all weights, scales, shifts and biases of the channels that go are 0.

    What makes them and what reads them, so that its logits are those of the network without them whatever
    activations lie between.
    """
    masked = copy.deepcopy(network)
    for layer, stays in zip(layers, masks, strict=True):
        for part in (*layer.norms, *layer.writers, *layer.carriers):
            for parameter in masked.get_submodule(part.module).parameters(recurse=False):
                parameter[part.channels[~stays].flatten()] = 0
        for part in layer.readers:
            masked.get_parameter(f"{part.module}.weight")[:, part.channels[~stays].flatten()] = 0
    return masked


def cut(network: nn.Module, masks: Sequence[Tensor], *, image: Image) -> nn.Module:
    """A new network of the same class without the channels that go, on the same device, in the same modes.

    Masks are those of `layers_of(network, image)`. The given network is untouched. The logits of the new one
    are compared with those of the masked one on two random images, on the CPU: where a network does what
    Torch-Pruning does not see, that is an InputError and not a broken network.
    """
    trace = Trace(network, image)
    widths = [(layer.name, layer.width) for layer in trace.layers]
    if [len(stays) for stays in masks] != [width for _, width in widths] or not all(m.any() for m in masks):
        raise InputError(
            f"masks: one for each of {dict(widths)}, at least one True in each, got "
            f"{[f'{int(m.sum())} of {len(m)}' for m in masks]}. Make them from this network."
        )
    masked = mask(trace.network, trace.layers, masks)
    smaller = trace.cut(masks)
    _agree(smaller, masked, image, type(network).__name__)
    flags = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    for name, parameter in smaller.named_parameters():
        parameter.requires_grad_(flags[name])
    modes = {name: module.training for name, module in network.named_modules()}
    for name, module in smaller.named_modules():
        module.training = modes[name]
    return smaller.to(next(network.parameters()).device)


@torch.no_grad()
def _agree(smaller: nn.Module, masked: nn.Module, image: Image, what: str) -> None:
    images = torch.randn(2, *image, generator=torch.Generator().manual_seed(0))
    expected = masked(images.to(next(masked.parameters()).dtype))
    try:
        logits = smaller(images.to(expected.dtype))
        difference = (logits - expected).abs().max().item()
        same = logits.shape == expected.shape
    except RuntimeError as error:
        same, difference = False, str(error).splitlines()[0]
    else:
        same = same and difference <= 1e4 * torch.finfo(expected.dtype).eps * expected.abs().max().item()
    if not same:
        raise InputError(
            f"network: cut and masked alike, got {what}, whose logits differ ({difference}): it joins channels "
            "in a way that can't be traced. Protect the layers before that place, or take another network."
        )
