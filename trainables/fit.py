"""THE epoch loop: one epoch of SGD on one network, and one pass over a set of images.

Sparsity training, finetuning and the teacher's training are this loop with other losses; there is no other.
Random numbers of an epoch derive from (seed, stage, epoch) alone, so an epoch can be trained by whoever comes
first and gives the same bits. Nothing waits for the device inside an epoch.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Dataset, Images
from trainables.data.augment import draw
from trainables.data.batches import Batch, batches, epoch_order, images_used, normalise
from trainables.errors import TrainingFailedError
from trainables.losses.sparsity import add_subgradient
from trainables.models import Architecture
from trainables.pulse import PULSE
from trainables.recipe import Training
from trainables.seeding import derive, generator
from trainables.sgd import Sgd

EVALUATION_BATCH = 512
"""Images in one step of an evaluation; fixed, since the shape of a batch moves the last bits."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pictures:
    """What an epoch looks at."""

    stage: str
    epoch: int
    rows: Tensor
    """Which training images, in their order, int64 (n,), on the CPU."""
    views: Tensor
    """Which view of each, int64 (n,), on the CPU."""


class Answers(Protocol):
    """Where a teacher's logits come from."""

    def prepare(self, pictures: Pictures) -> Iterator[None]:
        """Get an epoch's logits ready, before it begins; yields at least once a second."""

    def logits(self, batch: Batch) -> Tensor:
        """The logits (B, classes) of a batch of B images of the epoch."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Distillation:
    """The part of a loss that comes from the teacher."""

    loss: Callable[..., Tensor]
    """(student logits, teacher logits, *, labels, tau) -> scalar."""
    answers: Answers
    macs: int
    """Multiply-accumulates of the teacher for one image."""
    tau: float
    weight: float
    ce_weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """How one stage trains."""

    stage: str
    seed: int
    batch_size: int
    drop_last: bool
    s: float = 0.0
    """Strength of the L1 penalty on BatchNorm scales; 0: none."""
    on: Literal["all", "prunable"] = "all"
    distillation: Distillation | None = None
    autocast: bool = False
    """Whether the forward pass is computed in bfloat16 where that is safe; weights and loss are float32."""
    test: bool = False
    """Measure the test set after every epoch, too (protocol: diary)."""

    def epoch(self, epoch: int) -> dict[str, Any]:
        """What the order and the views of an epoch follow from, as arguments of ``TrainingImages.epoch``."""
        names = ("seed", "stage", "batch_size", "drop_last")
        return {name: getattr(self, name) for name in names} | {"epoch": epoch}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingImages:
    """The training images on the device, and how they are cropped and flipped."""

    pixels: Tensor
    """uint8 (N, C, H, W); on the CPU those of the data set themselves, not a copy."""
    labels: Tensor
    pad: int
    flip: bool

    @classmethod
    def of(cls, data: Dataset, device: torch.device) -> "TrainingImages":
        """The training images of a data set, on a device."""
        images = data.train.to(device)
        return cls(pixels=images.pixels, labels=images.labels, pad=data.pad, flip=data.flip)

    @property
    def image(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    def first(self, count: int) -> "TrainingImages":
        """The first ``count`` of them, for a try."""
        return replace(self, pixels=self.pixels[:count], labels=self.labels[:count])

    def pictures(self, *, seed: int, stage: str, epoch: int, batch_size: int, drop_last: bool) -> Pictures:
        """The order of one epoch and its views: they follow from (seed, stage, epoch)."""
        count = len(self.labels)
        order = epoch_order(count, generator=generator(seed, stage, epoch, "order"))
        views = draw(count, pad=self.pad, flip=self.flip, generator=generator(seed, stage, epoch, "views"))
        used = images_used(count, batch_size=batch_size, drop_last=drop_last)
        return Pictures(stage=stage, epoch=epoch, rows=order[:used], views=views[:used])

    def epoch(
        self, *, seed: int, stage: str, epoch: int, batch_size: int, drop_last: bool
    ) -> Iterator[Batch]:
        """The batches of one epoch."""
        pictures = self.pictures(
            seed=seed, stage=stage, epoch=epoch, batch_size=batch_size, drop_last=drop_last
        )
        return batches(
            self.pixels,
            self.labels,
            order=pictures.rows,
            views=pictures.views,
            pad=self.pad,
            flip=self.flip,
            batch_size=batch_size,
            drop_last=drop_last,
        )


def sgd(network: nn.Module, training: Training) -> Sgd:
    """The optimizer of a stage, empty; its rate is set by every epoch."""
    scales = {id(layer.weight) for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)}
    undecayed = [p for p in network.parameters() if not training.decay_gamma and id(p) in scales]
    decayed = [p for p in network.parameters() if training.decay_gamma or id(p) not in scales]
    groups = [(decayed, training.weight_decay)] + ([(undecayed, 0.0)] if undecayed else [])
    return Sgd(groups=groups, lr=training.lr, momentum=training.momentum, nesterov=training.nesterov)


def train_epoch(
    network: nn.Module,
    optimizer: Sgd,
    images: TrainingImages,
    task: Task,
    *,
    epoch: int,
    lr: float,
) -> dict[str, float]:
    """Train one epoch; ``epoch`` counts from 1 within the stage.

    Returns:
        ``train_loss`` (mean over steps, without the L1 term, as in the official code), ``train_accuracy``.

    Raises:
        TrainingFailedError: a loss of this epoch was not finite.
    """
    optimizer.lr = lr
    network.train()
    device = images.pixels.device
    loss_sum = torch.zeros((), device=device)
    right = torch.zeros((), dtype=torch.int64, device=device)
    steps = seen = 0
    epoch_batches = images.epoch(**task.epoch(epoch))
    with torch.random.fork_rng(devices=[]):  # dropout, too, draws numbers that come from the epoch
        torch.manual_seed(derive(task.seed, task.stage, epoch, "network"))
        for batch in epoch_batches:
            PULSE.beat()
            with torch.autocast(device.type, torch.bfloat16, enabled=task.autocast):
                logits = network(network_input(network, batch.pixels)).float()
            loss = batch_loss(logits, batch, task)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            if task.s > 0:
                add_subgradient(network, task.s, on=task.on)
            optimizer.step()
            loss_sum += loss.detach()
            right += (logits.detach().argmax(1) == batch.labels).sum()
            steps += 1
            seen += len(batch.labels)
    if steps == 0:
        raise TrainingFailedError(
            f"{task.stage}: an epoch has no batch: {len(images.labels)} training images, "
            f"batch_size {task.batch_size}, drop_last"
        )
    loss_mean = loss_sum.item() / steps
    if not math.isfinite(loss_mean):
        raise TrainingFailedError(f"{task.stage}: the loss is not finite in epoch {epoch}")
    return {"train_loss": loss_mean, "train_accuracy": right.item() / seen}


def batch_loss(logits: Tensor, batch: Batch, task: Task) -> Tensor:
    """Cross-entropy, plus the weighted distillation loss where the task has one; a scalar."""
    cross_entropy = functional.cross_entropy(logits, batch.labels)
    if task.distillation is None:
        return cross_entropy
    part = task.distillation
    distilled = part.loss(logits, part.answers.logits(batch), labels=batch.labels, tau=part.tau)
    return part.ce_weight * cross_entropy + part.weight * distilled


def network_input(network: nn.Module, pixels: Tensor) -> Tensor:
    """Bytes as a network takes them: float32, normalised with its own numbers, channels last."""
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    assert architecture.mean is not None, "a network normalises its own images"
    assert architecture.std is not None
    return normalise(pixels, architecture.mean, architecture.std, memory_format=torch.channels_last)


@torch.no_grad()
def predict(network: nn.Module, images: Images) -> Tensor:
    """Logits (N, classes) of images in their order, on the CPU; the network's mode is put back."""
    training = network.training
    device = next(network.parameters()).device
    network.eval()
    parts = []
    for start in range(0, len(images), EVALUATION_BATCH):
        PULSE.beat()
        pixels = images.pixels[start : start + EVALUATION_BATCH].to(device)
        parts.append(network(network_input(network, pixels)))
    network.train(training)
    return torch.cat(parts).cpu()


def measure(network: nn.Module, images: Images, *, what: str) -> dict[str, float]:
    """``accuracy`` (0..1) and mean cross-entropy ``loss`` on images; neither where there are none.

    Raises:
        TrainingFailedError: the loss is not finite; ``what`` says what was measured.
    """
    if not len(images):
        return {}
    logits = predict(network, images)
    loss = functional.cross_entropy(logits, images.labels).item()
    accuracy = (logits.argmax(1) == images.labels).sum().item() / len(images)
    if not math.isfinite(loss):
        raise TrainingFailedError(f"{what}: the loss of the evaluation is not finite")
    return {"accuracy": accuracy, "loss": loss}
