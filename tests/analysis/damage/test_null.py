import math

import numpy as np
import pytest

from analysis.damage.null import null, smoothed_error
from analysis.significance import benjamini_hochberg


def test_the_variance_of_two_seeds_is_the_one_computed_by_hand() -> None:
    """Two seeds, two classes of 100 images; one seed is 4 and 8 answers better."""
    found = null([[80, 60], [84, 68]], [100, 100])
    assert found
    errors = [math.sqrt(p * (1 - p) / 100) for p in (83 / 102, 65 / 102)]
    assert found.errors == pytest.approx(errors)
    off = [0.02 / errors[0], 0.04 / errors[1]]  # of the second seed; the first has the opposite
    shift = (off[0] + off[1]) / 2
    between = 2 * 2 * shift**2
    within = 2 * ((off[0] - shift) ** 2 + (off[1] - shift) ** 2)
    assert found.scale == pytest.approx(between / 2 + within / 2)
    assert found.error(0, 1) == pytest.approx(errors[0] * math.sqrt(2 * found.scale))
    assert found.error(0, 4) == pytest.approx(found.error(0, 1) / 2)
    assert 1 <= found.freedom <= 2


def test_nothing_is_known_of_one_seed_and_of_seeds_that_agree() -> None:
    assert null([[80, 60]], [100, 100]) is None
    assert null([[80, 60], [80, 60]], [100, 100]) is None
    assert null([[80], [90]], [100]) is None


def test_the_error_of_a_class_that_is_always_right_is_not_zero() -> None:
    assert 0 < smoothed_error(100, 100) < 0.02
    assert smoothed_error(74, 100) == pytest.approx(0.044, abs=0.001)  # one standard error of 100 images


@pytest.mark.parametrize("shift", [0.0, 0.03])
def test_networks_that_are_only_other_seeds_are_rarely_found_to_differ(shift: float) -> None:
    """5 % of runs may have a discovery where nothing differs; the shift is of a whole network with its seed."""
    random = np.random.default_rng(0)
    images, classes, runs = 100, 100, 200
    level = random.uniform(0.6, 0.9, classes)
    false = 0
    for _ in range(runs):
        shifts = random.normal(0, shift, (4, 1))
        right = random.binomial(images, np.clip(level + shifts, 0.02, 0.98))
        found = null(right[:3].tolist(), [images] * classes)
        assert found
        change = (right[3] - right[0]) / images
        tests = [found.p(float(value), place, 1) for place, value in enumerate(change)]
        false += any(q <= 0.05 for q in benjamini_hochberg(tests))
    assert false / runs < 0.1


def test_a_class_that_really_loses_is_found() -> None:
    random = np.random.default_rng(0)
    level = np.full(100, 0.75)
    right = random.binomial(100, np.tile(level, (3, 1)))
    found = null(right.tolist(), [100] * 100)
    assert found
    after = random.binomial(100, level - 0.3 * (np.arange(100) == 8))
    tests = [found.p(float(value), place, 1) for place, value in enumerate((after - right[0]) / 100)]
    assert [place for place, q in enumerate(benjamini_hochberg(tests)) if q <= 0.05] == [8]
    assert found.reach(8, 1) == pytest.approx(1.97 * found.error(8, 1), rel=0.02)
