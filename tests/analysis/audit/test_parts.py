from collections.abc import Callable

import pytest

from analysis.audit.parts import audit_section
from analysis.pages import Section
from analysis.records import Run

Sweep = Callable[..., Run]
Trial = tuple[object, ...]


def section(run: Run) -> Section:
    found = audit_section(run)
    assert found is not None
    return found


def rising(order: list[int], *, places: int = 2) -> list[Trial]:
    """Trials that end the better the later they come; at their rungs they stand in ``order``."""
    return [((0.1 * at,) * places, 0.5 + 0.01 * number, "complete", {}) for number, at in enumerate(order)]


def test_a_run_that_stops_no_one_has_no_section(sweep: Sweep) -> None:
    assert audit_section(sweep(rising([1, 2, 3]))) is None


def test_without_an_audit_it_says_what_is_not_known(sweep: Sweep) -> None:
    said = section(sweep([*rising([1, 2, 3, 4]), ((0.01,), 0.01, "stopped", {})])).words
    assert said[0] == (
        "Rungs stopped 1 trial; none of them went on to its end, so nothing is known of what that cost. "
        "With `sweep.asha.audit: 0.1` a tenth would."
    )
    assert "These are survivors alone, among whom ranks agree less than among all" in said[3]
    assert said[-1] == "No rung's tau is below 0.5: nothing need be changed."


def test_an_audit_without_regret_says_how_many_mistakes_there_may_be(sweep: Sweep) -> None:
    below: list[Trial] = [((0.01,), 0.1, "stopped", {})] * 9 + [((0.02,), 0.2, "audited", {})] * 3
    shown = section(sweep([*rising([1, 2, 3, 4, 5]), *below]))
    assert shown.words[:3] == (
        "12 trials fell behind at a rung; 3 of them, drawn by seed and number, went on to the end all the same.",
        "None of the 3 ended better than what was never stopped: the regret is 0.",
        "With 95 % confidence at most 63 % of the stops were mistakes of that kind (Clopper-Pearson).",
    )
    assert "An audited network counts as often as there are stops to one of them, 4 times" in " ".join(
        shown.words
    )
    ((name, table),) = shown.tables
    assert name == "early-stopping"
    assert table.rows[0][:5] == ("share=0.25", "0.25", "8", "3", "28")


def test_a_regret_is_told_with_its_trial(sweep: Sweep) -> None:
    said = section(sweep([*rising([1, 2, 3]), ((0.01,), 0.62, "audited", {})])).words
    assert said[1] == (
        "1 of the 1 ended better than what was never stopped. The regret is 10.0 points of accuracy, of trial 3."
    )
    assert (
        said[2]
        == "With 95 % confidence at most 100 % of the stops were mistakes of that kind (Clopper-Pearson)."
    )


def test_a_smaller_network_than_all_that_stayed_is_told_apart(sweep: Sweep) -> None:
    stayed = [((0.5,), 0.5, "complete", {"macs": 400}), ((0.6,), 0.6, "complete", {"macs": 500})]
    small = ((0.1,), 0.2, "audited", {"macs": 100})
    said = section(sweep([*stayed, small], "{maximize: accuracy, minimize: macs}")).words
    assert "1 of the 1 ended better than what was never stopped (1 of them smaller than all" in said[1]


@pytest.fixture
def late(sweep: Sweep) -> Run:
    """The first rung is upside down, the second right."""
    trials: list[Trial] = [((0.9 - 0.1 * n, 0.1 + 0.1 * n), 0.5 + 0.01 * n, "complete", {}) for n in range(8)]
    return sweep([*trials, ((0.01,), 0.01, "stopped", {})])


def test_where_only_an_early_rung_tells_little_the_good_ones_are_kept(late: Run) -> None:
    said = section(late).words
    assert "Tau is below 0.5 at share=0.25. What may help, the first thing first:" in said
    assert "Compare later: only at share=0.5, `sweep.asha.rungs: [0.5]`." in said
    assert "Stop fewer: `sweep.asha.reduction: 2` in place of 3, and `min_peers: 8` in place of 4." in said


def test_where_none_tells_much_a_later_one_and_a_key_are_named_and_few_pairs_are_said(sweep: Sweep) -> None:
    trials: list[Trial] = [
        ((0.1 + 0.01 * n + lr,), 0.5 + 0.01 * n - lr, "complete", {"lr": lr})
        for lr in (0.1, 0.2)
        for n in range(6)
    ]
    said = section(sweep([*trials, ((0.01,), 0.01, "stopped", {})])).words
    assert any(
        one.startswith("Compare within more: among networks of one `finetune.lr` tau at share=0.25 is 1.00")
        for one in said
    )
    assert "Compare later: `sweep.asha.rungs: [0.62]`; the last of these rungs is at 0.25 of a trial." in said
    few = section(sweep([*rising([2, 1, 3, 5, 4, 0], places=1), ((0.01,), 0.01, "stopped", {})]))
    assert any("though 0.5 is within the interval: there are few pairs" in one for one in few.words)
