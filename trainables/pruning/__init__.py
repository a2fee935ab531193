"""Pruning in three steps: scores of channels, a selection by them, surgery on the network.

`prune` does all three; `choose` the first two, for those who want to see the selection or mask first; `cut`
the last. They take our prunable networks and, traced by Torch-Pruning, any other. Needs no torch until
something is pruned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Unpack

from trainables.pruning.gradual import cumulative as cumulative
from trainables.pruning.gradual import share_of_the_rest as share_of_the_rest
from trainables.pruning.importance import IMPORTANCES as IMPORTANCES
from trainables.pruning.rule import Rule as Rule
from trainables.pruning.rule import RuleKeys

if TYPE_CHECKING:
    from torch import Tensor, nn

    from trainables.pruning.importance import Batches
    from trainables.pruning.layers import Image
    from trainables.pruning.selection import Selection


def prune(
    network: nn.Module,
    percent: float | None = None,
    *,
    image: Image | None = None,
    batches: Batches = (),
    unpruned: nn.Module | None = None,
    **keys: Unpack[RuleKeys],
) -> nn.Module:
    """A new, smaller network without the share `percent` of the channels; the given one is untouched.

    The share is of all channels that can be cut, over the whole network; 0 gives a copy. The new network
    holds the selection as `pruned_by`: `pruned_by.rescued` are the layers that kept their best channels
    against the rule. The arguments are those of `choose`.
    """
    selection = choose(network, percent, image=image, batches=batches, unpruned=unpruned, **keys)
    smaller: Any = cut(network, selection.masks, image=image)
    smaller.pruned_by = selection
    return smaller  # type: ignore[no-any-return]


def choose(
    network: nn.Module,
    percent: float | None = None,
    *,
    image: Image | None = None,
    batches: Batches = (),
    unpruned: nn.Module | None = None,
    **keys: Unpack[RuleKeys],
) -> Selection:
    """Which channels stay when the share `percent` (0 to below 1) of them is to go.

    Layers that keep channels against the rule are warned about on the logger `trainables`.

    Args:
        network: One of `trainables.models`, or any network that returns a tensor of logits.
        percent: Share of the channels; without it one of the budgets `keep_macs` and `keep_params`.
        image: Channels, height and width of the network's input, for `keep_macs` and for networks that are
            not ours, which are traced with it.
        batches: Network input and labels, for method taylor.
        unpruned: The network that it was before it lost channels, for gradual pruning: percent, budgets and
            protected shares are then of this one, and what is gone already counts.
        **keys: method, scope, protect_share, protect, like, seed, keep_macs, keep_params: see `Rule`.
    """
    from trainables.pruning.choice import chosen

    rule = Rule(percent=percent, **keys)
    return chosen(network, rule, image=image, batches=batches, unpruned=unpruned)


def cut(network: nn.Module, masks: Sequence[Tensor], *, image: Image | None = None) -> nn.Module:
    """A new network without the channels that are False in `masks`, one for each layer of `layers_of`.

    With a fresh network and the masks of a pruned one this gives the pruned one's shape again, for a
    state_dict to be loaded.
    """
    from trainables.models.network import PrunableNetwork

    if isinstance(network, PrunableNetwork):
        from trainables.pruning import surgery

        return surgery.cut(network, masks)
    from trainables.pruning import foreign
    from trainables.pruning.layers import traced_size

    return foreign.cut(network, masks, image=traced_size(network, image))
