"""The networks by name, and how one is described and built. Needs no torch until something is built.

A network is described by its `Architecture`; `build` makes it, with random weights that depend on the seed
alone. A further network is one more entry of `MODELS`: a `Family` that names its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from trainables.errors import InputError

if TYPE_CHECKING:
    from torch import nn

Widths = tuple[int, int, int, int]
THIN: Widths = (16, 16, 32, 64)
WIDE: Widths = (32, 64, 128, 256)

RESNET = "trainables.models.resnet:ResNet"
PRERESNET = "trainables.models.preresnet:PreResNet"
BOTTLENECK = "trainables.models.preresnet:PreResNetBottleneck"


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
    """

    model: str
    classes: int
    channels: int = 3
    cfg: tuple[int, ...] | None = None
    shortcut_norm: bool = False

    def to_json(self) -> dict[str, Any]:
        """The fields as a plain dict that `json` can write."""
        return asdict(self) | {"cfg": None if self.cfg is None else list(self.cfg)}

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
        cfg = values.get("cfg")
        return cls(**{**values, "cfg": None if cfg is None else tuple(cfg)})


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A class of networks and the size of one of them.

    Attributes:
        where: `module:class` of the network, called as `class(architecture, depth=depth, widths=widths)`.
        depth: Number of layers as the papers count them: 6n + 2 with basic blocks, 9n + 2 with bottlenecks.
        widths: Channels of the stem and of the three stages (of a bottleneck's inside).
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


MODELS: dict[str, Family] = {
    "resnet8": Family(where=RESNET, depth=8),
    "resnet14": Family(where=RESNET, depth=14),
    "resnet20": Family(where=RESNET, depth=20),
    "resnet32": Family(where=RESNET, depth=32),
    "resnet44": Family(where=RESNET, depth=44),
    "resnet56": Family(where=RESNET, depth=56),
    "resnet110": Family(where=RESNET, depth=110),
    "resnet8x4": Family(where=RESNET, depth=8, widths=WIDE),
    "resnet14x4": Family(where=RESNET, depth=14, widths=WIDE),
    "resnet20x4": Family(where=RESNET, depth=20, widths=WIDE),
    "resnet32x4": Family(where=RESNET, depth=32, widths=WIDE),
    "preresnet8": Family(where=PRERESNET, depth=8),
    "preresnet14": Family(where=PRERESNET, depth=14),
    "preresnet20": Family(where=PRERESNET, depth=20),
    "preresnet32": Family(where=PRERESNET, depth=32),
    "preresnet44": Family(where=PRERESNET, depth=44),
    "preresnet56": Family(where=PRERESNET, depth=56),
    "preresnet110": Family(where=PRERESNET, depth=110),
    "preresnet8x4": Family(where=PRERESNET, depth=8, widths=WIDE),
    "preresnet14x4": Family(where=PRERESNET, depth=14, widths=WIDE),
    "preresnet20x4": Family(where=PRERESNET, depth=20, widths=WIDE),
    "preresnet32x4": Family(where=PRERESNET, depth=32, widths=WIDE),
    "preresnet11_bottleneck": Family(where=BOTTLENECK, depth=11),
    "preresnet20_bottleneck": Family(where=BOTTLENECK, depth=20),
    "preresnet29_bottleneck": Family(where=BOTTLENECK, depth=29),
    "preresnet56_bottleneck": Family(where=BOTTLENECK, depth=56),
    "preresnet110_bottleneck": Family(where=BOTTLENECK, depth=110),
    "preresnet164_bottleneck": Family(where=BOTTLENECK, depth=164),
}


def family(model: str) -> Family:
    """The entry of `MODELS`; an unknown name is an InputError with the nearest known one."""
    if model in MODELS:
        return MODELS[model]
    near = get_close_matches(model, MODELS, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Choose one of these."
    raise InputError(f"model: one of {', '.join(MODELS)}, got {model}. {hint}")


def build(architecture: Architecture, *, seed: int) -> nn.Module:
    """A network with random weights, on the CPU, in float32 and in training mode.

    The weights depend on `architecture` and `seed` alone, and no global random state is touched. The
    description stays with the network as `network.architecture`.
    """
    for key in ("classes", "channels"):
        if (value := getattr(architecture, key)) < 1:
            raise InputError(f"{key}: a number from 1 on, got {value}. Give the number of {key}.")
    chosen = family(architecture.model)

    import torch

    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        network: Any = chosen.build(architecture)
    network.architecture = architecture
    built: nn.Module = network
    return built
