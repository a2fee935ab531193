"""Parameters and multiply-accumulates of every shipped network, against fvcore's and Torch-Pruning's counters.

    python benchmarks/complexity_of_models.py

prints a Markdown table (minutes on one core; needs the extra `benchmarks`) and fails if a number differs. MACs are
those of the convolutions and linear layers for one image, colour, 32 × 32, 100 classes. fvcore counts the same; so
does Torch-Pruning, but for the biases of linear layers, which are taken off, and for other layers, which are
left out.
"""

from __future__ import annotations

import logging

import torch
import torch_pruning
from fvcore.nn import FlopCountAnalysis, parameter_count
from torch import Tensor, nn

from trainables.counting import complexity
from trainables.models import MODELS, Architecture, build

COUNTED = (nn.Linear, nn.Conv2d)


def by_fvcore(network: nn.Module, images: Tensor) -> tuple[int, int]:
    """Parameters, and MACs of convolutions and matrix products, of a forward pass."""
    counted = (
        FlopCountAnalysis(network, images).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    )
    operators = counted.by_operator()
    macs = sum(operators[name] for name in ("conv", "linear", "addmm", "matmul"))
    return parameter_count(network)[""], int(macs)


def by_torch_pruning(network: nn.Module, images: Tensor) -> tuple[int, int]:
    """Parameters, and MACs of the convolutions and linear layers without the additions of their biases."""
    _, params, layers, _ = torch_pruning.utils.count_ops_and_params(network, images, layer_wise=True)
    biases: dict[nn.Module, int] = {}

    def added(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        # Torch-Pruning adds the bias of a linear layer once, however many rows it has
        once = output.shape[-1] if isinstance(layer, nn.Linear) else output.numel()
        biases[layer] = 0 if layer.bias is None else once

    counted = [module for module in network.modules() if isinstance(module, COUNTED)]
    hooks = [module.register_forward_hook(added) for module in counted]
    with torch.no_grad():
        network(images)
    for hook in hooks:
        hook.remove()
    macs = sum(layers[module] - biases[module] for module in counted)
    return int(params), int(macs)


def main() -> None:
    """Prints the table."""
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    print("| network | parameters | MACs | prunable channels |")
    print("|---|--:|--:|--:|")
    images = torch.zeros(1, 3, 32, 32)
    for name in MODELS:
        network = build(Architecture(model=name, classes=100), seed=0).eval()
        ours = complexity(network)
        for count in (by_fvcore, by_torch_pruning):
            assert count(network, images) == (ours.params, ours.macs), f"{name}: {count.__name__} differs"
        print(f"| `{name}` | {ours.params:,} | {ours.macs:,} | {ours.prunable:,} |")


if __name__ == "__main__":
    main()
