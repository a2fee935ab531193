import pytest
import torch
from torch import nn

from trainables.fit import sgd
from trainables.models import Architecture, build
from trainables.pruning import prune
from trainables.recipe import Finetune
from trainables.sgd import Sgd
from trainables.snapshot import network_of, restore_momentum, snapshot
from trainables.store import decode, encode

CPU = torch.device("cpu")


def step(network: nn.Module, optimizer: Sgd, seed: int) -> None:
    images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    network(images.to(memory_format=torch.channels_last)).square().sum().backward()
    optimizer.step()


def new() -> nn.Module:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=3)
    return network.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("pruned", [False, True])
def test_training_goes_on_from_a_stored_state_as_if_nothing_happened(pruned: bool) -> None:
    network = prune(new(), 0.4).to(memory_format=torch.channels_last) if pruned else new()
    optimizer = sgd(network, Finetune(lr=0.01))
    step(network, optimizer, seed=0)
    state = decode(encode(snapshot(network, optimizer, [{"stage": "finetune"}])))
    restored = network_of(state, CPU)
    again = sgd(restored, Finetune(lr=0.01))
    restore_momentum(state, restored, again)
    for seed in (1, 2):
        step(network, optimizer, seed)
        step(restored, again, seed)
    stored = restored.state_dict()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in network.state_dict().items())
    assert state.header["history"] == [{"stage": "finetune"}]


def test_without_its_momentum_it_would_not() -> None:
    network = new()
    optimizer = sgd(network, Finetune(lr=0.01))
    step(network, optimizer, seed=0)
    restored = network_of(snapshot(network, optimizer, []), CPU)
    step(network, optimizer, seed=1)
    step(restored, sgd(restored, Finetune(lr=0.01)), seed=1)
    assert not torch.equal(next(network.parameters()), next(restored.parameters()))


def test_the_state_of_a_network_without_an_optimizer_has_no_momentum() -> None:
    assert all(name.startswith("network.") for name in snapshot(new(), None, []).tensors)
