"""Test images made worse, in ways and strengths of CIFAR-10-C (Hendrycks & Dietterich 2019, arXiv 1903.12261).

The strengths are those that its authors chose for 32 × 32 pixels (make_cifar_c.py), far weaker than
ImageNet-C's. Left out are the corruptions that need pictures or programs of their own (frost, snow, fog,
spatter, motion and glass blur) or that do nothing to small images (zoom, elastic). One difference: results
are rounded to the nearest byte, where CIFAR-10-C cuts the fraction off and is half a level darker.

What becomes of an image depends on the image, the seed, the corruption and the severity, never on the images
beside it. Importing this module needs no NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainables.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AT_ONCE = 1000
"""Images that are worked on at a time, so that memory stays small."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corruption:
    """One way of degrading images, at five strengths; called, it does so."""

    name: str
    """Of the function in ``trainables.data.degrade``, and of CIFAR-10-C's file."""
    strengths: tuple[float | tuple[float, float], ...]
    """What that function takes, for the severities 1 to 5."""
    colour_only: bool = False
    smallest: int = 8
    """Pixels that the shorter side needs at least."""

    def applies(self, channels: int, size: int) -> bool:
        """Whether images of so many channels, whose shorter side is ``size`` pixels, can be degraded so."""
        return size >= self.smallest and channels in ((3,) if self.colour_only else (1, 3))

    def __call__(self, pixels: NDArray[np.uint8], severity: int, seed: int) -> NDArray[np.uint8]:
        """Degraded copies of images.

        Args:
            pixels: uint8 (N, C, H, W), any strides, C 1 (grey) or 3 (colour); left as they are.
            severity: 1 to 5.
            seed: Of the noise; without effect on a corruption that draws none.

        Returns:
            uint8 (N, C, H, W), contiguous. An image gets the same numbers in whatever company it comes, and
            equal images are degraded alike.

        Raises:
            InputError: The severity, or the images, do not fit.
        """
        import numpy as np

        self._check(pixels, severity)
        degraded = np.empty(pixels.shape, dtype=np.uint8)
        for start in range(0, len(pixels), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            degraded[some] = self._degrade(np.ascontiguousarray(pixels[some]), severity, seed)
        return degraded

    def _degrade(self, pixels: NDArray[np.uint8], severity: int, seed: int) -> NDArray[np.uint8]:
        from trainables.data import degrade

        random = degrade.generators(pixels, seed, self.name, severity)
        levels = getattr(degrade, self.name)(pixels, self.strengths[severity - 1], random)
        return degrade.as_bytes(levels)

    def _check(self, pixels: NDArray[np.uint8], severity: int) -> None:
        if severity not in range(1, 6):
            raise InputError(f"severity: 1, 2, 3, 4 or 5, got {severity}. The clean images need no severity.")
        if pixels.dtype != "uint8" or pixels.ndim != 4 or pixels.shape[1] not in (1, 3):
            raise InputError(
                f"pixels: uint8 (images, 1 or 3, height, width), got {pixels.dtype} {pixels.shape}. "
                "Give the pixels of a data set."
            )
        _, channels, height, width = pixels.shape
        if self.colour_only and channels != 3:
            raise InputError(f"{self.name}: needs colour images, got {channels} channel. Leave it out.")
        if min(height, width) < self.smallest:
            raise InputError(
                f"{self.name}: needs images of {self.smallest} × {self.smallest} pixels or more, "
                f"got {height} × {width}. Leave it out."
            )


CORRUPTIONS: dict[str, Corruption] = {
    one.name: one
    for one in (
        Corruption(name="gaussian_noise", strengths=(0.04, 0.06, 0.08, 0.09, 0.10)),
        Corruption(name="shot_noise", strengths=(500, 250, 100, 75, 50)),
        Corruption(name="impulse_noise", strengths=(0.01, 0.02, 0.03, 0.05, 0.07)),
        Corruption(name="speckle_noise", strengths=(0.06, 0.10, 0.12, 0.16, 0.20)),
        Corruption(name="gaussian_blur", strengths=(0.4, 0.6, 0.7, 0.8, 1.0)),
        Corruption(
            name="defocus_blur", strengths=((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
        ),
        Corruption(name="brightness", strengths=(0.05, 0.10, 0.15, 0.20, 0.30)),
        Corruption(name="contrast", strengths=(0.75, 0.50, 0.40, 0.30, 0.15)),
        Corruption(
            name="saturate",
            strengths=((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2)),
            colour_only=True,
        ),
        Corruption(name="pixelate", strengths=(0.95, 0.90, 0.85, 0.75, 0.65)),
        Corruption(name="jpeg_compression", strengths=(80, 65, 58, 50, 40), smallest=16),
    )
}


def applicable(channels: int, size: int) -> tuple[str, ...]:
    """Names of the corruptions of such images, in the order of ``CORRUPTIONS``.

    Args:
        channels: 1 (grey) or 3 (colour); there are none for other numbers.
        size: The shorter side in pixels.
    """
    return tuple(name for name, one in CORRUPTIONS.items() if one.applies(channels, size))
