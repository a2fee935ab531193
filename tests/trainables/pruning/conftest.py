from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn

torch.set_num_threads(1)


class Small(nn.Module):
    """All that the graph must follow: a shortcut, squeeze and excitation, a depthwise and a grouped convolution,
    a concatenation, a PReLU, a flattened linear layer; a sigmoid, which is not 0 at 0, behind a BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.block = nn.Sequential(
            nn.Conv2d(8, 12, 1),
            nn.BatchNorm2d(12),
            nn.Sigmoid(),
            nn.Conv2d(12, 12, 3, padding=1, groups=12),
            nn.BatchNorm2d(12),
            nn.PReLU(12),
            nn.Conv2d(12, 8, 1),
            nn.BatchNorm2d(8),
        )
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 4, 1), nn.ReLU(), nn.Conv2d(4, 8, 1), nn.Sigmoid()
        )
        self.grouped = nn.Conv2d(8, 10, 3, padding=1, groups=2)
        self.plain = nn.Conv2d(8, 6, 3, padding=1)
        self.plain_norm = nn.BatchNorm2d(6)
        self.head = nn.Sequential(nn.Conv2d(16, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ReLU())
        self.fc = nn.Linear(5 * 16, 4)

    def forward(self, images: Tensor) -> Tensor:
        out = self.stem(images)
        out = torch.relu(out + self.block(out) * self.gate(out))
        out = torch.cat([torch.relu(self.grouped(out)), torch.relu(self.plain_norm(self.plain(out)))], 1)
        logits: Tensor = self.fc(self.head(out).flatten(1))
        return logits


def _looks_trained(network: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return network


@pytest.fixture
def looks_trained() -> Callable[[nn.Module], nn.Module]:
    """Scales and statistics of BatchNorms that differ from channel to channel."""
    return _looks_trained


@pytest.fixture
def small() -> nn.Module:
    """A foreign network for 3 × 8 × 8 images and 4 classes, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _looks_trained(Small()).eval()


@pytest.fixture
def batches() -> Iterable[tuple[Tensor, Tensor]]:
    """Two batches of images 3 × 8 × 8 with labels of 4 classes."""
    generator = torch.Generator().manual_seed(2)
    return [
        (torch.randn(4, 3, 8, 8, generator=generator), torch.randint(4, (4,), generator=generator))
        for _ in range(2)
    ]
