import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from trainables.errors import InputError
from trainables.pruning.selection import select, with_widths_of

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


@settings(deadline=None)
@given(LAYERS, PERCENTS)
def test_scope_layer_takes_the_same_share_of_every_layer(scores: list[Tensor], percent: float) -> None:
    chosen = select(scores, percent, scope="layer")
    assert chosen.threshold is None
    for score, mask in zip(scores, chosen.masks, strict=True):
        assert int((~mask).sum()) == min(len(score) - 1, int(len(score) * percent + 1e-9))
        if not mask.all():
            assert score[mask].min() >= score[~mask].max()


@pytest.mark.parametrize("cut", range(1, 100))
def test_a_share_of_a_layer_is_not_lost_to_rounding(cut: int) -> None:
    assert select([torch.arange(100.0)], cut / 100, scope="layer").cut == cut


def test_of_equals_the_first_stay() -> None:
    assert select([torch.ones(4)], 0.5, scope="layer").masks[0].tolist() == [True, True, False, False]


@settings(deadline=None)
@given(LAYERS, PERCENTS, st.sampled_from(["global", "layer"]), st.integers(1, 12))
def test_floors_hold_and_keep_the_best(scores: list[Tensor], percent: float, scope: str, floor: int) -> None:
    floors = [min(floor, len(score)) for score in scores]
    chosen = select(scores, percent, scope=scope, floors=floors)
    free = select(scores, percent, scope=scope)
    for layer, (score, mask) in enumerate(zip(scores, chosen.masks, strict=True)):
        if layer in chosen.rescued:
            assert mask.sum() == floors[layer]
            assert mask.all() or score[mask].min() >= score[~mask].max()
        else:
            assert mask.sum() >= floors[layer]
            assert torch.equal(mask, free.masks[layer])


@settings(deadline=None)
@given(LAYERS, PERCENTS, st.sampled_from(["global", "layer"]))
def test_untouched_layers_keep_everything_and_are_not_ranked(
    scores: list[Tensor], percent: float, scope: str
) -> None:
    chosen = select(scores, percent, scope=scope, untouched={0})
    rest = select(scores[1:], percent, scope=scope) if scores[1:] else None
    assert chosen.masks[0].all()
    assert all(map(torch.equal, chosen.masks[1:], rest.masks if rest else ()))
    assert chosen.total == sum(map(len, scores))


@settings(deadline=None)
@given(LAYERS, PERCENTS, PERCENTS, st.sampled_from(["global", "layer"]))
def test_two_cuts_of_the_unpruned_network_are_one(
    scores: list[Tensor], one: float, other: float, scope: str
) -> None:
    full = [len(score) for score in scores]
    first, last = sorted((one, other))
    before = select(scores, first, scope=scope)
    left = [score[mask] for score, mask in zip(scores, before.masks, strict=True)]
    twice = select(left, last, scope=scope, full=full)
    at_once = select(scores, last, scope=scope)
    if len(torch.cat(scores).unique()) == sum(full) and not before.rescued:
        for score, mask, rest, stays in zip(left, twice.masks, scores, at_once.masks, strict=True):
            assert torch.equal(score[mask], rest[stays])
        assert (twice.cut, twice.total) == (at_once.cut, at_once.total)


@settings(deadline=None)
@given(LAYERS, PERCENTS, st.integers(0, 99))
def test_a_draw_with_the_widths_of_another_method_keeps_them(
    scores: list[Tensor], percent: float, seed: int
) -> None:
    chosen = select(scores, percent)
    generator = torch.Generator().manual_seed(seed)
    others = [torch.rand(len(score), generator=generator) for score in scores]
    drawn = with_widths_of(chosen, others)
    assert [int(mask.sum()) for mask in drawn.masks] == [int(mask.sum()) for mask in chosen.masks]
    assert (drawn.cut, drawn.total, drawn.percent, drawn.threshold) == (
        chosen.cut,
        chosen.total,
        percent,
        None,
    )
    for score, mask in zip(others, drawn.masks, strict=True):
        assert mask.all() or score[mask].min() >= score[~mask].max()


def test_another_scope_is_refused() -> None:
    with pytest.raises(InputError, match="scope: global or layer, got local"):
        select([torch.ones(3)], 0.5, scope="local")
