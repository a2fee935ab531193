"""Stochastic gradient descent with momentum: the steps of torch.optim.SGD, without what it loads.

That class imports torch.compile's machinery when it is made, which takes 1.4 s in each process and serves nothing here.
The arithmetic is torch's own, by its functional form; a test compares the bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd as sgd_step


@dataclass(kw_only=True, slots=True)
class Sgd:
    """The optimizer of one stage; it begins without momentum."""

    groups: Sequence[tuple[Sequence[nn.Parameter], float]]
    """(parameters, their weight decay)."""
    lr: float
    """Learning rate of the steps to come."""
    momentum: float
    nesterov: bool
    buffers: dict[nn.Parameter, Tensor] = field(default_factory=dict)
    """The momentum of each parameter that has had a step."""

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameters, _ in self.groups:
            for parameter in parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients; a parameter without one stays, its momentum too."""
        for parameters, decay in self.groups:
            moved = [parameter for parameter in parameters if parameter.grad is not None]
            buffers = [self.buffers.get(parameter) for parameter in moved]
            sgd_step(
                list(moved),
                [parameter.grad for parameter in moved if parameter.grad is not None],
                buffers,
                foreach=True,
                weight_decay=decay,
                momentum=self.momentum,
                lr=self.lr,
                dampening=0.0,
                nesterov=self.nesterov,
                maximize=False,
            )
            if self.momentum:
                self.buffers.update(
                    (parameter, buffer)
                    for parameter, buffer in zip(moved, buffers, strict=True)
                    if buffer is not None
                )
