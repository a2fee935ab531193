"""How much a channel matters: one score a channel, the higher the longer it stays. Needs no torch to import.

Where a channel lies in several modules of a kind (convolutions added up by a shortcut, the BatchNorms behind
them), its score is their mean, as in Torch-Pruning (Fang et al. 2023, arXiv 2301.12900); Taylor sums, as it
estimates a change of the loss. A channel behind a selection is not taken out of the sum that several
convolutions write, only out of the one layer that reads it: that layer's weights for it stand for the filter.

Some scores can be compared across layers as they are: γ is one scale for all (Liu et al. 2017), so are changes
of the loss (Molchanov et al. 2019) and random numbers. Norms and distances of filters grow with the filters'
size and their authors rank them within a layer; they are divided by the layer's mean, as in Torch-Pruning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from trainables.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.pruning.layers import Layer

    Batches = Iterable[tuple[Tensor, Tensor]]


class Importance(Protocol):
    """Scores of the channels that are left, one vector for each layer, detached, on the network's device.

    `batches` (network input, labels) and `seed` are there for the methods that look at data or draw. The
    network is left as it was.
    """

    def __call__(
        self, network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
    ) -> tuple[Tensor, ...]:
        """The scores, 0 or more."""


def slimming(
    network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
) -> tuple[Tensor, ...]:
    """|γ| of the BatchNorm (Liu et al. 2017, arXiv 1708.06519), as in network-slimming's resprune.py."""

    def score(layer: Layer) -> Tensor:
        if not layer.norms:
            raise InputError(
                f"method: slimming needs a BatchNorm behind every layer, got {layer.name} without one. "
                "Choose l1, l2, fpgm, taylor or random."
            )
        scales = ((network.get_parameter(f"{norm.module}.weight"), norm.channels) for norm in layer.norms)
        return _mean([scale.detach().abs()[channels].mean(1) for scale, channels in scales])

    return tuple(score(layer) for layer in layers)


def l1(
    network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
) -> tuple[Tensor, ...]:
    """Sum of |w| over the channel's filter (Li et al. 2017, arXiv 1608.08710), over the layer's mean."""
    return _by_filters(network, layers, lambda filters: filters.norm(p=1, dim=1))


def l2(
    network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
) -> tuple[Tensor, ...]:
    """Length of the channel's filter (He et al. 2018, arXiv 1808.06866), over the layer's mean."""
    return _by_filters(network, layers, lambda filters: filters.norm(p=2, dim=1))


def fpgm(
    network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
) -> tuple[Tensor, ...]:
    """Sum of the distances to the layer's other filters, over the layer's mean.

    Lowest where a filter is closest to the geometric median, so that the others can stand for it (He et al.
    2019, arXiv 1811.00250).
    """
    import torch

    def distances(filters: Tensor) -> Tensor:
        exact = filters.double()  # products of float32 would lose small distances
        found = torch.cdist(exact, exact, compute_mode="use_mm_for_euclid_dist").sum(1)
        return found.to(filters.dtype)

    return _by_filters(network, layers, distances)


def taylor(
    network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
) -> tuple[Tensor, ...]:
    """Squared first-order change of the loss without the channel (Molchanov et al. 2019, arXiv 1906.10771)."""
    from trainables.pruning.taylor import scores

    return scores(network, layers, batches)


def random(
    network: nn.Module, layers: Sequence[Layer], *, batches: Batches = (), seed: int = 0
) -> tuple[Tensor, ...]:
    """Uniform numbers from `seed` alone, the same on every device."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    device = next(network.parameters()).device
    return tuple(torch.rand(layer.width, generator=generator).to(device) for layer in layers)


IMPORTANCES: dict[str, Importance] = {
    "slimming": slimming,
    "l1": l1,
    "l2": l2,
    "fpgm": fpgm,
    "taylor": taylor,
    "random": random,
}


def _by_filters(
    network: nn.Module, layers: Sequence[Layer], score: Callable[[Tensor], Tensor]
) -> tuple[Tensor, ...]:
    """`score` of each layer's filters (width, n), over its mean; a layer of zeros stays at 0."""

    def scored(layer: Layer) -> Tensor:
        found = _mean([score(filters) for filters in _filters(network, layer)])
        mean = found.mean()
        return found / mean if mean > 0 else found

    return tuple(scored(layer) for layer in layers)


def _filters(network: nn.Module, layer: Layer) -> list[Tensor]:
    """The weights that make each channel, or behind a selection those that read it: (width, n) a module."""

    def weight(module: str) -> Tensor:
        return network.get_parameter(f"{module}.weight").detach()

    if layer.writers:
        return [weight(part.module)[part.channels].flatten(1) for part in layer.writers]
    return [weight(part.module).transpose(0, 1)[part.channels].flatten(1) for part in layer.readers]


def _mean(scores: Sequence[Tensor]) -> Tensor:
    return sum(scores[1:], scores[0]) / len(scores)
