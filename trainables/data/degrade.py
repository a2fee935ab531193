"""How each corruption of ``trainables.data.corruptions`` degrades images.

Every function takes uint8 pixels (N, C, H, W), a strength and one random generator an image, and gives levels
0..255 of the same shape, neither rounded nor cut off yet (``as_bytes`` does both). Strengths are in CIFAR-10-C's
units, where white is 1. Functions that draw nothing leave the generators unmade.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import correlate, gaussian_filter

from trainables.seeding import derive

Bytes = NDArray[np.uint8]
Levels = NDArray[np.float64]
Random = Iterator[np.random.Generator]
WHITE = 255


def generators(pixels: Bytes, seed: int, name: str, severity: int) -> Random:
    """One generator an image, made when asked for; its content, not its place, is in the seed."""
    for image in pixels:
        content = hashlib.sha256(image.tobytes()).hexdigest()
        yield np.random.default_rng(derive("corruption", seed, name, severity, content))


def as_bytes(levels: Levels | Bytes) -> Bytes:
    """Levels cut off at 0 and 255 and rounded, halves to even."""
    rounded: Levels = np.rint(np.clip(levels, 0, WHITE))
    return rounded.astype(np.uint8)


def gaussian_noise(pixels: Bytes, deviation: float, random: Random) -> Levels:
    """Normal noise on every value."""
    return pixels + WHITE * deviation * _normal(pixels, random)


def speckle_noise(pixels: Bytes, deviation: float, random: Random) -> Levels:
    """Normal noise in proportion to the value."""
    return pixels + pixels * deviation * _normal(pixels, random)


def shot_noise(pixels: Bytes, photons: float, random: Random) -> Levels:
    """Poisson noise: the counts that a sensor gets whose white is so many photons."""
    rate = photons / WHITE
    counts = [one.poisson(image * rate) for one, image in zip(random, pixels, strict=True)]
    return np.stack(counts) / rate


def impulse_noise(pixels: Bytes, share: float, random: Random) -> Bytes:
    """Salt and pepper: this share of the values becomes 0 or 255, either as likely."""
    drawn = np.stack([one.random(pixels.shape[1:]) for one in random])
    return np.where(drawn < share / 2, 0, np.where(drawn < share, WHITE, pixels)).astype(np.uint8)


def gaussian_blur(pixels: Bytes, sigma: float, random: Random) -> Levels:
    """Normal weights, cut off at 4 sigma; the border is repeated. Sigma is in pixels."""
    blurred: Levels = gaussian_filter(
        pixels, (0, 0, sigma, sigma), mode="nearest", truncate=4.0, output=np.float64
    )
    return blurred


def defocus_blur(pixels: Bytes, disk: tuple[float, float], random: Random) -> Levels:
    """A disk (radius in pixels, here at most 1.5), softened by 3 × 3 normal weights (their sigma).

    The border is mirrored, its pixels not repeated, as OpenCV does.
    """
    radius, sigma = disk
    near = np.arange(-1, 2) ** 2
    inside = (near[:, None] + near <= radius**2).astype(np.float64)
    soft = np.exp(-near / (2 * sigma**2))
    soft = np.outer(soft, soft) / soft.sum() ** 2
    kernel = correlate(np.pad(inside / inside.sum(), 1), soft, mode="constant")
    blurred: Levels = correlate(pixels, kernel[None, None], mode="mirror", output=np.float64)
    return blurred


def brightness(pixels: Bytes, more: float, random: Random) -> Levels:
    """More value in HSV, at most white; hue and saturation stay, so that the channels keep their ratio."""
    value: Levels = pixels.max(1, keepdims=True).astype(np.float64)
    brighter = np.minimum(value + WHITE * more, WHITE)
    return np.where(value > 0, pixels * brighter / np.maximum(value, 1), brighter)


def contrast(pixels: Bytes, factor: float, random: Random) -> Levels:
    """The distance of every value from the mean of its image and channel, times a factor below 1."""
    mean: Levels = pixels.mean((2, 3), keepdims=True)
    return (pixels - mean) * factor + mean


def saturate(pixels: Bytes, change: tuple[float, float], random: Random) -> Levels:
    """Saturation in HSV times a factor plus a summand, at most 1; grey counts as red, as in scikit-image.

    A channel is value · (1 − saturation · d), where d, 0 to 1, stands for the hue and does not change.
    """
    factor, summand = change
    value: Levels = pixels.max(1, keepdims=True).astype(np.float64)
    chroma: Levels = value - pixels.min(1, keepdims=True)
    red = np.array([0.0, 1.0, 1.0]).reshape(1, 3, 1, 1)
    hue = np.where(chroma > 0, (value - pixels) / np.maximum(chroma, 1), red)
    saturation: Levels = np.minimum(chroma / np.maximum(value, 1) * factor + summand, 1)
    return value * (1 - saturation * hue)


def pixelate(pixels: Bytes, share: float, random: Random) -> Bytes:
    """Resized to this share of either side, and back, by the means of boxes."""
    height, width = pixels.shape[2:]
    small, full = (int(width * share), int(height * share)), (width, height)
    box = Image.Resampling.BOX
    return _through_pillow(pixels, lambda image: image.resize(small, box).resize(full, box))


def jpeg_compression(pixels: Bytes, quality: float, random: Random) -> Bytes:
    """Written as JPEG of this quality and read again."""

    def compressed(image: Image.Image) -> Image.Image:
        file = BytesIO()
        image.save(file, "JPEG", quality=int(quality))
        return Image.open(file)

    return _through_pillow(pixels, compressed)


def _normal(pixels: Bytes, random: Random) -> Levels:
    return np.stack([one.standard_normal(pixels.shape[1:]) for one in random])


def _through_pillow(pixels: Bytes, change: Callable[[Image.Image], Image.Image]) -> Bytes:
    """Each image changed as a Pillow image, grey or RGB."""
    last = pixels.transpose(0, 2, 3, 1)
    images = last[..., 0] if pixels.shape[1] == 1 else last
    changed = np.stack([np.asarray(change(Image.fromarray(image))) for image in images])
    return changed.reshape(last.shape).transpose(0, 3, 1, 2)
