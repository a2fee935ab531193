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
from torch.nn import functional


def views(pad: int, flip: bool) -> int:
    """The number of views of an image."""
    return (2 * pad + 1) ** 2 * (2 if flip else 1)


def centre(pad: int, flip: bool) -> int:
    """The view that is the image itself, neither moved nor mirrored."""
    return pad * (2 * pad + 2) * (2 if flip else 1)


def draw(n: int, *, pad: int, flip: bool, generator: torch.Generator) -> torch.Tensor:
    """Views int64 (n,), each equally likely, on the generator's device."""
    return torch.randint(views(pad, flip), (n,), generator=generator, device=generator.device)


def gather(
    pixels: torch.Tensor, rows: torch.Tensor, views: torch.Tensor, *, pad: int, flip: bool
) -> torch.Tensor:
    """The views of some images, exactly, on the device of ``pixels`` and without waiting for it.

    Only these images are padded. Lines of W pixels are copied from where they begin in the padded images, C H
    of them an image; then the mirrored images are turned around: a ^ ((a ^ turned) & 255) is turned.

    Args:
        pixels: uint8 (N, C, H, W), contiguous.
        rows: Which images, int64 (B,), each 0 to N - 1.
        views: Which view of each, int64 (B,), each 0 to ``views(pad, flip)`` - 1.
        pad: Pixels of black around an image, at least 0.
        flip: Whether odd views are mirrored.

    Returns:
        uint8 (B, C, H, W), contiguous.
    """
    _, channels, height, width = pixels.shape
    padded = functional.pad(pixels.index_select(0, rows), (pad,) * 4).flatten()
    line, plane = width + 2 * pad, (height + 2 * pad) * (width + 2 * pad)
    crops = views // 2 if flip else views
    corners = crops // (2 * pad + 1) * line + crops % (2 * pad + 1)
    planes = torch.arange(len(rows) * channels, device=pixels.device).view(-1, channels, 1) * plane
    lines = torch.arange(height, device=pixels.device) * line
    begins = (planes + corners[:, None, None] + lines).flatten()
    crop = padded.unfold(0, width, 1).index_select(0, begins).view(-1, channels, height, width)
    if not flip:
        return crop
    mirrored = (views % 2).to(torch.uint8).neg()[:, None, None, None]
    return crop.flip(-1).bitwise_xor_(crop).bitwise_and_(mirrored).bitwise_xor_(crop)
