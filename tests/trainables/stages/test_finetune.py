import torch

from trainables.models import Architecture, build
from trainables.pruning import prune
from trainables.pruning.surgery import restart


def test_from_scratch_the_architecture_is_kept_and_the_weights_are_new() -> None:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    generator = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.data.uniform_(0.1, 1, generator=generator)
    pruned = prune(network, 0.5)
    new = restart(pruned, seed=1)
    assert new.architecture == pruned.architecture
    before, after = pruned.state_dict(), new.state_dict()
    selections = [name for name in before if name.endswith(".indexes")]
    assert selections
    assert all(torch.equal(before[name], after[name]) for name in selections)
    convolutions = [name for name, tensor in before.items() if tensor.dim() == 4]
    assert convolutions
    assert not any(torch.equal(before[name], after[name]) for name in convolutions)
    again = restart(pruned, seed=1).state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in after.items())
    assert not torch.equal(after[convolutions[0]], restart(pruned, seed=2).state_dict()[convolutions[0]])
