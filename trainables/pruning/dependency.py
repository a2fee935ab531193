"""The channels of any network: Torch-Pruning traces which belong together, and cuts them.

Torch-Pruning's dependency graph (Fang et al. 2023, arXiv 2301.12900) follows one image through the network.
Of its groups of channels we take those that we can cut exactly. Left whole are

- the network's outputs;
- channels that pass anything but convolutions, linear layers, BatchNorms, PReLUs and what has no parameters,
  or that enter or leave a grouped convolution (a depthwise one is fine);
- in a network with BatchNorms, channels that pass none: so every method ranks the same channels.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn
from torch_pruning import ops

from trainables.errors import InputError
from trainables.pruning.layers import Image, Layer, Part

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NO_PARAMETERS = {
    ops.OPTYPE.ELEMENTWISE,
    ops.OPTYPE.CONCAT,
    ops.OPTYPE.SPLIT,
    ops.OPTYPE.SLICE,
    ops.OPTYPE.RESHAPE,
    ops.OPTYPE.OUTPUT,
}

PRODUCTS = {"BmmBackward0", "BaddbmmBackward0"}
"""Autograd's names for products of batches of matrices."""


class Trace:
    """A copy of a network on the CPU, in evaluation mode, and what Torch-Pruning knows of it.

    Attributes:
        network: The copy.
        layers: The layers that can be cut, in module order.
    """

    def __init__(self, network: nn.Module, image: Image) -> None:
        """Traces the copy with one image of zeros; a network that can't be traced is an InputError."""
        self.network = copy.deepcopy(network).cpu().eval().requires_grad_(True)
        self._names = {module: name for name, module in self.network.named_modules()}
        self._place = {name: number for number, name in enumerate(self._names.values())}
        self._graph, groups = _traced(self.network, image)
        found = [pair for group in groups if (pair := self._layer(group)) is not None]
        if any(layer.norms for layer, _ in found):
            found = [(layer, root) for layer, root in found if layer.norms]
        if not found:
            what = type(network).__name__
            raise InputError(f"network: one with channels that can be cut, got {what} without. Take another.")
        found.sort(key=lambda pair: self._place[pair[0].name])
        self.layers = tuple(layer for layer, _ in found)
        self._roots = tuple(root for _, root in found)

    def cut(self, masks: Sequence[Tensor]) -> nn.Module:
        """Takes the channels that are False out of `network`, in place, and returns it; only once."""
        for root, stays in zip(self._roots, masks, strict=True):
            if gone := (~stays).nonzero().flatten().tolist():
                function = self._graph.get_pruner_of_module(root).prune_out_channels
                self._graph.get_pruning_group(root, function, gone).prune()
        return self.network

    def _layer(self, group: Any) -> tuple[Layer, nn.Module] | None:
        """One of Torch-Pruning's groups as a layer, with the module whose outputs it begins at."""
        parts: dict[str, list[Part]] = {"norms": [], "writers": [], "readers": [], "carriers": []}
        width = len(group[0].idxs)
        for item in group.items:
            node = item.dep.target
            outwards = self._graph.is_out_channel_pruning_fn(item.dep.handler)
            if outwards and not node.outputs:
                return None
            role = _role(node, outwards)
            if role == "passed":
                continue
            channels = _channels(width, item.root_idxs, item.idxs)
            if role is None or channels is None:
                return None
            parts[role].append(Part(module=self._names[node.module], channels=channels))
        if not parts["writers"] or not parts["readers"]:
            return None
        for some in parts.values():
            some.sort(key=lambda part: self._place[part.module])
        layer = Layer(
            name=(parts["norms"] or parts["writers"])[0].module,
            norms=tuple(parts["norms"]),
            writers=tuple(parts["writers"]),
            readers=tuple(parts["readers"]),
            carriers=tuple(parts["carriers"]),
        )
        return layer, group[0].dep.target.module


def _traced(network: nn.Module, image: Image) -> tuple[Any, list[Any]]:
    """Torch-Pruning's dependency graph and all its groups."""
    what = type(network).__name__
    example = next(network.parameters()).new_zeros(1, *image)
    try:
        logits = network(example)
    except Exception as error:
        raise InputError(
            f"image: channels, height and width that {what} takes, got {image} "
            f"({str(error).splitlines()[0]}). Give its own."
        ) from error
    if not isinstance(logits, Tensor):
        raise InputError(
            f"network: one that returns a tensor of logits, got {what}, which returns "
            f"{type(logits).__name__}. Wrap it in a module that does."
        )
    try:
        with torch.enable_grad(), warnings.catch_warnings(action="ignore"):
            # a tuple: of a bare tensor Torch-Pruning would pass the rows as arguments
            graph = torch_pruning.DependencyGraph().build_dependency(network, (example,), verbose=False)
            _check_followed(network, graph)
            return graph, list(graph.get_all_groups())
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"network: one that Torch-Pruning can trace, got {what} ({type(error).__name__}: {error}). "
            "Shuffled channels, for one, it can't; take another network."
        ) from error


def _check_followed(network: nn.Module, graph: Any) -> None:
    """What Torch-Pruning would follow wrongly, or without an end, is an InputError.

    Attention written out, as in Swin and MaxViT: a product of activations passes for an elementwise operation, and
    the walk through its reshaped channels does not come back to where it was. Layers that are never called, or
    whose weights are read past them: they would be left with their old width.
    """
    what = type(network).__name__
    if any(
        node.grad_fn is not None and node.grad_fn.name() in PRODUCTS for node in graph.module2node.values()
    ):
        raise InputError(
            f"network: no matrix products of activations, got {what} with some: Torch-Pruning follows attention "
            "only as nn.MultiheadAttention. Take another network."
        )
    followed = set(graph.module2node)
    for module in network.modules():
        if isinstance(module, nn.MultiheadAttention) and module in followed:
            followed |= set(module.modules())
    for name, module in network.named_modules():
        if module not in followed and isinstance(module, (*CONVOLUTIONS, nn.Linear, ops.TORCH_BATCHNORM)):
            raise InputError(
                f"network: every layer used in evaluation mode, got {what}, whose {name} is not. "
                "Take it out first (torchvision: aux_logits=False)."
            )


def _role(node: Any, outwards: bool) -> str | None:
    """Where a module belongs in a `Layer`; `passed` if it holds nothing, None if it can't be cut exactly."""
    module = node.module
    if node.type in NO_PARAMETERS:
        return "passed"
    if isinstance(module, ops.TORCH_BATCHNORM):
        return "norms" if module.affine else "passed"
    if isinstance(module, nn.PReLU):
        return "carriers" if module.num_parameters > 1 else "passed"
    if isinstance(module, CONVOLUTIONS) and module.groups > 1:
        return "carriers" if module.groups == module.in_channels == module.out_channels else None
    if isinstance(module, (*CONVOLUTIONS, nn.Linear)):
        return "writers" if outwards else "readers"
    return None


def _channels(width: int, roots: Iterable[int | None], positions: Iterable[int]) -> Tensor | None:
    """Positions of each channel, int64 (width, k); None if channels differ in their number of positions."""
    rows: list[list[int]] = [[] for _ in range(width)]
    for root, position in zip(roots, positions, strict=True):
        if root is None:
            return None
        rows[root].append(position)
    if len({len(row) for row in rows}) != 1 or not rows[0]:
        return None
    return torch.tensor(rows)
