"""The networks by name, and how one is described and built. Needs no torch until something is built.

A network is described by its `Architecture`; `build` makes it, with random weights that depend on the seed
alone. A further network is one more entry of `MODELS`: a `Family` that names its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from math import inf
from typing import TYPE_CHECKING, Any

from trainables.errors import InputError

if TYPE_CHECKING:
    from torch import nn

Widths = tuple[int, int, int, int]
THIN: Widths = (16, 16, 32, 64)
WIDE: Widths = (32, 64, 128, 256)
VGG_WIDTHS: Widths = (64, 128, 256, 512)

RESNET = "trainables.models.resnet:ResNet"
PRERESNET = "trainables.models.preresnet:PreResNet"
BOTTLENECK = "trainables.models.preresnet:PreResNetBottleneck"
VGG = "trainables.models.vgg:VGG"


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """What is needed to build a network again, weights apart.

    Attributes:
        model: A name in `MODELS`.
        classes: Number of logits.
        channels: Channels of the images, 3 for colour and 1 for grey.
        cfg: Channels that are left in each prunable layer, in the order of the network's `prunable()`;
            None for the whole network.
        shortcut_norm: A BatchNorm in the shortcut of the pre-activation networks, as some checkpoints have.
        mean: Of each image channel, pixels counted from 0 to 1: what the network's input was normalised with;
            None where that is not known.
        std: The same, standard deviations.
    """

    model: str
    classes: int
    channels: int = 3
    cfg: tuple[int, ...] | None = None
    shortcut_norm: bool = False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields as a plain dict that `json` can write."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Architecture:
        """The inverse of `to_json`; unknown or missing keys are an InputError."""
        known = [field.name for field in fields(cls)]
        if strange := sorted(set(values) - set(known)):
            raise InputError(f"architecture: keys are {', '.join(known)}, got {strange[0]}. Take it out.")
        if missing := [key for key in ("model", "classes") if key not in values]:
            raise InputError(
                f"architecture: needs model and classes, got {sorted(values)}. Add {missing[0]}."
            )
        plain: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls(**plain)


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A class of networks and the size of one of them.

    Attributes:
        where: `module:class` of the network, called as `class(architecture, depth=depth, widths=widths)`.
        depth: Number of layers as the papers count them: 6n + 2 with basic blocks, 9n + 2 with bottlenecks.
        widths: Channels of the stem and of the three stages (of a bottleneck's inside); of VGG's stages, the
            last number for the last two.
    """

    where: str
    depth: int
    widths: Widths = THIN

    def build(self, architecture: Architecture) -> nn.Module:
        """The network, its class imported only now; `architecture.model` is not looked at."""
        module, _, name = self.where.partition(":")
        network: nn.Module = getattr(import_module(module), name)(
            architecture, depth=self.depth, widths=self.widths
        )
        return network


BLOCKS = range(1, 19)
"""Residual blocks in a stage: depths 8, 14, ..., 110, with bottlenecks 11, 20, ..., 164."""

MODELS: dict[str, Family] = {
    **{f"resnet{6 * n + 2}": Family(where=RESNET, depth=6 * n + 2) for n in BLOCKS},
    **{f"resnet{6 * n + 2}x4": Family(where=RESNET, depth=6 * n + 2, widths=WIDE) for n in BLOCKS},
    **{f"preresnet{6 * n + 2}": Family(where=PRERESNET, depth=6 * n + 2) for n in BLOCKS},
    **{f"preresnet{6 * n + 2}x4": Family(where=PRERESNET, depth=6 * n + 2, widths=WIDE) for n in BLOCKS},
    **{f"preresnet{9 * n + 2}_bottleneck": Family(where=BOTTLENECK, depth=9 * n + 2) for n in BLOCKS},
    **{f"vgg{depth}": Family(where=VGG, depth=depth, widths=VGG_WIDTHS) for depth in (11, 13, 16, 19)},
}
NAMES = "[pre]resnet{6n+2}[x4], preresnet{9n+2}_bottleneck with n from 1 to 18, vgg{11,13,16,19}"
"""The names in short, for messages."""


def family(model: str) -> Family:
    """The entry of `MODELS`; an unknown name is an InputError with the nearest known one."""
    if model in MODELS:
        return MODELS[model]
    near = get_close_matches(model, MODELS, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Choose one of these."
    raise InputError(f"model: one of {NAMES}, got {model}. {hint}")


def build(architecture: Architecture, *, seed: int) -> nn.Module:
    """A network with random weights, on the CPU, in float32 and in training mode.

    The weights depend on `architecture` and `seed` alone, and no global random state is touched. The
    description stays with the network as `network.architecture`.
    """
    _check(architecture)
    chosen = family(architecture.model)

    import torch

    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        network: Any = chosen.build(architecture)
    network.architecture = architecture
    built: nn.Module = network
    return built


def _check(architecture: Architecture) -> None:
    for key in ("classes", "channels"):
        if (value := getattr(architecture, key)) < 1:
            raise InputError(f"{key}: a number from 1 on, got {value}. Give the number of {key}.")
    mean, std, channels = architecture.mean, architecture.std, architecture.channels
    if (mean is None) != (std is None):
        raise InputError(f"mean, std: both or none, got {mean} and {std}. Give both or leave both out.")
    for key, values in (("mean", mean), ("std", std)):
        if values is not None and len(values) != channels:
            raise InputError(
                f"{key}: one number for each of the {channels} image channels, got {len(values)}. "
                f"Give {channels}."
            )
    if std is not None and not all(0 < value < inf for value in std):
        raise InputError(f"std: finite numbers above 0, got {std}. Give those of the training images.")
