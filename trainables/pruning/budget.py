"""A budget in place of a percent: what a network costs with given masks, and the cut that meets a share."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from trainables.counting import Complexity, macs_of_layers
from trainables.errors import InputError
from trainables.pruning.layers import Image, Layer
from trainables.pruning.selection import Selection


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a network costs: trainable numbers, and multiply-accumulates of one image."""

    params: int
    macs: int


class CostModel:
    """The cost of a network with any masks, exact, without cutting it.

    A layer of o outputs and i inputs of which o' and i' stay keeps o'·i' / (o·i) of its weights and
    multiply-accumulates, and o'/o of its biases, scales and shifts. A test holds it to the networks cut.
    """

    def __init__(self, network: nn.Module, layers: Sequence[Layer], image: Image) -> None:
        """Counts the network as it is, by one forward pass."""
        self.layers = layers
        macs = macs_of_layers(network, image=image)
        touched = sorted({part.module for layer in layers for part in layer.parts()})
        self.modules = {name: (network.get_submodule(name), macs.get(name, 0)) for name in touched}
        self.fixed = Cost(
            params=sum(parameter.numel() for parameter in network.parameters())
            - sum(p.numel() for module, _ in self.modules.values() for p in module.parameters()),
            macs=sum(macs.values()) - sum(count for _, count in self.modules.values()),
        )

    def __call__(self, masks: Sequence[Tensor]) -> Cost:
        """The cost of the network without the channels that are False."""
        outputs, inputs = dict.fromkeys(self.modules, 0), dict.fromkeys(self.modules, 0)
        for layer, stays in zip(self.layers, masks, strict=True):
            gone = len(stays) - int(stays.sum())
            for part in (*layer.writers, *layer.carriers, *(() if layer.selected else layer.norms)):
                outputs[part.module] += gone * part.channels.shape[1]
            for part in layer.readers:
                inputs[part.module] += gone * part.channels.shape[1]
        params, macs = self.fixed.params, self.fixed.macs
        for name, (module, count) in self.modules.items():
            weight = module.get_parameter("weight")
            o, i = weight.shape[0], weight.shape[1] if weight.dim() > 1 else 1
            left, whole = (o - outputs[name]) * (i - inputs[name]), o * i
            params += weight.numel() * left // whole
            params += (
                sum(p.numel() for p in module.parameters() if p is not weight) * (o - outputs[name]) // o
            )
            macs += count * left // whole
        return Cost(params=params, macs=macs)


def within(
    key: str,
    keep: float,
    *,
    whole: Complexity,
    cost: CostModel,
    select: Callable[[float], Selection],
    percents: Sequence[float],
) -> Selection:
    """The selection with the lowest of `percents` (ascending) that costs at most the share `keep` of `whole`.

    `key` is `keep_macs` or `keep_params`. Selections only shrink as the percent rises, so it is found by
    bisection.
    """
    what = key.removeprefix("keep_")
    budget = keep * getattr(whole, what)

    def fits(percent: float) -> bool:
        return bool(getattr(cost(select(percent).masks), what) <= budget)

    found = bisect.bisect_left(percents, True, key=fits)
    if found == len(percents):
        least = getattr(cost(select(percents[-1]).masks), what) / getattr(whole, what)
        raise InputError(
            f"{key}: a share that can be reached, got {keep}; when all layers have lost what they may, "
            f"{least:.4f} is left. Write {math.ceil(least * 1e4) / 1e4} or more, or protect less."
        )
    return select(percents[found])


def distinct_percents(widths: Sequence[int], scope: str) -> list[float]:
    """One percent for every different selection from layers of these widths, ascending, from 0 on."""
    if scope == "global":
        total = sum(widths)
        return [0.0, *((index + 0.5) / total for index in range(total))]
    return sorted({cut / width for width in widths for cut in range(width)} | {0.0})
