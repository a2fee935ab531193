"""An epoch of cropped, flipped and normalised CIFAR images: ours against torchvision's transforms and DataLoader.

    python benchmarks/data_path.py [CIFAR.npz]

prints a Markdown table (about three minutes on two cores). The images are the ``train_images`` of an .npz file as
MedMNIST's, or random ones. An epoch is 50,000 images in batches of 64: a crop out of 4 pixels of black, a flip,
float32, mean and std; ours is in channels_last besides, as training takes it. The arms take turns. First the
pixels are compared: given the same offsets both arms have the same bytes, and after normalising they differ by
roundings.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from machine import said_of_this_machine
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.transforms import functional

from trainables.data.augment import draw
from trainables.data.batches import batches, epoch_order, normalise

PAD, BATCH, REPEATS, COMPARED = 4, 64, 5, 2000
MEAN, STD = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)
CORES = torch.get_num_threads()


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images as torchvision's CIFAR100 gives them: an array, a Pillow image each time, transforms."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        self.images = images
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(images.shape[1], padding=PAD),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[row])), row


def theirs(images: NDArray[np.uint8], workers: int) -> Callable[[int], Iterator[Tensor]]:
    """Epochs by a DataLoader; it may use every core."""
    loader = DataLoader(Pictures(images), batch_size=BATCH, shuffle=True, num_workers=workers)

    def epoch(seed: int) -> Iterator[Tensor]:
        torch.set_num_threads(CORES)
        torch.manual_seed(seed)
        return (batch for batch, _ in loader)

    return epoch


def ours(images: NDArray[np.uint8]) -> Callable[[int], Iterator[Tensor]]:
    """Epochs by gathers, on one thread."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    labels = torch.arange(len(pixels))

    def epoch(seed: int) -> Iterator[Tensor]:
        torch.set_num_threads(1)
        chance = torch.Generator().manual_seed(seed)
        order = epoch_order(len(pixels), generator=chance)
        views = draw(len(pixels), pad=PAD, flip=True, generator=chance)
        made = batches(
            pixels, labels, order=order, views=views, pad=PAD, flip=True, batch_size=BATCH, drop_last=False
        )
        return (normalise(batch.pixels, MEAN, STD, memory_format=torch.channels_last) for batch in made)

    return epoch


def assert_same_pixels(images: NDArray[np.uint8]) -> None:
    """Ours against torchvision's own crop and flip, image by image, with the offsets that we drew."""
    some = images[:COMPARED]
    pixels = torch.from_numpy(some).permute(0, 3, 1, 2).contiguous()
    chance = torch.Generator().manual_seed(0)
    order = epoch_order(len(some), generator=chance)
    views = draw(len(some), pad=PAD, flip=True, generator=chance)
    made = batches(
        pixels, order, order=order, views=views, pad=PAD, flip=True, batch_size=BATCH, drop_last=False
    )
    for batch in made:
        expected = torch.stack(
            [_crop(some[row], view) for row, view in zip(batch.rows, batch.views, strict=True)]
        )
        assert torch.equal(batch.pixels, expected)
        torch.testing.assert_close(
            normalise(batch.pixels, MEAN, STD),
            functional.normalize(expected.float() / 255, MEAN, STD),
            rtol=1e-5,
            atol=1e-5,
        )


def _crop(image: NDArray[np.uint8], view: Tensor) -> Tensor:
    crop, mirrored = divmod(int(view), 2)
    top, left = divmod(crop, 2 * PAD + 1)
    picture = functional.pad(Image.fromarray(image), [PAD])
    picture = functional.crop(picture, top, left, *image.shape[:2])
    return functional.pil_to_tensor(functional.hflip(picture) if mirrored else picture)


def seconds(epoch: Callable[[int], Iterator[Tensor]], seed: int) -> float:
    """One epoch, from the first thing that it does to its last batch."""
    began = time.perf_counter()
    count = sum(len(batch) for batch in epoch(seed))
    assert count
    return time.perf_counter() - began


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, nargs="?")
    given = parser.parse_args().images
    if given is None:
        images = np.random.default_rng(0).integers(0, 256, (50_000, 32, 32, 3), dtype=np.uint8)
    else:
        images = np.load(given, allow_pickle=False)["train_images"]
    assert_same_pixels(images)
    arms = {
        "ours, 1 thread": ours(images),
        "torchvision, DataLoader with 0 workers": theirs(images, 0),
        "torchvision, DataLoader with 2 workers": theirs(images, 2),
    }
    times: dict[str, list[float]] = {name: [] for name in arms}
    for repeat in range(REPEATS):
        for name, epoch in arms.items():
            times[name].append(seconds(epoch, repeat))
    (own, *_) = times.values()
    print(f"| an epoch of {len(images):,} images | median | least | median / ours | least / ours |")
    print("|---|--:|--:|--:|--:|")
    for name, taken in times.items():
        middle, least = statistics.median(taken), min(taken)
        ratios = f"{middle / statistics.median(own):.1f} | {least / min(own):.1f}"
        print(f"| {name} | {middle:.2f} s | {least:.2f} s | {ratios} |")
    print(
        f"\n{said_of_this_machine(REPEATS, 'torch', 'torchvision')} "
        f"{COMPARED:,} images have the same pixels in both."
    )


if __name__ == "__main__":
    main()
