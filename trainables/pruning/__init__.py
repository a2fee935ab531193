"""Pruning in three steps: scores of channels, a selection by them, surgery on the network.

`prune` does all three; `choose` the first two, for those who want to see the selection or mask first. Needs
no torch until something is pruned.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from trainables.errors import InputError
from trainables.pruning.importance import IMPORTANCES

if TYPE_CHECKING:
    from torch import nn

    from trainables.pruning.selection import Selection


def choose(network: nn.Module, percent: float, *, method: str = "slimming") -> Selection:
    """Which channels stay when the share `percent` (0 to below 1) of those that are left is to go.

    Layers that keep one channel against the rule are warned about on the logger `trainables`.
    """
    from trainables.models.network import PrunableNetwork
    from trainables.pruning.selection import select

    if method not in IMPORTANCES:
        raise InputError(f"method: one of {', '.join(IMPORTANCES)}, got {method}. Write one of these.")
    if not isinstance(network, PrunableNetwork):
        raise InputError(
            f"network: one that says what can be cut, got {type(network).__name__}. "
            "Take one of trainables.models."
        )
    selection = select(IMPORTANCES[method](network), percent)
    if selection.rescued:
        names = ", ".join(network.prunable()[layer] for layer in selection.rescued)
        logging.getLogger("trainables").warning(
            "percent: at %s all channels of %s would go; the best one of each stays.", percent, names
        )
    return selection


def prune(network: nn.Module, percent: float, *, method: str = "slimming") -> nn.Module:
    """A new, smaller network without the share `percent` of the channels; the given one is untouched.

    The share is of all channels that can be cut, over the whole network; 0 gives a copy. The new network
    holds the selection as `pruned_by`: `pruned_by.rescued` are the layers that kept their best channel
    against the rule.
    """
    from trainables.pruning.surgery import cut

    selection = choose(network, percent, method=method)
    smaller = cut(network, selection.masks)
    smaller.pruned_by = selection
    return smaller
