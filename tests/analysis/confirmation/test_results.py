import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_rel

from analysis.confirmation.results import Confirmation, confirmation
from analysis.errors import ResultsError
from analysis.records import read_run
from analysis.significance import holm

Make = Callable[..., Path]
WINNER = [(0.94, 0.95), (0.95, 0.94), (0.945, 0.945), (0.942, 0.951), (0.947, 0.943)]
OTHER = [(0.93, 0.91), (0.94, 0.90), (0.92, 0.92), (0.935, 0.905), (0.932, 0.912)]
NEAR = [(0.946, 0.949), (0.944, 0.945), (0.945, 0.941), (0.943, 0.95), (0.945, 0.946)]
UNCUT = [(0.96, 0.97), (0.97, 0.96), (0.965, 0.968), (0.961, 0.966), (0.968, 0.962)]
SCORES: dict[tuple[str, int], Any] = {
    ("finalist", 2): WINNER,  # the search recommends the cheapest whose interval reaches the best
    ("finalist", 1): NEAR,
    ("finalist", 0): OTHER,
    ("baseline", 2): UNCUT,
}


def found(folder: Path) -> Confirmation:
    result = confirmation(read_run(folder))
    assert result is not None
    return result


def of_test(rows: Any) -> list[float]:
    return [test for _, test in rows]


def test_candidates_stand_in_the_order_of_the_finalists_the_winner_first(confirmed: Make) -> None:
    result = found(confirmed(SCORES))
    assert [(one.role, one.of) for one in result.candidates] == [
        ("finalist", 2),
        ("finalist", 1),
        ("finalist", 0),
        ("baseline", 2),
    ]
    assert (result.ended, result.planned, result.former, result.winner.searched) == (20, 20, 0, 0.952)


def test_differences_are_those_of_a_paired_t_test_and_p_is_holms(confirmed: Make) -> None:
    result = found(confirmed(SCORES))
    raw = {}
    for one, rows in zip(result.comparisons, (NEAR, OTHER, UNCUT), strict=True):
        by_hand = ttest_rel(of_test(rows), of_test(WINNER))
        low, high = by_hand.confidence_interval(0.95)
        assert one.change.value == pytest.approx(sum(of_test(rows)) / 5 - sum(of_test(WINNER)) / 5)
        assert (one.change.low, one.change.high) == (pytest.approx(low), pytest.approx(high))
        assert one.change.visible == pytest.approx((high - low) / 2)
        raw[one.candidate.name] = by_hand.pvalue
    least, middle, most = sorted(raw, key=lambda name: raw[name])
    by_hand_holm = {least: min(1, 3 * raw[least])}
    by_hand_holm[middle] = max(by_hand_holm[least], min(1, 2 * raw[middle]))
    by_hand_holm[most] = max(by_hand_holm[middle], raw[most])
    assert {one.candidate.name: one.p for one in result.comparisons} == pytest.approx(by_hand_holm)
    assert [one.verdict for one in result.comparisons] == ["not decided", "worse", "better"]


def test_the_cheapest_finalist_within_one_standard_error_is_recommended(confirmed: Make) -> None:
    assert found(confirmed(SCORES)).recommended.of == 2
    poor = SCORES | {("finalist", 2): [(0.80, 0.95)] * 2 + [(0.81, 0.94)] * 3}
    assert found(confirmed(poor, name="poor")).recommended.of == 1


def test_the_search_flattered_its_finalists_by_what_their_means_fall_short(confirmed: Make) -> None:
    gap = found(confirmed(SCORES)).flattered
    assert gap is not None
    gaps = [0.952 - 0.9448, 0.955 - 0.9446, 0.95 - 0.9314]
    assert gap.value == pytest.approx(sum(gaps) / 3)
    spread = (sum((one - sum(gaps) / 3) ** 2 for one in gaps) / 2) ** 0.5
    assert gap.high == pytest.approx(gap.value + t.ppf(0.975, 2) * spread / 3**0.5)


def test_without_validation_images_the_searchs_own_choice_stays(confirmed: Make) -> None:
    scores = {key: [(None, test) for _, test in rows] for key, rows in SCORES.items()}
    result = found(confirmed(scores, data="train+val"))
    assert (result.recommended.of, result.flattered, result.data) == (2, None, "train+val")


def test_two_seeds_allow_no_statistics(confirmed: Make) -> None:
    result = found(confirmed({key: rows[:2] for key, rows in SCORES.items()}))
    assert (result.ended, result.planned, result.decides) == (8, 20, False)
    assert {one.verdict for one in result.comparisons} == {"no statistics"}
    assert {one.p for one in result.comparisons} == {None}


def test_runs_of_former_finalists_are_counted_apart(confirmed: Make) -> None:
    result = found(confirmed(SCORES | {("baseline", 1): UNCUT[:3]}))
    assert (result.former, result.ended) == (3, 20)


def test_runs_on_other_images_than_the_space_asks_for_are_left_out(confirmed: Make) -> None:
    about = {"trial": 90, "role": "finalist", "of": 2, "seed": 1, "data": "train+val"}
    result = found(confirmed(SCORES, more=[{"event": "asked", **about, "params": {}}]))
    assert (result.planned, result.ended, result.decides) == (20, 20, True)


def test_a_confirmation_that_was_not_asked_for_or_has_not_begun_is_none(confirmed: Make) -> None:
    folder = confirmed(SCORES)
    (folder / "confirm.jsonl").unlink()
    assert confirmation(read_run(folder)) is None
    assert confirmation(read_run(confirmed({}, name="empty"))) is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"event": "end", "role": "finalist", "of": 2}, r"confirm\.jsonl: damaged"),
        ({"event": "end", "role": "guest", "of": 2, "trial": 1}, r"role: one of finalist, .*'guest'"),
    ],
)
def test_damage_is_told_with_the_file(line: dict[str, Any], message: str, confirmed: Make) -> None:
    folder = confirmed(SCORES)
    with (folder / "confirm.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    with pytest.raises(ResultsError, match=message):
        confirmation(read_run(folder))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_and_keeps_their_order(tests: list[float]) -> None:
    adjusted = holm(tests)
    assert all(before <= after <= 1 for before, after in zip(tests, adjusted, strict=True))
    assert [adjusted[i] for i in sorted(range(len(tests)), key=lambda i: tests[i])] == sorted(adjusted)
