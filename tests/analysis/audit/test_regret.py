from collections.abc import Callable

import pytest

from analysis.audit.regret import regret, share_bound
from analysis.records import Run

Sweep = Callable[..., Run]
KEPT = [((0.6, 0.7), 0.9, "complete", {"macs": 400}), ((0.5, 0.6), 0.8, "complete", {"macs": 200})]
STOPPED = ((0.3,), 0.3, "stopped", {})


def test_without_an_audit_only_the_stops_are_known(sweep: Sweep) -> None:
    found = regret(sweep([*KEPT, STOPPED, STOPPED]))
    assert (found.stops, found.audited, found.most, found.value) == (2, 0, None, 0)


def test_the_regret_is_how_much_the_best_audited_trial_exceeds_the_best_other_one(sweep: Sweep) -> None:
    audited = [((0.3,), end, "audited", {}) for end in (0.92, 0.95, 0.85)]
    found = regret(sweep([*KEPT, STOPPED, *audited]))
    assert (found.stops, found.audited, found.better, found.trial) == (4, 3, 2, 4)
    assert found.value == pytest.approx(0.05)
    assert found.most == pytest.approx(share_bound(2, 3))


def test_no_better_audited_trial_is_no_regret(sweep: Sweep) -> None:
    found = regret(sweep([*KEPT, ((0.3,), 0.9, "audited", {})]))
    assert (found.better, found.value, found.trial) == (0, 0, None)


def test_what_is_minimised_is_better_below(sweep: Sweep) -> None:
    trials = [((0.5,), 0.5, "complete", {"loss": 0.4}), ((0.9,), 0.5, "audited", {"loss": 0.3})]
    assert regret(sweep(trials, "{minimize: loss}")).value == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("accuracy", "macs", "better", "apart", "value"),
    [
        (0.85, 300, 1, 0, 0.05),  # than the one with 200
        (0.85, 450, 0, 0, 0),
        (0.2, 100, 1, 1, 0),  # none is as small
        (0.8, 200, 0, 0, 0),
    ],
)
def test_with_several_objectives_a_trial_is_compared_with_what_is_no_worse_in_the_others(
    sweep: Sweep, accuracy: float, macs: int, better: int, apart: int, value: float
) -> None:
    audited = ((0.3,), accuracy, "audited", {"macs": macs})
    found = regret(sweep([*KEPT, audited], "{maximize: accuracy, minimize: macs}"))
    assert (found.better, found.apart) == (better, apart)
    assert found.value == pytest.approx(value)


def test_the_bound_of_none_among_n_is_that_of_which_n_would_have_shown_one_in_19_of_20(sweep: Sweep) -> None:
    assert share_bound(0, 10) == pytest.approx(1 - 0.05 ** (1 / 10))
    assert share_bound(3, 3) == 1
    assert share_bound(1, 10) == pytest.approx(0.3942, abs=1e-4)  # Clopper and Pearson, upper 95 %


@pytest.mark.parametrize(("count", "of"), [(-1, 3), (4, 3), (0, 0)])
def test_a_share_is_of_a_count_within_what_was_seen(count: int, of: int) -> None:
    with pytest.raises(ValueError, match=rf"count: 0 to {of} of at least 1, got {count} of {of}\."):
        share_bound(count, of)
