"""A data set ready for training: uint8 images in three parts, and the address of their content."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.data.raw import Part, RawImages, checked
from trainables.data.sources import SOURCES, Source
from trainables.data.split import stratified
from trainables.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Images:
    """Pixels uint8 (N, C, H, W), contiguous, and labels int64 (N,), on one device."""

    pixels: torch.Tensor
    labels: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> Images:
        """The same images on ``device``; themselves where they are there already."""
        return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Dataset:
    """Three parts, and what training must know of them.

    Attributes:
        train: The images that weights are fitted to.
        validation: The images that a search decides on; none where all are trained on.
        test: The images that only ``trainables.evaluate`` may touch.
        class_names: One name a class, in the order of the labels.
        pad: Pixels of black around an image before the random crop.
        flip: Whether images are mirrored at random.
        mean: Of pixel / 255, one a channel.
        std: Of pixel / 255, one a channel.
        address: SHA-256, in hex, of the pixels and labels of the three parts in their order (the split is
            in it through its outcome), the number of classes, mean and std. Source, path, class names,
            ``pad`` and ``flip`` are not: the first three change no number, the others belong to a recipe.
    """

    train: Images
    validation: Images
    test: Images
    class_names: tuple[str, ...]
    pad: int
    flip: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    address: str

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def image(self) -> tuple[int, int, int]:
        """(channels, height, width) of every image."""
        _, channels, height, width = self.train.pixels.shape
        return channels, height, width


def load_data(
    source: str,
    *,
    path: Path | None,
    val_fraction: float | None,
    split_seed: int,
    pad: int | None = None,
    flip: bool | None = None,
    download: bool = False,
) -> Dataset:
    """Read a source and split it.

    Args:
        source: A name of ``SOURCES``.
        path: The file or folder; for torchvision's sets the folder that holds them, ``data`` if None.
        val_fraction: Share of the training images, stratified, that becomes the validation set. A source's
            own validation images are joined to the training images first. None: the source's own
            validation set is used.
        split_seed: At least 0. Without effect if ``val_fraction`` is None.
        pad: In pixels; None: the source's default.
        flip: None: the source's default.
        download: Whether a set that is not there may be fetched from its publisher.

    Raises:
        InputError: Anything of this does not fit the source, or the images can't be read.
    """
    chosen = checked_source(source, path, download)
    where = str(path) if path is not None else chosen.label
    raw = checked(chosen.read(path, download), where)
    train, validation = _split(raw, where, val_fraction, split_seed)
    test = _images(raw.test)
    if chosen.mean is not None and chosen.std is not None:
        mean, std = chosen.mean, chosen.std
    else:
        mean, std = statistics(train.pixels)
    data = Dataset(
        train=train,
        validation=validation,
        test=test,
        class_names=raw.class_names,
        pad=0,
        flip=False,
        mean=mean,
        std=std,
        address=address_of((train, validation, test), len(raw.class_names), mean, std),
    )
    return with_views(data, chosen, pad=pad, flip=flip)


def with_views(data: Dataset, source: Source, *, pad: int | None, flip: bool | None) -> Dataset:
    """The same images with other crops and flips; None: the source's default.

    Raises:
        InputError: the images are too small for ``pad``.
    """
    return replace(
        data,
        pad=_pad(source.pad if pad is None else pad, data.train.pixels),
        flip=source.flip if flip is None else flip,
    )


def validated_on_test(data: Dataset, *, seed: int) -> Dataset:
    """The same images where all of the training images are trained on, as a network from outside was.

    The test set is split in two stratified halves, by ``seed``: the first validates, the second tests. Mean
    and std stay as they are.

    Raises:
        InputError: a class has a single test image, which can't be on both sides.
    """
    for name, count in zip(data.class_names, data.test.labels.bincount().tolist(), strict=False):
        if count == 1:
            raise InputError(
                "trained_on: train validates on one half of the test set and tests on the other, which needs at "
                f"least 2 test images of every class, got 1 of class {name!r}. Add test images of it."
            )
    first, second = stratified(data.test.labels.numpy(), 0.5, seed, names=data.class_names)
    train = _together(data.train, data.validation)
    halves = [
        Images(
            pixels=data.test.pixels.index_select(0, torch.from_numpy(rows)).contiguous(),
            labels=data.test.labels.index_select(0, torch.from_numpy(rows)).contiguous(),
        )
        for rows in (second, first)
    ]
    parts = (train, *halves)
    return replace(
        data,
        train=train,
        validation=halves[0],
        test=halves[1],
        address=address_of(parts, data.classes, data.mean, data.std),
    )


def trained_on_all(data: Dataset) -> Dataset:
    """The same images where those of the validation set are trained on too, so that nothing is validated.

    Mean and std stay as they are.
    """
    train = _together(data.train, data.validation)
    validation = Images(pixels=data.validation.pixels[:0], labels=data.validation.labels[:0])
    return replace(
        data,
        train=train,
        validation=validation,
        address=address_of((train, validation, data.test), data.classes, data.mean, data.std),
    )


def _together(first: Images, second: Images) -> Images:
    return Images(
        pixels=torch.cat([first.pixels, second.pixels]), labels=torch.cat([first.labels, second.labels])
    )


def statistics(pixels: torch.Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and (biased) standard deviation of pixel / 255 of each channel, from exact integer sums.

    Args:
        pixels: uint8 (N, C, H, W).

    Raises:
        InputError: All pixels of a channel are equal, so that it can't be normalised.
    """
    mean, std = [], []
    levels = np.arange(256)
    for channel in range(pixels.shape[1]):
        histogram = np.zeros(256, dtype=np.int64)
        for some in torch.split(pixels[:, channel], 1024):  # bincount makes 64-bit copies of what it counts
            histogram += np.bincount(some.flatten().numpy(), minlength=256)
        n, total, squares = (int(histogram @ power) for power in (levels**0, levels, levels**2))
        spread = n * squares - total**2
        if spread == 0:
            raise InputError(
                f"data.path: channel {channel} of the training images must vary, "
                f"got {total // n} in every pixel. Leave the channel out."
            )
        mean.append(total / (255 * n))
        std.append(math.sqrt(spread) / (255 * n))
    return tuple(mean), tuple(std)


def checked_source(name: str, path: Path | None, download: bool) -> Source:
    """The source of a name.

    Raises:
        InputError: there is none, or path or download does not fit it.
    """
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, n=1)
        mend = f"Did you mean {near[0]}?" if near else "Choose one of them."
        raise InputError(f"data.source: one of {', '.join(SOURCES)}, got {name}. {mend}")
    source = SOURCES[name]
    if source.needs_path and path is None:
        raise InputError(f"data.path: must be given for data.source {name}, got none. Give its path.")
    if path is not None and not source.takes_path:
        raise InputError(f"data.path: has no effect on data.source {name}, got {path}. Leave it out.")
    if download and not source.downloads:
        raise InputError(f"data.download: has no effect on data.source {name}, got true. Leave it out.")
    return source


def _split(raw: RawImages, where: str, fraction: float | None, seed: int) -> tuple[Images, Images]:
    if fraction is None:
        if raw.validation is None:
            raise InputError(
                f"data.val_fraction: may be null only where the data has a validation set of its own, "
                f"got null for {where}. Give a fraction, such as 0.2."
            )
        return _images(raw.train), _images(raw.validation)
    part = raw.train if raw.validation is None else _joined(raw.train, raw.validation)
    kept, taken = stratified(part.labels, fraction, seed, names=raw.class_names)
    return _images(part, kept), _images(part, taken)


def _joined(first: Part, second: Part) -> Part:
    return Part(
        pixels=np.concatenate([first.pixels, second.pixels]),
        labels=np.concatenate([first.labels, second.labels]),
    )


def _images(part: Part, rows: NDArray[np.int64] | None = None) -> Images:
    pixels, labels = torch.from_numpy(part.pixels), torch.from_numpy(part.labels)
    if rows is not None:
        chosen = torch.from_numpy(rows)
        pixels, labels = pixels.index_select(0, chosen), labels.index_select(0, chosen)
    return Images(pixels=pixels.contiguous(), labels=labels.contiguous())


def _pad(pad: int | None, pixels: torch.Tensor) -> int:
    side = min(pixels.shape[-2:])
    if pad is None:
        return min(4, side // 8)
    if not 0 <= pad < side:
        raise InputError(
            f"data.pad: 0 to {side - 1} pixels for images whose shorter side is {side}, got {pad}."
        )
    return pad


def address_of(parts: Sequence[Images], classes: int, mean: tuple[float, ...], std: tuple[float, ...]) -> str:
    """The ``address`` of a data set: see there."""
    digest = hashlib.sha256(repr((classes, mean, std)).encode())
    for part in parts:
        digest.update(repr(tuple(part.pixels.shape)).encode())
        digest.update(part.labels.numpy().astype("<i8", copy=False).data)
        digest.update(part.pixels.numpy().data)
    return digest.hexdigest()
