import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from trainables.data import degrade
from trainables.data.corruptions import AT_ONCE, CORRUPTIONS, Corruption, applicable
from trainables.errors import InputError

Pixels = NDArray[np.uint8]


def smooth(count: int = 12, channels: int = 3, side: int = 32, seed: int = 0) -> Pixels:
    """Images with areas, edges and colours, uint8 (count, channels, side, side)."""
    drawn = np.random.default_rng(seed).standard_normal((count, channels, side, side))
    areas = gaussian_filter(drawn, (0, 0, side / 12, side / 12), mode="nearest")
    levels = 128 + 60 * areas / areas.std() + 30 * np.sign(areas)
    return np.clip(levels, 0, 255).astype(np.uint8)


def harm(before: Pixels, after: Pixels) -> float:
    return float(np.abs(before.astype(float) - after).mean())


@pytest.fixture(params=CORRUPTIONS)
def corruption(request: pytest.FixtureRequest) -> Corruption:
    return CORRUPTIONS[request.param]


@pytest.mark.parametrize(("channels", "side"), [(1, 8), (3, 8), (1, 28), (3, 32)])
def test_shape_and_type_stay_and_the_images_themselves_are_left_alone(channels: int, side: int) -> None:
    pixels = smooth(3, channels, side)
    kept = pixels.copy()
    for name in applicable(channels, side):
        after = CORRUPTIONS[name](pixels, 5, 0)
        assert (after.shape, after.dtype) == (pixels.shape, np.uint8), name
        assert not np.array_equal(after, pixels), name
    assert np.array_equal(pixels, kept)


def test_images_need_not_be_square(corruption: Corruption) -> None:
    pixels = smooth(2)[:, :, :24, :]
    assert corruption(pixels, 3, 0).shape == (2, 3, 24, 32)


def test_the_same_call_gives_the_same_bytes(corruption: Corruption) -> None:
    pixels = smooth(4)
    assert np.array_equal(corruption(pixels, 2, 7), corruption(pixels, 2, 7))


@settings(deadline=None, max_examples=10)
@given(name=st.sampled_from(list(CORRUPTIONS)), rows=st.lists(st.integers(0, 5), max_size=6))
def test_an_image_is_degraded_alike_in_any_company(name: str, rows: list[int]) -> None:
    pixels = smooth(6)
    whole = CORRUPTIONS[name](pixels, 3, 0)
    assert np.array_equal(CORRUPTIONS[name](pixels[rows], 3, 0), whole[rows])


def test_more_images_than_are_worked_on_at_a_time_are_degraded_alike(corruption: Corruption) -> None:
    pixels = smooth(1, 3, 16).repeat(AT_ONCE + 1, axis=0)
    after = corruption(pixels, 1, 0)
    assert np.array_equal(after[0], after[-1])


def test_strides_do_not_matter(corruption: Corruption) -> None:
    pixels = smooth(3)
    last = pixels.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    assert np.array_equal(corruption(last, 4, 0), corruption(pixels, 4, 0))


NOISES = [name for name in CORRUPTIONS if name.endswith("noise")]


@pytest.mark.parametrize("name", NOISES)
def test_noise_follows_the_seed_the_severity_and_the_image(name: str) -> None:
    grey = np.full((2, 1, 16, 16), 100, dtype=np.uint8)
    grey[1] += 1
    noise, corrupt = {}, CORRUPTIONS[name]
    for seed in (0, 1):
        for severity in (4, 5):
            after = corrupt(grey, severity, seed).astype(int) - grey
            noise |= {(seed, severity, image): tuple(after[image].flatten().tolist()) for image in (0, 1)}
    assert len(set(noise.values())) == 8


def test_two_noises_are_drawn_apart() -> None:
    grey = np.full((1, 1, 32, 32), 128, dtype=np.uint8)
    first, second = (
        CORRUPTIONS[name](grey, 5, 0).flatten() - 128.0 for name in ("gaussian_noise", "speckle_noise")
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.15


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name not in NOISES])
def test_what_draws_nothing_ignores_the_seed(name: str) -> None:
    pixels = smooth(2)
    assert np.array_equal(CORRUPTIONS[name](pixels, 3, 0), CORRUPTIONS[name](pixels, 3, 1))


@pytest.mark.parametrize("name", [name for name in CORRUPTIONS if name != "saturate"])
@pytest.mark.parametrize("channels", [1, 3])
def test_harm_grows_with_severity(name: str, channels: int) -> None:
    pixels = smooth(24, channels)
    harms = [harm(pixels, CORRUPTIONS[name](pixels, severity, 0)) for severity in range(1, 6)]
    assert all(more > 1.02 * less for less, more in pairwise(harms)), harms
    assert harms[0] > 0.2
    assert harms[-1] < 64


def test_saturate_first_takes_colour_away_and_then_adds_it() -> None:
    pixels = smooth(24)

    def colour(images: Pixels) -> float:
        return float(np.ptp(images, axis=1).mean())

    before = colour(pixels)
    after = [colour(CORRUPTIONS["saturate"](pixels, severity, 0)) for severity in range(1, 6)]
    assert after[1] < after[0] < before < after[2] < after[3] < after[4]


def test_small_and_grey_images_have_fewer_corruptions() -> None:
    assert applicable(3, 32) == tuple(CORRUPTIONS)
    assert set(CORRUPTIONS) - set(applicable(1, 28)) == {"saturate"}
    assert set(CORRUPTIONS) - set(applicable(1, 8)) == {"saturate", "jpeg_compression"}
    assert set(CORRUPTIONS) - set(applicable(3, 15)) == {"jpeg_compression"}
    assert applicable(3, 7) == applicable(4, 32) == ()


@pytest.mark.parametrize("severity", [0, 6, -1])
def test_severities_are_one_to_five(corruption: Corruption, severity: int) -> None:
    with pytest.raises(InputError, match=f"severity: 1, 2, 3, 4 or 5, got {severity}"):
        corruption(smooth(1), severity, 0)


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("jpeg_compression", smooth(1, 1, 8), "jpeg_compression: needs images of 16 × 16 .* got 8 × 8"),
        ("jpeg_compression", smooth(1)[..., :15], "jpeg_compression: needs images of 16 × 16 .* got 32 × 15"),
        ("contrast", smooth(1, 1, 7), "contrast: needs images of 8 × 8 pixels or more, got 7 × 7"),
        ("saturate", smooth(1, 1, 8), "saturate: needs colour images, got 1 channel"),
        ("contrast", smooth(1, 2, 8), r"pixels: uint8 .* got uint8 \(1, 2, 8, 8\)"),
        ("contrast", smooth(1)[0], r"pixels: uint8 .* got uint8 \(3, 32, 32\)"),
        ("contrast", smooth(1) / 255, r"pixels: uint8 .* got float64 \(1, 3, 32, 32\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(name: str, pixels: Pixels, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CORRUPTIONS[name](pixels, 1, 0)


def test_every_corruption_has_its_name_five_strengths_and_a_function(corruption: Corruption) -> None:
    assert CORRUPTIONS[corruption.name] is corruption
    assert len(corruption.strengths) == 5
    assert callable(getattr(degrade, corruption.name))


def test_names_cost_no_import() -> None:
    code = (
        "import sys; from trainables.data.corruptions import applicable; applicable(3, 32); "
        "print(sorted({'torch', 'numpy', 'scipy', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
