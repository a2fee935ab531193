"""A trained network's parameters in the prunable network of its depth and widths.

From a pre-activation network every tensor goes where it was, with selections of all channels where there were
none: the function is the same. From a post-activation one (`resnet8x4` to `preresnet8x4`) they go like this,
block by block; BatchNorms that are folded scale the convolution before them and leave a shift per channel:

| pre-activation | made of |
|---|---|
| conv1 | conv1 and bn1 |
| block.bn1, at the end bn | the shifts of all that was folded on the way to this sum |
| block.conv1, block.bn2 | block.conv1, block.bn1, as they are |
| block.conv2 | block.conv2 and block.bn2 |
| block.downsample.0 | block.downsample.0 and block.downsample.1, and the ReLU before them |
| fc | fc, as it is |

One thing has no place: a post-activation shortcut reads a sum after its ReLU, a pre-activation one before it.
There a line stands in for the ReLU, the least-squares one for a normal variable with the mean and variance
that the BatchNorms tell: slope Φ(μ/σ), offset σ·φ(μ/σ) (a shortcut without convolution takes its mean alone).
So the function is kept where those sums lie far above 0, and changed elsewhere; the accuracy after it has to be
measured, and BatchNorm statistics taken anew come closer. The scales of block.bn1 and bn, which rank channels,
are the standard deviations of the sums, summands taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.foreign import State, fill, recognise, state_of
from trainables.models import PRERESNET, RESNET, Architecture, build, family

EPS = 1e-5
"""What BatchNorm adds to the variance, here as in the official codes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What became of the parameters, by names of modules.

    Attributes:
        copied: Target to source, all tensors as they were.
        computed: Target to the sources that it was made of.
        new: Targets that come from no source: selections, which select all.
        unused: Sources that went nowhere.
        exact: Whether every image keeps its logits.
        reason: Why, in a sentence.
    """

    copied: Mapping[str, str]
    computed: Mapping[str, tuple[str, ...]]
    new: tuple[str, ...]
    unused: tuple[str, ...]
    exact: bool
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """What the source's blocks add up, one number a channel: a normal variable as far as is known.

    Attributes:
        shift: The source's sum minus the target's.
        mean: Of the source's sum.
        var: Its variance.
        parts: The modules of the source that the shift comes from.
    """

    shift: Tensor
    mean: Tensor
    var: Tensor
    parts: tuple[str, ...]

    def norm(self) -> dict[str, Tensor]:
        """The BatchNorm that turns the target's sum into the source's."""
        return {
            "weight": (self.var + EPS).sqrt(),
            "bias": self.mean,
            "running_mean": self.mean - self.shift,
            "running_var": self.var,
        }

    def relu(self) -> tuple[Tensor, Tensor]:
        """Slope and offset of the linear function with the least mean square distance to the ReLU."""
        deviation = (self.var + EPS).sqrt()
        ratio = self.mean / deviation
        density = (-ratio.square() / 2).exp() / math.sqrt(2 * math.pi)
        return torch.special.ndtr(ratio), deviation * density


def transfer(source: nn.Module, model: str) -> tuple[nn.Module, Report]:
    """The network `model` with the parameters of `source`, which stays as it is, and what became of them.

    The source is one of our networks or any module whose names and shapes are those of one, whole or pruned;
    the new network is on its device, in its dtype and mode.

    Raises:
        InputError: The source is another network, or `model` is not the one of its depth and widths.
    """
    state, _ = state_of(source.state_dict())
    known = getattr(source, "architecture", None)
    architecture = known if isinstance(known, Architecture) else recognise(state)
    given, asked = family(architecture.model), family(model)
    if asked == given:
        network, moves = fill(build(architecture, seed=0), state), _same(state)
    elif given.where == RESNET and asked == replace(given, where=PRERESNET):
        state = fill(build(architecture, seed=0), state).state_dict()
        moves = _to_preactivation(state, blocks=(given.depth - 2) // 6)
        made = {name: tensor.to(state["fc.weight"]) for name, tensor in moves.made.items()}
        twin = replace(recognise(made, model=model), mean=architecture.mean, std=architecture.std)
        network = fill(build(twin, seed=0), made)
    else:
        raise InputError(
            f"model: {architecture.model}, or its pre-activation twin if it is post-activation, got {model}. "
            "Take the one of the same depth and widths."
        )
    device = next(source.parameters()).device
    return network.to(device).train(source.training), moves.report(network)


@dataclass(kw_only=True, slots=True)
class _Moves:
    """The tensors of the target while they are made from `state`, the source's."""

    state: State
    exact: bool
    reason: str
    made: dict[str, Tensor] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)
    computed: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def copy(self, target: str, source: str) -> None:
        """All tensors of a module, as they are."""
        for name in [name for name in self.state if _module(name) == source]:
            self.made[target + name.removeprefix(source)] = self.state[name]
        self.copied[target] = source

    def fold(self, conv: str, norm: str) -> Tensor:
        """The convolution with the BatchNorm behind it in its weight; the shift that is left, one a channel."""
        scale = self.state[f"{norm}.weight"] / (self.state[f"{norm}.running_var"] + EPS).sqrt()
        self.made[f"{conv}.weight"] = scale[:, None, None, None] * self.state[f"{conv}.weight"]
        self.computed[conv] = (conv, norm)
        return self.state[f"{norm}.bias"] - scale * self.state[f"{norm}.running_mean"]

    def read(self, norm: str, total: Sum) -> None:
        """The BatchNorm that reads a sum."""
        self.made |= {f"{norm}.{name}": tensor for name, tensor in total.norm().items()}
        self.computed[norm] = total.parts

    def report(self, network: nn.Module) -> Report:
        """What became of the source's modules in `network`."""
        used = {*self.copied.values(), *chain.from_iterable(self.computed.values())}
        targets = dict.fromkeys(_module(name) for name in network.state_dict())
        return Report(
            copied=self.copied,
            computed=self.computed,
            new=tuple(name for name in targets if name not in self.copied and name not in self.computed),
            unused=tuple(name for name in dict.fromkeys(map(_module, self.state)) if name not in used),
            exact=self.exact,
            reason=self.reason,
        )


def _same(state: State) -> _Moves:
    moves = _Moves(state=state, exact=True, reason="The network is the same; new selections take it all.")
    for name in dict.fromkeys(map(_module, state)):
        moves.copy(name, name)
    return moves


def _to_preactivation(state: State, *, blocks: int) -> _Moves:
    state = {name: tensor.double() for name, tensor in state.items()}
    moves = _Moves(
        state=state,
        exact=False,
        reason="Shortcuts read sums before their ReLU: logits change unless those sums lie far above 0.",
    )
    mean, var = _moments(state, "bn1")
    total = Sum(shift=moves.fold("conv1", "bn1"), mean=mean, var=var, parts=("bn1",))
    for block in (f"layer{stage}.{n}" for stage in (1, 2, 3) for n in range(blocks)):
        moves.read(f"{block}.bn1", total)
        moves.copy(f"{block}.conv1", f"{block}.conv1")
        moves.copy(f"{block}.bn2", f"{block}.bn1")
        shift, (mean, var) = moves.fold(f"{block}.conv2", f"{block}.bn2"), _moments(state, f"{block}.bn2")

        slope, offset = total.relu()
        conv, norm = f"{block}.downsample.0", f"{block}.downsample.1"
        if f"{conv}.weight" in state:
            shift = shift + moves.fold(conv, norm)
            weight = moves.made[f"{conv}.weight"]
            shift = shift + weight[:, :, 0, 0] @ (slope * total.shift + offset)
            moves.made[f"{conv}.weight"] = weight * slope[:, None, None]
            moves.computed[conv] += total.parts
            beside, parts = _moments(state, norm), (*total.parts, conv, norm)
        else:
            after = slope * total.mean + offset
            shift = shift + total.shift + after - total.mean
            beside, parts = (after, total.var), total.parts
        mean, var = mean + beside[0], var + beside[1]
        total = Sum(shift=shift, mean=mean, var=var, parts=(*parts, f"{block}.bn2"))
    moves.read("bn", total)
    moves.copy("fc", "fc")
    return moves


def _moments(state: State, norm: str) -> tuple[Tensor, Tensor]:
    """Mean and variance of what a BatchNorm puts out, if its statistics are true."""
    return state[f"{norm}.bias"], state[f"{norm}.weight"].square()


def _module(name: str) -> str:
    return name.rpartition(".")[0]
