import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.split import shares, stratified
from trainables.errors import InputError

FRACTION = st.floats(0.01, 0.99)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), FRACTION)
def test_every_class_gives_its_quota_rounded_down_or_up(counts: list[int], fraction: float) -> None:
    taken = shares(counts, fraction)
    assert sum(taken) == pytest.approx(fraction * sum(counts), abs=0.5 + 1e-9)
    assert all(abs(take - fraction * count) < 1 + 1e-9 for take, count in zip(taken, counts, strict=True))


def test_a_decimal_fraction_means_what_it_says() -> None:
    assert shares([100, 100], 0.29) == [29, 29]


def test_the_largest_remainders_get_what_is_left_and_ties_go_to_the_first_class() -> None:
    assert shares([3, 4, 3], 0.5) == [2, 2, 1]
    assert shares([13, 18, 19], 0.1) == [1, 2, 2]


@settings(deadline=None)
@given(st.lists(st.integers(10, 40), min_size=1, max_size=6), st.floats(0.15, 0.85), st.integers(0, 2**63))
def test_a_split_is_a_partition_with_sorted_sides_and_the_shares_of_each_class(
    counts: list[int], fraction: float, seed: int
) -> None:
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    kept, taken = stratified(labels, fraction, seed)
    assert np.array_equal(np.sort(np.concatenate([kept, taken])), np.arange(len(labels)))
    assert (np.diff(kept) > 0).all()
    assert (np.diff(taken) > 0).all()
    assert np.bincount(labels[taken], minlength=len(counts)).tolist() == shares(counts, fraction)


def test_a_split_is_a_function_of_its_seed() -> None:
    labels = np.arange(100) % 5
    _, first = stratified(labels, 0.2, 0)
    _, again = stratified(labels, 0.2, 0)
    _, other = stratified(labels, 0.2, 1)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.tolist()[:6] == [2, 3, 11, 13, 15, 20]


@pytest.mark.parametrize("fraction", [0.0, 1.0, 20, -0.1, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(
        InputError, match=rf"data.val_fraction: a fraction above 0 and below 1, got {fraction}"
    ):
        stratified(np.arange(10) % 2, fraction, 0)


def test_a_class_with_too_few_images_is_named() -> None:
    labels = np.array([0] * 20 + [1] * 2)
    with pytest.raises(
        InputError, match=r"data.val_fraction: .* got 0.1, which takes 0 of the 2 of class 'cat'"
    ):
        stratified(labels, 0.1, 0, names=("dog", "cat"))
    with pytest.raises(InputError, match=r"got 0.9, which takes 2 of the 2 of class '1'"):
        stratified(labels, 0.9, 0)
