"""Which of torchvision's networks can be pruned, and what is left of them.

    python benchmarks/pruning_of_torchvision.py

prints a Markdown table (two minutes on one core). From random weights, scales drawn from 0.1 to 1, 10 classes,
percent 0.3, by |γ| where there are BatchNorms and by the L1 norm elsewhere. `trainables.prune` compares the logits
of what it returns with those of the masked network, so what is in the table is right, not only small.
"""

from __future__ import annotations

import time
from typing import Any

import torch
import torchvision
from torch import nn

from trainables import complexity, prune
from trainables.errors import InputError
from trainables.pruning.selection import Selection

AUXILIARY: dict[str, Any] = {"aux_logits": False, "init_weights": True}
NETWORKS: dict[str, tuple[int, dict[str, Any]]] = {
    "alexnet": (64, {}),
    "convnext_tiny": (64, {}),
    "densenet121": (64, {}),
    "efficientnet_b0": (64, {}),
    "efficientnet_v2_s": (64, {}),
    "googlenet": (64, AUXILIARY),
    "inception_v3": (96, AUXILIARY),
    "maxvit_t": (224, {"input_size": (224, 224)}),
    "mnasnet0_5": (64, {}),
    "mobilenet_v2": (64, {}),
    "mobilenet_v3_small": (64, {}),
    "regnet_x_400mf": (64, {}),
    "regnet_y_400mf": (64, {}),
    "resnet18": (64, {}),
    "resnet50": (64, {}),
    "resnext50_32x4d": (64, {}),
    "shufflenet_v2_x1_0": (64, {}),
    "squeezenet1_1": (64, {}),
    "swin_t": (64, {}),
    "swin_v2_t": (64, {}),
    "vgg11": (64, {}),
    "vgg11_bn": (64, {}),
    "vit_b_16": (64, {"image_size": 64}),
    "wide_resnet50_2": (64, {}),
}
"""Name -> side of the images, and what it is built with."""


def row(name: str) -> str:
    """The network's line of the table."""
    side, keys = NETWORKS[name]
    image = (3, side, side)
    torch.manual_seed(0)
    network = torchvision.models.get_model(name, num_classes=10, **keys).eval()
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in norms:
        nn.init.uniform_(layer.weight, 0.1, 1)
    method = "slimming" if norms else "l1"
    before, began = complexity(network, image=image), time.monotonic()
    try:
        smaller: Any = prune(network, 0.3, image=image, method=method)
    except InputError as error:
        why, seconds = str(error).split(", got ")[0], time.monotonic() - began
        return f"| `{name}` | {side} | refused: {why} | | | | {seconds:.0f} |"
    seconds, after, selection = time.monotonic() - began, complexity(smaller, image=image), smaller.pruned_by
    assert isinstance(selection, Selection)
    params = f"{before.params / 1e6:.2f} → {after.params / 1e6:.2f} M"
    macs = f"{before.macs / 1e6:.1f} → {after.macs / 1e6:.1f} M"
    return f"| `{name}` | {side} | {method} | {len(selection.masks)} | {params} | {macs} | {seconds:.0f} |"


def main() -> None:
    """Prints the table."""
    torch.set_num_threads(1)
    print("| network | pixels | ranked by | layers cut | parameters | MACs | seconds |")
    print("|---|--:|---|--:|--:|--:|--:|")
    for name in NETWORKS:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
