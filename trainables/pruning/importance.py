"""How much a channel matters: one score a channel, the higher the longer it stays. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.models.network import PrunableNetwork

    Batches = Iterable[tuple[Tensor, Tensor]]


class Importance(Protocol):
    """Scores of the channels that are left, one vector for each layer of `network.prunable()`.

    `batches` (images, labels) and `seed` are there for the methods that look at data or draw.
    """

    def __call__(
        self, network: PrunableNetwork, *, batches: Batches = (), seed: int = 0
    ) -> tuple[Tensor, ...]:
        """The scores, detached, on the network's device."""


def slimming(network: PrunableNetwork, *, batches: Batches = (), seed: int = 0) -> tuple[Tensor, ...]:
    """|γ| of the BatchNorm (Liu et al. 2017, arXiv 1708.06519), as in network-slimming's resprune.py."""
    return tuple(
        network.get_parameter(f"{group.norm}.weight").detach().abs()[network.kept(group)]
        for group in network.groups()
    )


IMPORTANCES: dict[str, Importance] = {
    "slimming": slimming,
}
