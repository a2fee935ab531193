"""Network and optimizer -> stored state, and back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from trainables.models import Architecture, build
from trainables.sgd import Sgd
from trainables.store import State


def snapshot(network: nn.Module, optimizer: Sgd | None, history: Sequence[dict[str, Any]]) -> State:
    """All that is needed to go on from here, and the metrics of every epoch that led here."""
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    tensors = {f"network.{name}": tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    if optimizer is not None:
        for name, parameter in network.named_parameters():
            momentum = optimizer.buffers.get(parameter)
            if momentum is not None:
                tensors[f"momentum.{name}"] = momentum.detach().cpu()
    return State(header={"architecture": architecture.to_json(), "history": list(history)}, tensors=tensors)


def network_of(state: State, device: torch.device) -> nn.Module:
    """A network with the stored weights."""
    network = build(Architecture.from_json(state.header["architecture"]), seed=0)
    network.load_state_dict(_part(state, "network."))
    return network.to(device).to(memory_format=torch.channels_last)


def restore_momentum(state: State, network: nn.Module, optimizer: Sgd) -> None:
    """Put the stored momentum into a new optimizer of ``network``."""
    stored = _part(state, "momentum.")
    for name, parameter in network.named_parameters():
        if name in stored:
            optimizer.buffers[parameter] = torch.empty_like(parameter).copy_(stored[name])


def _part(state: State, prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): t for name, t in state.tensors.items() if name.startswith(prefix)}
