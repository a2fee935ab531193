"""Which network a set of tensors is: recognised by names and shapes, never by a file's name.

Known are the checkpoints of RepDistiller {epoch, model, ...}, of DIST's image_classification_sota {epoch,
model, ema_model, ...}, of network-slimming {state_dict, ...}, pruned {cfg, state_dict} or not, of its forks
with basic blocks, and a bare state_dict; all with or without the `module.` that DataParallel puts before
each name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models import (
    BOTTLENECK,
    MODELS,
    PRERESNET,
    RESNET,
    VGG,
    VGG_WIDTHS,
    Architecture,
    Family,
    build,
    family,
)
from trainables.models.network import PrunableNetwork

State = Mapping[str, Tensor]


WEIGHTS: dict[str, tuple[str, ...]] = {"model": ("state_dict", "model"), "ema_model": ("ema_model",)}
"""Keys of a file under which the networks lie: the trained one (or at the top), and its moving average."""


def state_of(checkpoint: object, *, weights: str = "model") -> tuple[State, Sequence[int] | None]:
    """The tensors in what a file held, and its `cfg` if it has one, without the 'M' of VGG's poolings.

    `weights` chooses between the two networks that DIST's code saves, by a key of `WEIGHTS`.
    """
    if weights not in WEIGHTS:
        raise InputError(f"weights: {' or '.join(WEIGHTS)}, got {weights}. Write one of these.")
    held = checkpoint if isinstance(checkpoint, Mapping) else {}
    key = next((key for key in WEIGHTS[weights] if held.get(key) is not None), None)
    if key is None and weights != "model":
        raise InputError(f"weights: model, the only network in this file, got {weights}. Leave it out.")
    state = checkpoint if key is None else held[key]
    if not isinstance(state, Mapping) or not state:
        raise InputError(f"checkpoint: a state_dict, got {type(state).__name__}. Save network.state_dict().")
    if strange := [
        name for name, value in state.items() if not (isinstance(value, Tensor) and isinstance(name, str))
    ]:
        raise InputError(
            f"checkpoint: tensors under state_dict, model or at the top, got {strange[0]}. "
            "Save network.state_dict()."
        )
    for prefix in ("module.", "_orig_mod."):  # of DataParallel, also twice, and of torch.compile
        while all(str(name).startswith(prefix) for name in state):
            state = {str(name).removeprefix(prefix): tensor for name, tensor in state.items()}
    return state, _widths(held.get("cfg"))


def recognise(state: State, *, model: str | None = None, cfg: Sequence[int] | None = None) -> Architecture:
    """The architecture that the tensors tell, a pruned network's widths included.

    `model` and `cfg` are what was asked for and what the file says beside its tensors: they must agree with
    them.
    """
    seen = _family(state)
    name = next((name for name, known in MODELS.items() if _same(known, seen)), None)
    chosen = model or name
    if chosen is None:
        told = f"depth {seen.depth} and widths {seen.widths}" if seen else f"{next(iter(state))}, ..."
        raise InputError(f"checkpoint: one of the networks of MODELS, got {told}. Build it as one of these.")
    first, last = ("feature.0", "classifier") if seen and seen.where == VGG else ("conv1", "fc")
    whole = Architecture(
        model=chosen,
        classes=_size(state, f"{last}.weight", 0),
        channels=_size(state, f"{first}.weight", 1),
        shortcut_norm=family(chosen).where in (PRERESNET, BOTTLENECK)
        and any(".downsample.1." in tensor for tensor in state),
    )
    network = build(whole, seed=0)
    if not _same(MODELS[chosen], seen) and (fault := misfit(network, state)):
        raise InputError(f"model: {name or 'another network'} in this file, got {chosen}; {fault}.")
    if not isinstance(network, PrunableNetwork):
        return whole

    readers = [f"{group.reader}.weight" for group in network.groups()]
    full = tuple(network.get_parameter(reader).shape[1] for reader in readers)
    kept = tuple(min(_size(state, reader, 1), most) for reader, most in zip(readers, full, strict=True))
    if cfg is not None and list(cfg) != list(kept):
        raise InputError(f"cfg: {list(kept)} by the tensors' shapes, got {list(cfg)}. Take it out.")
    return whole if kept == full else replace(whole, cfg=kept)


def fill(network: nn.Module, state: State) -> nn.Module:
    """Loads the tensors into the network, in their dtype; the first one that does not fit is an InputError.

    Two kinds may be missing: `num_batches_tracked`, which torch did not write before 0.4.1 and which stays 0,
    and the `indexes` of a selection that selects everything, which a network without selections has not.
    """
    if fault := misfit(network, state):
        raise InputError(f"checkpoint: the tensors of its architecture, got others; {fault}.")
    dtype = next((tensor.dtype for tensor in state.values() if tensor.is_floating_point()), torch.float32)
    network.to(dtype).load_state_dict(dict(state), strict=False)
    if not isinstance(network, PrunableNetwork):
        return network
    for group in network.groups():
        width = network.get_parameter(f"{group.reader}.weight").shape[1]
        if group.selection is not None and (ones := len(network.kept(group))) != width:
            raise InputError(
                f"checkpoint: {width} channels selected by {group.selection}.indexes, which {group.reader} "
                f"reads, got {ones}."
            )
    return network


def misfit(network: nn.Module, state: State) -> str | None:
    """The first tensor, in the network's order, that is missing, of another shape or not the network's."""
    own = network.state_dict()
    for name, tensor in own.items():
        if name not in state and not _can_be_missing(name, tensor):
            return f"{name} is missing"
        if name in state and state[name].shape != tensor.shape:
            return f"{name} has shape {tuple(state[name].shape)} in place of {tuple(tensor.shape)}"
    return next((f"{name} is not in the network" for name in state if name not in own), None)


def _can_be_missing(name: str, own: Tensor) -> bool:
    return name.endswith("num_batches_tracked") or (name.endswith("select.indexes") and bool(own.all()))


def _family(state: State) -> Family | None:
    """What the names and shapes tell of one of our networks; None if it is none."""
    features = (
        sum(bool(re.fullmatch(r"feature\.\d+\.weight", name)) for name in state) // 2
    )  # half are BatchNorms
    if features:
        return Family(where=VGG, depth=features + 3, widths=VGG_WIDTHS)
    blocks = sum(bool(re.fullmatch(r"layer[123]\.\d+\.conv1\.weight", name)) for name in state)
    bottleneck = "layer1.0.conv3.weight" in state
    last = "conv3" if bottleneck else "conv2"
    ends = ["conv1.weight", *(f"layer{stage}.0.{last}.weight" for stage in (1, 2, 3))]
    if any(end not in state or state[end].dim() != 4 for end in ends):
        return None
    stem, *outs = (len(state[end]) for end in ends)
    first, second, third = (out // 4 if bottleneck else out for out in outs)
    return Family(
        where=BOTTLENECK if bottleneck else PRERESNET if "bn.weight" in state else RESNET,
        depth=blocks * (3 if bottleneck else 2) + 2,
        widths=(stem, first, second, third),
    )


def _same(known: Family, seen: Family | None) -> bool:
    """Whether the tensors are of this family; a VGG may be narrower everywhere, so only its depth counts."""
    if seen is not None and seen.where == VGG:
        seen = replace(seen, widths=known.widths)
    return known == seen


def _widths(cfg: object) -> Sequence[int] | None:
    if cfg is None:
        return None
    if not isinstance(cfg, list | tuple):
        raise InputError(f"cfg: a list of widths, got {type(cfg).__name__}. Take it out.")
    return [width for width in cfg if width != "M"]


def _size(state: State, name: str, axis: int) -> int:
    if name not in state or state[name].dim() <= axis:
        raise InputError(f"checkpoint: a weight {name}, got none. Take the file of one of our networks.")
    return state[name].shape[axis]
