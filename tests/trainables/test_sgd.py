import subprocess
import sys

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainables.sgd import Sgd


def parameters() -> list[nn.Parameter]:
    numbers = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(size, generator=numbers)) for size in ((3, 2), (4,), (5, 1, 2))]


@settings(deadline=None, max_examples=30)
@given(
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    nesterov=st.booleans(),
    decay=st.sampled_from([0.0, 1e-4, 0.1]),
    rates=st.lists(st.floats(1e-4, 0.5), min_size=1, max_size=5),
    absent=st.sampled_from([None, 0, 1]),
)
def test_its_bits_are_those_of_torchs(
    momentum: float, nesterov: bool, decay: float, rates: list[float], absent: int | None
) -> None:
    nesterov = nesterov and momentum > 0
    ours, theirs = parameters(), parameters()
    optimizer = Sgd(groups=[(ours[:2], decay), (ours[2:], 0.0)], lr=0.0, momentum=momentum, nesterov=nesterov)
    groups = [{"params": theirs[:2]}, {"params": theirs[2:], "weight_decay": 0.0}]
    reference = torch.optim.SGD(
        groups, lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=decay, foreach=True
    )
    for step, rate in enumerate(rates):
        optimizer.lr = rate
        for group in reference.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        reference.zero_grad()
        numbers = torch.Generator().manual_seed(step)
        for position, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            gradient = torch.randn(mine.shape, generator=numbers)
            if step or position != absent:
                mine.grad, other.grad = gradient.clone(), gradient.clone()
        optimizer.step()
        reference.step()
        assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))
    kept = [reference.state[parameter].get("momentum_buffer") for parameter in theirs]
    assert [name for name, buffer in enumerate(kept) if buffer is not None] == [
        name for name, parameter in enumerate(ours) if parameter in optimizer.buffers
    ]


def test_a_step_leaves_no_gradient_history() -> None:
    (parameter, *_) = parameters()
    optimizer = Sgd(groups=[([parameter], 0.1)], lr=0.1, momentum=0.9, nesterov=False)
    (parameter * 2).sum().backward()
    optimizer.step()
    assert not optimizer.buffers[parameter].requires_grad
    optimizer.zero_grad()
    assert parameter.grad is None


TRAINED = """\
import sys
from trainables.fit import sgd
from trainables.models import Architecture, build
from trainables.recipe import Finetune
import torch
network = build(Architecture(model="preresnet8", classes=3, channels=1), seed=0)
optimizer = sgd(network, Finetune())
network(torch.zeros(2, 1, 8, 8)).sum().backward()
optimizer.step()
optimizer.zero_grad()
print("torch._dynamo" in sys.modules)
"""


def test_training_does_not_load_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", TRAINED], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
