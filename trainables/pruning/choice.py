"""From a rule to a selection: score the layers, cut by percent or to a budget, say what was rescued."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models.network import PrunableNetwork
from trainables.pruning.budget import CostModel, distinct_percents, within
from trainables.pruning.importance import IMPORTANCES
from trainables.pruning.layers import Image, Layer, layers_of
from trainables.pruning.rule import Rule
from trainables.pruning.selection import Selection, select, with_widths_of

if TYPE_CHECKING:
    from trainables.pruning.importance import Batches


def chosen(
    network: nn.Module, rule: Rule, *, image: Image | None, batches: Batches, unpruned: nn.Module | None
) -> Selection:
    """What `trainables.pruning.choose` returns."""
    layers = layers_of(network, image)
    full = _widths(layers) if unpruned is None else _widths(layers_of(unpruned, image))
    _check_unpruned(layers, full)
    floors, untouched = rule.floors(full), rule.untouched(layers)
    if rule.like is not None:
        batches = list(batches)
    scores = IMPORTANCES[rule.like or rule.method](network, layers, batches=batches, seed=rule.seed)

    def selected(percent: float) -> Selection:
        return select(scores, percent, scope=rule.scope, floors=floors, untouched=untouched, full=full)

    if rule.percent is not None:
        selection = selected(rule.percent)
    else:
        key, keep = rule.budget
        size = _size(network, image, key)
        ranked = [width for number, width in enumerate(full) if number not in untouched]
        selection = within(
            key,
            keep,
            whole=complexity(network if unpruned is None else unpruned, image=size),
            cost=CostModel(network, layers, size),
            select=selected,
            percents=distinct_percents(ranked, rule.scope),
        )
    if rule.like is not None:
        own = IMPORTANCES[rule.method](network, layers, batches=batches, seed=rule.seed)
        selection = with_widths_of(selection, own)
    if selection.rescued:
        logging.getLogger("trainables").warning(
            "percent: at %.4g %s would lose more than they may; the best channels of each stay.",
            selection.percent,
            ", ".join(layers[number].name for number in selection.rescued),
        )
    return selection


def _widths(layers: Sequence[Layer]) -> list[int]:
    return [layer.width for layer in layers]


def _check_unpruned(layers: Sequence[Layer], full: Sequence[int]) -> None:
    widths = _widths(layers)
    if len(widths) != len(full) or any(width > most for width, most in zip(widths, full, strict=True)):
        raise InputError(
            f"unpruned: the network from before it was pruned, got layers of {full} channels for {widths}. "
            "Give that one."
        )


def _size(network: nn.Module, image: Image | None, key: str) -> Image:
    """The image that costs are counted with; the parameters of our networks are the same for any."""
    if image is None and key == "keep_params" and isinstance(network, PrunableNetwork):
        return network.architecture.channels, 32, 32
    if image is None:
        raise InputError(f"image: channels, height and width for {key}, got None. Write image=(3, 32, 32).")
    return image
