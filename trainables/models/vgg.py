"""VGG with BatchNorm for small images (Simonyan and Zisserman 2015, arXiv 1409.1556), as network-slimming has it.

Convolutions, BatchNorms, ReLUs and poolings lie in one Sequential `feature`, as in network-slimming's
models/vgg.py, and one linear layer follows, so its checkpoints load, pruned ones too. We differ in two places
that its 32 × 32 images don't reach: the features are averaged over the whole map (there over 2 × 2), and a
map of one pixel is not halved again, so that images of any size fit.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import InputError
from trainables.models import Architecture, Widths
from trainables.models.network import ChannelGroup, PrunableNetwork, conv3x3, initialise, kept_widths

CONVOLUTIONS: dict[int, tuple[int, ...]] = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
"""Of every stage, by depth. The three missing layers are ImageNet's linear ones, of which one is left."""


class Halving(nn.Module):
    """The maxima of 2 × 2 pixels; a map of one row or one column stays as it is."""

    def forward(self, images: Tensor) -> Tensor:
        """N × C × H × W to N × C × ⌊H/2⌋ × ⌊W/2⌋."""
        return images if min(images.shape[2:]) < 2 else functional.max_pool2d(images, 2)


class VGG(PrunableNetwork):
    """Five stages of 3×3 convolutions with a pooling between two, a linear layer.

    Every convolution can be cut: `cfg` has one width for each, network-slimming's without its 'M'.
    """

    def __init__(self, architecture: Architecture, *, depth: int, widths: Widths) -> None:
        super().__init__()
        if architecture.shortcut_norm:
            raise InputError(
                f"shortcut_norm: a choice of the pre-activation networks, got true for {architecture.model}, "
                "which has no shortcuts. Take it out."
            )
        counts = CONVOLUTIONS[depth]
        stages = list(zip((*widths, widths[-1]), counts, strict=True))
        kept = kept_widths(architecture, [width for width, count in stages for _ in range(count)])

        inputs, layers = architecture.channels, list[nn.Module]()
        for stage, count in enumerate(counts):
            if stage:
                layers.append(Halving())
            for _ in range(count):
                outputs = next(kept)
                layers += [conv3x3(inputs, outputs), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
                inputs = outputs
        self.feature = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, architecture.classes)
        initialise(self, gamma=0.5)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        """N × channels × H × W, normalised, to N × classes logits."""
        logits: Tensor = self.classifier(self.feature(images).mean((2, 3)))
        return logits

    def groups(self) -> tuple[ChannelGroup, ...]:
        """The channels of every convolution; the next one reads them, or the linear layer."""
        places = [place for place, layer in enumerate(self.feature) if isinstance(layer, nn.Conv2d)]
        readers = [*(f"feature.{place}" for place in places[1:]), "classifier"]
        return tuple(
            ChannelGroup(norm=f"feature.{place + 1}", writer=f"feature.{place}", reader=reader)
            for place, reader in zip(places, readers, strict=True)
        )
