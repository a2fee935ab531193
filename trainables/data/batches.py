"""Batches without a DataLoader: an epoch is an order and a view for each image in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from trainables.data.augment import gather
from trainables.data.dataset import Images

CHUNK = 1024
"""Images gathered in one call: 3 MB of CIFAR, which stay in the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some images of an epoch."""

    pixels: Tensor
    """uint8 (B, C, H, W), cropped and flipped."""
    labels: Tensor
    """int64 (B,)."""
    rows: Tensor
    """Which training images they are, int64 (B,)."""
    views: Tensor
    """Which view of each, int64 (B,)."""


def epoch_order(n: int, *, generator: torch.Generator) -> Tensor:
    """A permutation of 0..n-1, int64 (n,), on the generator's device."""
    return torch.randperm(n, generator=generator, device=generator.device)


def images_used(count: int, *, batch_size: int, drop_last: bool) -> int:
    """How many of ``count`` images an epoch trains on: without the last batch if that is smaller and left out."""
    return count // batch_size * batch_size if drop_last else count


def batches(
    pixels: Tensor,
    labels: Tensor,
    *,
    order: Tensor,
    views: Tensor,
    pad: int,
    flip: bool,
    batch_size: int,
    drop_last: bool,
) -> Iterator[Batch]:
    """The batches of one epoch, on the device of ``pixels``; they are slices of larger gathers.

    Args:
        pixels: uint8 (N, C, H, W), contiguous.
        labels: int64 (N,), on the same device.
        order: The images in the order of the epoch, int64 (n,), on any device.
        views: The view of each image of ``order``, in that order, int64 (n,), on any device.
        pad: Pixels of black around an image.
        flip: Whether odd views are mirrored.
        batch_size: Images a batch.
        drop_last: Whether a smaller last batch is left out; with fewer images than one batch there is none.
    """
    n = images_used(len(order), batch_size=batch_size, drop_last=drop_last)
    order, views = order[:n].to(pixels.device), views[:n].to(pixels.device)
    step = batch_size * max(1, CHUNK // batch_size)
    for start in range(0, n, step):
        rows, chosen = order[start : start + step], views[start : start + step]
        views_of = gather(pixels, rows, chosen, pad=pad, flip=flip)
        yield from map(
            Batch, *(torch.split(part, batch_size) for part in (views_of, labels[rows], rows, chosen))
        )


def evaluation_batches(images: Images, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Pixels uint8 (B, C, H, W) and labels int64 (B,) of all images as they are, in order, not copied."""
    return zip(torch.split(images.pixels, batch_size), torch.split(images.labels, batch_size), strict=True)


def normalise(
    pixels: Tensor,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    *,
    memory_format: torch.memory_format = torch.contiguous_format,
) -> Tensor:
    """``(pixels / 255 - mean) / std`` as float32(pixels) times ``1 / (255 std)`` plus ``-mean / std``.

    The two constants are rounded once from double; product and sum round once each, so the bits depend on
    neither batch nor memory format. They differ from those of torchvision's ToTensor and Normalize by a few
    float32 roundings of values below ``1 / std``.

    Args:
        pixels: uint8 (B, C, H, W).
        mean: Of pixel / 255, one a channel.
        std: Of pixel / 255, above 0, one a channel.
        memory_format: Of the result.

    Returns:
        float32 (B, C, H, W).
    """
    scale, bias = _scale_and_bias(mean, std, pixels.device)
    planes = pixels.to(torch.float32).mul_(scale).add_(bias)
    if memory_format is torch.contiguous_format:
        return planes
    return torch.empty_like(planes, memory_format=memory_format).copy_(planes)


@lru_cache(maxsize=64)
def _scale_and_bias(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[Tensor, Tensor]:
    scale = torch.tensor([1 / (255 * s) for s in std], dtype=torch.float32, device=device)
    bias = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], dtype=torch.float32, device=device)
    return scale.view(-1, 1, 1), bias.view(-1, 1, 1)
