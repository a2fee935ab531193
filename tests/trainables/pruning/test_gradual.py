import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.errors import InputError
from trainables.pruning.gradual import SCHEDULES, cumulative, share_of_the_rest
from trainables.pruning.selection import select

PERCENTS = st.floats(0, 1, exclude_max=True)
NAMES = st.sampled_from(sorted(SCHEDULES))


def test_linear_steps_are_alike_and_cubic_ones_shrink() -> None:
    assert cumulative(0.6, 3, "linear") == pytest.approx((0.2, 0.4, 0.6))
    assert cumulative(0.8, 4, "cubic") == pytest.approx([0.8 * (1 - (1 - k / 4) ** 3) for k in (1, 2, 3, 4)])


@settings(deadline=None)
@given(PERCENTS, st.integers(1, 20), NAMES)
def test_the_share_rises_to_exactly_the_percent(percent: float, n: int, schedule: str) -> None:
    shares = cumulative(percent, n, schedule)
    assert len(shares) == n
    assert shares[-1] == percent
    assert list(shares) == sorted(shares)
    assert all(0 <= share < 1 for share in shares)


@settings(deadline=None)
@given(st.integers(1, 200), PERCENTS, st.integers(1, 8), NAMES)
def test_steps_of_what_is_left_end_where_one_cut_would(
    total: int, percent: float, n: int, schedule: str
) -> None:
    scores = torch.randperm(total, generator=torch.Generator().manual_seed(total)).double()
    at_once = select([scores], percent)
    for share in cumulative(percent, n, schedule):
        rest = select([scores], share_of_the_rest(share, total=total, left=len(scores)))
        scores = scores[rest.masks[0]]
        assert len(scores) == int(select([torch.arange(float(total))], share).masks[0].sum())
    assert len(scores) == at_once.total - at_once.cut


def test_nothing_goes_where_enough_is_gone() -> None:
    assert share_of_the_rest(0.5, total=100, left=40) == 0
    assert share_of_the_rest(0, total=100, left=100) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((50, 3), "percent: a fraction from 0 to below 1, got 50"),
        ((1.0, 3), "percent: a fraction from 0 to below 1, got 1.0"),
        ((0.5, 0), "steps: a number from 1 on, got 0"),
        ((0.5, 3, "square"), "schedule: one of linear, cubic, got square"),
    ],
)
def test_bad_values_are_refused(arguments: tuple[float, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        cumulative(*arguments)
