import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import functional

from trainables.data.augment import centre, draw, gather, views

SHAPES = [
    (4, True, 3, 32, 32),
    (1, False, 1, 8, 8),
    (2, True, 2, 5, 7),
    (0, True, 3, 4, 6),
    (0, False, 1, 3, 3),
]


def random_images(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("pad", "flip", "count"), [(4, True, 162), (1, False, 9), (0, False, 1), (0, True, 2)]
)
def test_views_are_counted(pad: int, flip: bool, count: int) -> None:
    assert views(pad, flip) == count


@pytest.mark.parametrize(("pad", "flip", "channels", "height", "width"), SHAPES)
def test_every_view_is_the_crop_and_flip_of_torchvision(
    pad: int, flip: bool, channels: int, height: int, width: int
) -> None:
    image = random_images(1, channels, height, width)
    every = torch.arange(views(pad, flip))
    ours = gather(image, torch.zeros_like(every), every, pad=pad, flip=flip)
    black = functional.pad(image[0], [pad])
    theirs = []
    for dy in range(2 * pad + 1):
        for dx in range(2 * pad + 1):
            crop = functional.crop(black, dy, dx, height, width)
            theirs += [crop, functional.hflip(crop)] if flip else [crop]
    assert torch.equal(ours, torch.stack(theirs))
    assert ours.is_contiguous()


def test_a_view_has_the_pixels_of_pillow_too() -> None:
    image = random_images(1, 3, 32, 32)
    view = (2 * 9 + 7) * 2 + 1
    ours = gather(image, torch.tensor([0]), torch.tensor([view]), pad=4, flip=True)[0]
    pillow = functional.pad(Image.fromarray(image[0].permute(1, 2, 0).numpy()), [4])
    pillow = functional.hflip(functional.crop(pillow, 2, 7, 32, 32))
    assert torch.equal(ours, functional.pil_to_tensor(pillow))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 3),
    st.booleans(),
    st.integers(1, 3),
    st.integers(4, 9),
    st.integers(4, 9),
    st.integers(1, 20),
)
def test_a_gather_of_many_is_the_gathers_of_each(
    pad: int, flip: bool, channels: int, height: int, width: int, n: int
) -> None:
    images = random_images(6, channels, height, width)
    g = torch.Generator().manual_seed(n)
    rows = torch.randint(6, (n,), generator=g)
    chosen = draw(n, pad=pad, flip=flip, generator=g)
    together = gather(images, rows, chosen, pad=pad, flip=flip)
    alone = [gather(images, r[None], v[None], pad=pad, flip=flip) for r, v in zip(rows, chosen, strict=True)]
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize(("pad", "flip", "channels", "height", "width"), SHAPES)
def test_the_centre_is_the_image_itself(pad: int, flip: bool, channels: int, height: int, width: int) -> None:
    images = random_images(3, channels, height, width)
    middle = torch.full((3,), centre(pad, flip))
    assert torch.equal(gather(images, torch.arange(3), middle, pad=pad, flip=flip), images)


def test_views_are_drawn_evenly_and_repeatably() -> None:
    drawn = draw(90_000, pad=1, flip=False, generator=torch.Generator().manual_seed(5))
    again = draw(90_000, pad=1, flip=False, generator=torch.Generator().manual_seed(5))
    assert torch.equal(drawn, again)
    counts = drawn.bincount(minlength=9)
    assert len(counts) == 9
    assert (counts - 10_000).abs().max() < 500
