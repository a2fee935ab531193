"""The L1 penalty on BatchNorm scales γ: network slimming (Liu et al. 2017, arXiv 1708.06519, equation 1).

As in the official main.py (`updateBN`) it enters as a sub-gradient, after the backward pass and before the
optimizer's step, so momentum and learning rate act on it; sign(0) is 0.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models.network import PrunableNetwork

On = Literal["all", "prunable"]


def scales(network: nn.Module, *, on: On = "all") -> list[nn.Parameter]:
    """The scales under the penalty: of every BatchNorm2d, or of those only whose channels can be cut."""
    if on == "all":
        norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
        return [norm.weight for norm in norms if norm.affine]
    if on != "prunable":
        raise InputError(f"on: all or prunable, got {on}. Write one of these.")
    if not isinstance(network, PrunableNetwork):
        raise InputError(f"on: all for {type(network).__name__}, got prunable. Write all.")
    return [network.get_parameter(f"{name}.weight") for name in network.prunable()]


@torch.no_grad()
def add_subgradient(network: nn.Module, s: float, *, on: On = "all") -> None:
    """Adds s · sign(γ) to the gradient of every scale, in place; those without a gradient are skipped."""
    if not 0 <= s < math.inf:
        raise InputError(f"s: a finite number from 0 on, got {s}. Write 1e-4, or 0 for no penalty.")
    pairs = [(scale.grad, scale) for scale in scales(network, on=on) if scale.grad is not None]
    if s == 0 or not pairs:
        return
    gradients, gammas = (list(column) for column in zip(*pairs, strict=True))
    torch._foreach_add_(gradients, torch._foreach_sign(gammas), alpha=s)


def l1(network: nn.Module, *, on: On = "all") -> Tensor:
    """Σ|γ|, a scalar: the penalty divided by s."""
    return torch.stack([scale.abs().sum() for scale in scales(network, on=on)]).sum()
