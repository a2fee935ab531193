from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.confirmation.results import Confirmation
from analysis.confirmation.words import flattery, p_words, sentences, spread, verdict
from analysis.significance import Difference

Concluded = Callable[..., Confirmation]
STEADY = {1: 0.94, 2: 0.942, 3: 0.944}


def test_numbers_are_as_people_read_them() -> None:
    assert spread({1: 0.94, 2: 0.95}, 1, " %") == "94.5 ± 0.7 %"
    assert spread({1: 0.94}, 2) == "94.00"
    assert spread({}, 1, " %") == "–"
    assert [p_words(p) for p in (None, 0.0001, 0.0123, 0.5, 1.0)] == ["–", "< 0.001", "0.012", "0.50", "1.00"]


def test_a_small_difference_is_not_called_equality(concluded: Concluded) -> None:
    given: list[Any] = [
        ("finalist", 4, STEADY, STEADY, 9e6),
        ("finalist", 0, {1: 0.9401, 2: 0.9419, 3: 0.9441}, {}, 9e6),
    ]
    found = concluded(given)
    said = " ".join(sentences(found))
    assert verdict(found.comparisons[0], 2) == "not decided, no difference larger than 0.03 points"
    assert (
        "not decided, no difference larger than 0.0 points; one under 0.0 points could not have been" in said
    )
    assert "equal" not in said


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({9: 0.9}, "no statistics, 0 common seeds"),
        ({1: 0.9}, "no statistics, 1 common seed"),
        (STEADY, "no difference on any seed"),
        (
            {seed: value - 0.01 for seed, value in STEADY.items()},
            "no statistics, the same difference on every seed",
        ),
        ({1: 0.92, 2: 0.923, 3: 0.924}, "worse"),
    ],
)
def test_every_verdict_has_its_words(concluded: Concluded, scores: dict[int, float], words: str) -> None:
    given: list[Any] = [("finalist", 4, STEADY, {}, 9e6), ("twin", 4, scores, {}, 9e6)]
    found = concluded(given)
    assert verdict(found.comparisons[0], 1) == words
    assert any(
        text.startswith("Trial 4 without KD against trial 4") and words in text for text in sentences(found)
    )


def test_flattery_is_said_with_its_doubt(concluded: Concluded) -> None:
    scores = [{1: 0.94, 2: 0.942}, {1: 0.945, 2: 0.946}]
    given: list[Any] = [("finalist", of, one, one, 9e6) for of, one in enumerate(scores)]
    assert flattery(concluded(given, searched=0.96)) == (
        "The search's best accuracy was flattered by 1.7 points (95 % interval −1.2 to +4.5, so it may be chance): "
        "the value that it was chosen for, less the mean on fresh seeds, averaged over 2 finalists."
    )
    alone = concluded(given[:1], searched=0.93)
    assert flattery(alone).startswith(
        "The search's best accuracy was not flattered: on fresh seeds it is higher by 1.1 points (how sure that is, so "
    )
    assert flattery(alone).endswith("the mean on fresh seeds, of its one finalist.")


def test_failures_are_named_counted_and_clean(concluded: Concluded) -> None:
    given: list[Any] = [("finalist", 4, {1: 0.9, 2: None, 3: 0.91}, {}, 9e6)]
    assert sentences(concluded(given))[-1] == (
        "1 run ended without a result, and counts as no seed: trial 4, seed 2: loss is nan."
    )


def test_progress_is_said_while_runs_are_missing(concluded: Concluded) -> None:
    given: list[Any] = [("finalist", 4, {1: 0.9, 2: 0.91}, {}, 9e6), ("finalist", 0, {1: 0.9}, {}, 9e6)]
    assert sentences(concluded(given, seeds=5))[0].startswith(
        "Under way: 3 of 10 runs have ended, and until all "
    )


def test_trained_on_all_images_the_words_say_why_the_order_is_the_search_s(concluded: Concluded) -> None:
    given: list[Any] = [("finalist", of, STEADY, {}, 9e6) for of in (4, 0)]
    said = sentences(concluded(given, data="train+val"))
    assert said[0].startswith(
        "Every candidate was trained on the training and validation images with fresh seeds (1"
    )
    assert said[1].endswith("the finalists stand in the order of the search.")


@settings(deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(0.0, 0.5), st.floats(0, 1))
def test_better_and_worse_are_never_said_above_the_level(value: float, half: float, p: float) -> None:
    from analysis.confirmation.candidates import Candidate
    from analysis.confirmation.compare import Comparison

    candidate = Candidate(role="finalist", of=0, row=None, metric="accuracy", runs=())
    change = Difference(value=value, low=value - half, high=value + half, basis="seeds", count=3)
    one = Comparison(candidate=candidate, change=change, p=p)
    assert (one.verdict in ("better", "worse")) == (p <= 0.05)
    assert one.reach is not None
    assert one.reach >= abs(value)
