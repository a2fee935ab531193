"""First-order Taylor scores: what the loss would lose with a channel, from its gradients on some batches."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainables.errors import InputError
from trainables.pruning.layers import Layer


@torch.enable_grad()
def scores(
    network: nn.Module, layers: Sequence[Layer], batches: Iterable[tuple[Tensor, Tensor]]
) -> tuple[Tensor, ...]:
    """Of each layer (Σ w · ∂L/∂w)² over all that makes a channel, averaged over the batches.

    The criterion of Molchanov et al. 2019 (arXiv 1906.10771) for weights that go together, at their gate
    behind the BatchNorm: the sum is γ · ∂L/∂γ + β · ∂L/∂β, over all BatchNorms that the channel passes;
    without BatchNorm it is over the filters and biases that write it. L is the cross-entropy, a mean over
    the batch. Scores are compared over the whole network as they are, and are float64, since squares of
    small gradients leave float32.

    We differ in one place: gradients are those of the network in evaluation mode, which is the function that
    is pruned, on a copy (there: of a training pass). Images (N, C, H, W) are network input, normalised.
    """
    copied = copy.deepcopy(network).eval().requires_grad_(True)
    gates = [_gates(copied, layer) for layer in layers]
    weights = list({id(weight): weight for gate in gates for weight, _ in gate}.values())
    device = weights[0].device
    total = [torch.zeros(layer.width, dtype=torch.float64, device=device) for layer in layers]
    count = 0
    for images, labels in batches:
        loss = cross_entropy(copied(images.to(device)), labels.to(device))
        gradients = torch.autograd.grad(loss, weights)
        change = {
            id(weight): (weight.detach().double() * gradient).flatten(1 if weight.dim() > 1 else 0)
            for weight, gradient in zip(weights, gradients, strict=True)
        }
        for sums, gate in zip(total, gates, strict=True):
            sums += sum(_of_channels(change[id(weight)], channels) for weight, channels in gate) ** 2
        count += 1
    if not count:
        raise InputError(
            "batches: at least one pair of images and labels for taylor, got none. "
            "Give some of the training images."
        )
    return tuple(sums / count for sums in total)


def _gates(network: nn.Module, layer: Layer) -> list[tuple[nn.Parameter, Tensor]]:
    """The parameters that together make the layer's channels, and where in their first axis each lies."""
    return [
        (parameter, part.channels)
        for part in layer.norms or layer.writers
        for parameter in network.get_submodule(part.module).parameters(recurse=False)
    ]


def _of_channels(change: Tensor, channels: Tensor) -> Tensor:
    """Sums of (outputs,) or (outputs, n) over everything that belongs to a channel: (width,)."""
    return change[channels].flatten(1).sum(1)
