import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.errors import InputError
from trainables.pruning.selection import select

torch.set_num_threads(1)
LAYERS = st.lists(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12).map(torch.tensor), min_size=1, max_size=6
)
PERCENTS = st.floats(0, 1, exclude_min=True, exclude_max=True)


@settings(deadline=None)
@given(LAYERS, PERCENTS)
def test_what_is_strictly_above_the_threshold_stays_and_nothing_else(
    scores: list[Tensor], percent: float
) -> None:
    chosen = select(scores, percent)
    everything = torch.cat(scores).sort().values
    assert chosen.threshold == everything[int(len(everything) * percent)]
    for layer, (score, mask) in enumerate(zip(scores, chosen.masks, strict=True)):
        if layer not in chosen.rescued:
            assert torch.equal(mask, score > chosen.threshold)


@settings(deadline=None)
@given(LAYERS, PERCENTS)
def test_a_layer_never_loses_its_last_channel(scores: list[Tensor], percent: float) -> None:
    chosen = select(scores, percent)
    for layer, (score, mask) in enumerate(zip(scores, chosen.masks, strict=True)):
        assert mask.any()
        if layer in chosen.rescued:
            assert score.max() <= chosen.threshold
            assert mask.nonzero().tolist() == [[int(score.argmax())]]


@settings(deadline=None)
@given(LAYERS, PERCENTS)
def test_the_share_is_what_is_cut(scores: list[Tensor], percent: float) -> None:
    chosen = select(scores, percent)
    assert chosen.total == sum(len(score) for score in scores)
    assert chosen.cut == sum(int((~mask).sum()) for mask in chosen.masks)
    assert chosen.share == chosen.cut / chosen.total < 1
    if len(torch.cat(scores).unique()) == chosen.total:
        assert chosen.cut == int(chosen.total * percent) + 1 - len(chosen.rescued)


@settings(deadline=None)
@given(LAYERS, PERCENTS, PERCENTS)
def test_a_higher_percent_keeps_no_more(scores: list[Tensor], one: float, other: float) -> None:
    fewer, more = (select(scores, percent) for percent in sorted((one, other)))
    assert fewer.cut <= more.cut
    assert fewer.threshold <= more.threshold
    for kept, left in zip(fewer.masks, more.masks, strict=True):
        assert torch.equal(kept & left, left)


@settings(deadline=None)
@given(LAYERS)
def test_percent_zero_cuts_nothing(scores: list[Tensor]) -> None:
    chosen = select(scores, 0)
    assert all(mask.all() for mask in chosen.masks)
    assert (chosen.cut, chosen.rescued, chosen.threshold) == (0, (), -math.inf)


def test_channels_that_tie_with_the_threshold_all_go() -> None:
    chosen = select([torch.tensor([0.1, 0.5, 0.5]), torch.tensor([0.5, 0.9])], 0.3)
    assert [mask.tolist() for mask in chosen.masks] == [[False, True, False], [False, True]]
    assert chosen.rescued == (0,)


@pytest.mark.parametrize("percent", [20, 1, -0.1, math.nan, math.inf])
def test_a_percent_is_a_fraction_below_one(percent: float) -> None:
    with pytest.raises(
        InputError, match=rf"^percent: a fraction from 0 to below 1, got {percent}\. Write 0\.2 for 20 %\.$"
    ):
        select([torch.ones(3)], percent)


def test_scores_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="scores: finite numbers, got NaN or inf"):
        select([torch.tensor([1.0, math.nan])], 0.5)
