"""From masks to networks: zero the channels, or really take them out, or begin again without them.

Masks hold one bool for each channel that is left, a vector for each layer of `network.prunable()`; True
stays. Both ways give the same logits: γ and β of a masked channel are 0, so it is 0 after the ReLU.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models import build
from trainables.models.network import PrunableNetwork


@torch.no_grad()
def mask(network: nn.Module, masks: Sequence[Tensor]) -> PrunableNetwork:
    """A copy in which scale and shift of every channel that goes are 0; its size is the same."""
    masked = copy.deepcopy(_fitting(network, masks))
    for group, stays in zip(masked.groups(), masks, strict=True):
        scale, shift = (masked.get_parameter(f"{group.norm}.{name}") for name in ("weight", "bias"))
        gone = masked.kept(group)[~stays.to(scale.device)]
        scale[gone] = 0
        shift[gone] = 0
    return masked


@torch.no_grad()
def cut(network: nn.Module, masks: Sequence[Tensor]) -> PrunableNetwork:
    """A new network without the channels that go, on the same device, in the same dtype and mode.

    As network-slimming's resprune.py: channels behind a selection are taken out of its `indexes` and out of
    the layer that reads them (their BatchNorm keeps them, masked), others out of their BatchNorm, too, and of
    the convolution that makes them. Masks without a False give a copy.
    """
    network = _fitting(network, masks)
    if all(stays.all() for stays in masks):
        return copy.deepcopy(network)
    state = dict(mask(network, masks).state_dict())
    for group, stays in zip(network.groups(), masks, strict=True):
        weight = state[f"{group.reader}.weight"]
        stays = stays.to(weight.device)
        state[f"{group.reader}.weight"] = weight[:, stays]
        if group.selection is not None:
            indexes = state[f"{group.selection}.indexes"]
            indexes[indexes != 0] = stays.to(indexes.dtype)
            continue
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{group.norm}.{name}"] = state[f"{group.norm}.{name}"][stays]
        state[f"{group.writer}.weight"] = state[f"{group.writer}.weight"][stays]

    cfg = tuple(int(stays.sum()) for stays in masks)
    smaller = build(replace(network.architecture, cfg=cfg), seed=0).to(weight)
    assert isinstance(smaller, PrunableNetwork)
    smaller.load_state_dict(state)
    return smaller.train(network.training)


@torch.no_grad()
def restart(network: nn.Module, *, seed: int) -> PrunableNetwork:
    """The same shape and the same selections with new random weights: training a pruned network from scratch.

    As in rethinking-network-pruning's cifar/network-slimming/main_E.py (Liu et al. 2019, arXiv 1810.05270),
    which copies the selections, too. The weights depend on the shape and `seed` alone.
    """
    assert isinstance(network, PrunableNetwork)
    parameter = next(network.parameters())
    fresh = build(network.architecture, seed=seed).to(parameter)
    assert isinstance(fresh, PrunableNetwork)
    for group in network.groups():
        if group.selection is not None:
            name = f"{group.selection}.indexes"
            fresh.get_buffer(name).copy_(network.get_buffer(name))
    return fresh.train(network.training)


def _fitting(network: nn.Module, masks: Sequence[Tensor]) -> PrunableNetwork:
    assert isinstance(network, PrunableNetwork)
    for layer, (group, stays) in enumerate(zip(network.groups(), masks, strict=True)):
        width = network.get_parameter(f"{group.reader}.weight").shape[1]
        if len(stays) != width or not stays.any():
            raise InputError(
                f"masks: {width} entries for {group.norm} (layer {layer}), at least one True, got "
                f"{len(stays)} with {int(stays.sum())} True. Make them from this network."
            )
    return network
