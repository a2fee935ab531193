"""Crops and flips as numbers: a *view* is which of the finitely many pictures of an image is meant.

An image padded with ``pad`` pixels of black on each side has (2 pad + 1)² crops of its own size, each
as it is and, with ``flip``, mirrored:

    view = (dy (2 pad + 1) + dx) flips + mirrored,    flips = 2 with ``flip``, else 1

where (dy, dx), each 0 to 2 pad, is the crop's upper left corner in the padded image. That is 162 views for
``pad`` 4 and ``flip``. The pixels are those of torchvision's RandomCrop(size, padding=pad) and
RandomHorizontalFlip: black is added before normalisation.
"""

from __future__ import annotations

import torch


def views(pad: int, flip: bool) -> int:
    """The number of views of an image."""
    return (2 * pad + 1) ** 2 * (2 if flip else 1)


def centre(pad: int, flip: bool) -> int:
    """The view that is the image itself, neither moved nor mirrored."""
    return pad * (2 * pad + 2) * (2 if flip else 1)


def draw(n: int, *, pad: int, flip: bool, generator: torch.Generator) -> torch.Tensor:
    """Views int64 (n,), each equally likely, on the generator's device."""
    return torch.randint(views(pad, flip), (n,), generator=generator, device=generator.device)


def pad_images(pixels: torch.Tensor, pad: int) -> torch.Tensor:
    """Pixels uint8 (N, C, H, W) with ``pad`` pixels of black around them, (N, C, H + 2 pad, W + 2 pad)."""
    if pad == 0:
        return pixels.contiguous()
    n, channels, height, width = pixels.shape
    padded = pixels.new_zeros(n, channels, height + 2 * pad, width + 2 * pad)
    padded[:, :, pad:-pad, pad:-pad] = pixels
    return padded


def gather(
    padded: torch.Tensor, rows: torch.Tensor, views: torch.Tensor, *, pad: int, flip: bool
) -> torch.Tensor:
    """The views of some images, exactly, on the device of ``padded`` and without waiting for it.

    Lines of W pixels are copied from where they begin in the padded images, C H of them an image; then
    the mirrored images are turned around.

    Args:
        padded: uint8 (N, C, H + 2 pad, W + 2 pad), contiguous, from ``pad_images``.
        rows: Which images, int64 (B,), each 0 to N - 1.
        views: Which view of each, int64 (B,), each 0 to ``views(pad, flip)`` - 1.
        pad: As ``padded`` was made with.
        flip: Whether odd views are mirrored.

    Returns:
        uint8 (B, C, H, W), contiguous.
    """
    _, channels, full_height, full_width = padded.shape
    height, width = full_height - 2 * pad, full_width - 2 * pad
    crops = views // 2 if flip else views
    corners = crops // (2 * pad + 1) * full_width + crops % (2 * pad + 1)
    planes = torch.arange(channels, device=padded.device)[:, None] * full_height
    lines = (planes + torch.arange(height, device=padded.device)).flatten() * full_width
    begins = (rows * padded[0].numel() + corners)[:, None] + lines
    pixels = padded.view(-1).unfold(0, width, 1).index_select(0, begins.flatten())
    pixels = pixels.view(-1, channels, height, width)
    if flip:
        mirrored = (views % 2).bool()[:, None, None, None]
        pixels = torch.where(mirrored, pixels.flip(-1), pixels)
    return pixels
