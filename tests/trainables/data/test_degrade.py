import colorsys
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from trainables.data.corruptions import CORRUPTIONS

Pixels = NDArray[np.uint8]
COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def flat(*levels: int, side: int = 16) -> Pixels:
    """An image of one colour, uint8 (1, channels, side, side)."""
    return np.tile(np.array(levels, dtype=np.uint8).reshape(1, -1, 1, 1), (1, 1, side, side))


def colour_of(images: Pixels) -> tuple[int, ...]:
    """The colour of a flat image."""
    assert (images == images[:, :, :1, :1]).all()
    return tuple(images[0, :, 0, 0].tolist())


@pytest.mark.parametrize(("severity", "level"), [(1, 113), (2, 126), (3, 138), (4, 151), (5, 176)])
def test_brightness_adds_to_grey(severity: int, level: int) -> None:
    assert colour_of(CORRUPTIONS["brightness"](flat(100), severity, 0)) == (level,)


@pytest.mark.parametrize(
    ("before", "severity", "after"),
    [
        ((0, 0, 0), 4, (51, 51, 51)),
        ((100, 50, 0), 4, (151, 76, 0)),
        ((250, 125, 25), 5, (255, 128, 26)),
        ((255, 255, 255), 1, (255, 255, 255)),
    ],
)
def test_brightness_keeps_the_ratio_of_the_channels(
    before: tuple[int, ...], severity: int, after: tuple[int, ...]
) -> None:
    assert colour_of(CORRUPTIONS["brightness"](flat(*before), severity, 0)) == after


@settings(deadline=None, max_examples=50)
@given(colour=COLOURS, severity=st.integers(1, 5))
def test_brightness_and_saturate_are_those_of_hsv(colour: tuple[int, ...], severity: int) -> None:
    hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in colour))
    more = (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    factor, summand = ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))[severity - 1]
    brighter = colorsys.hsv_to_rgb(hue, saturation, min(value + more, 1))
    coloured = colorsys.hsv_to_rgb(hue, min(saturation * factor + summand, 1), value)
    for name, expected in (("brightness", brighter), ("saturate", coloured)):
        got = colour_of(CORRUPTIONS[name](flat(*colour), severity, 0))
        assert got == pytest.approx([255 * level for level in expected], abs=0.5 + 1e-9), name


@pytest.mark.parametrize("name", ["contrast", "gaussian_blur", "defocus_blur", "pixelate"])
@pytest.mark.parametrize("severity", [1, 3, 5])
def test_an_image_of_one_grey_has_no_contrast_edges_or_blocks_to_lose(name: str, severity: int) -> None:
    assert colour_of(CORRUPTIONS[name](flat(100), severity, 0)) == (100,)


@pytest.mark.parametrize(
    ("severity", "levels"), [(1, [25, 175]), (2, [50, 150]), (3, [60, 140]), (4, [70, 130]), (5, [85, 115])]
)
def test_contrast_pulls_each_channel_to_its_mean(severity: int, levels: list[int]) -> None:
    pixels = flat(0, 200, 0)
    pixels[:, 0, :8] = 200
    after = CORRUPTIONS["contrast"](pixels, severity, 0)
    assert np.unique(after[0, 0]).tolist() == levels
    assert after[0, 0, 0, 0] == levels[1]
    assert colour_of(after[:, 1:]) == (200, 0)


def spread_of_a_point(name: str, severity: int) -> NDArray[np.float64]:
    """What becomes of one white pixel: 9 × 9 shares of it, in the middle of 17 × 17."""
    point = np.zeros((1, 1, 17, 17), dtype=np.uint8)
    point[0, 0, 8, 8] = 255
    after = CORRUPTIONS[name](point, severity, 0)[0, 0] / 255
    assert after.sum() == pytest.approx(1, abs=0.03)
    assert np.array_equal(after, after.T)
    assert np.array_equal(after, after[::-1])
    return after[4:13, 4:13]


@pytest.mark.parametrize(("severity", "sigma"), [(1, 0.4), (3, 0.7), (5, 1.0)])
def test_gaussian_blur_spreads_a_point_over_a_bell(severity: int, sigma: float) -> None:
    bell = np.exp(-(np.arange(-4, 5) ** 2) / (2 * sigma**2))
    expected = np.outer(bell, bell) / bell.sum() ** 2
    assert spread_of_a_point("gaussian_blur", severity) == pytest.approx(expected, abs=0.6 / 255)


@pytest.mark.parametrize(("severity", "sigma", "disk"), [(2, 0.5, 1), (4, 0.2, 5), (5, 0.1, 9)])
def test_defocus_blur_spreads_a_point_over_a_softened_disk(severity: int, sigma: float, disk: int) -> None:
    spread = spread_of_a_point("defocus_blur", severity)
    edge = math.exp(-1 / (2 * sigma**2)) / (1 + 2 * math.exp(-1 / (2 * sigma**2)))
    if disk == 1:
        assert spread[4, 4] == pytest.approx((1 - 2 * edge) ** 2, abs=0.5 / 255)
        assert spread[3, 4] == pytest.approx(edge * (1 - 2 * edge), abs=0.5 / 255)
        assert spread[3, 3] == pytest.approx(edge**2, abs=0.5 / 255)
    else:
        assert (spread > 0.5 / disk).sum() == disk
        assert spread[4, 4] == pytest.approx(1 / disk, abs=1 / 255)


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.04), (5, 0.10)])
def test_gaussian_noise_has_the_deviation_that_it_should(severity: int, deviation: float) -> None:
    noise = CORRUPTIONS["gaussian_noise"](flat(128, side=128), severity, 0) - 128.0
    assert noise.std() == pytest.approx(255 * deviation, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.02 * 255 * deviation)


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.06), (5, 0.20)])
def test_speckle_noise_grows_with_the_level_and_spares_black(severity: int, deviation: float) -> None:
    after = CORRUPTIONS["speckle_noise"](flat(0, 50, 100, side=128), severity, 0)
    assert after[:, 0].max() == 0
    assert after[:, 1].std() == pytest.approx(50 * deviation, rel=0.05)
    assert after[:, 2].std() == pytest.approx(100 * deviation, rel=0.05)


@pytest.mark.parametrize(("severity", "photons"), [(1, 500), (5, 50)])
def test_shot_noise_has_the_variance_of_counts(severity: int, photons: int) -> None:
    after = CORRUPTIONS["shot_noise"](flat(0, 51, 102, side=128), severity, 0) / 255
    assert after[:, 0].max() == 0
    for channel, share in ((1, 0.2), (2, 0.4)):
        assert after[:, channel].mean() == pytest.approx(share, rel=0.02)
        assert after[:, channel].var() == pytest.approx(share / photons, rel=0.06)


@pytest.mark.parametrize(("severity", "share"), [(1, 0.01), (5, 0.07)])
def test_impulse_noise_leaves_black_and_white_specks_alike_often(severity: int, share: float) -> None:
    after = CORRUPTIONS["impulse_noise"](flat(100, 100, 100, side=128), severity, 0)
    assert set(np.unique(after).tolist()) == {0, 100, 255}
    for speck in (0, 255):
        assert (after == speck).mean() == pytest.approx(share / 2, rel=0.12)
    assert (after[:, 0] != after[:, 1]).any()


@pytest.mark.parametrize(("side", "severity", "blocks"), [(32, 1, 30), (32, 5, 20), (8, 1, 7), (8, 5, 5)])
def test_pixelate_leaves_so_many_levels_of_a_slope(side: int, severity: int, blocks: int) -> None:
    slope = np.broadcast_to(7 * np.arange(side, dtype=np.uint8), (1, 1, side, side))
    after = CORRUPTIONS["pixelate"](slope, severity, 0)
    assert len(np.unique(after)) == blocks
    assert (after == after[:, :, :1]).all()
