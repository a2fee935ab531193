from typing import Any

import pytest

from analysis.ended import why_ended

SWEEP = {"epochs": 400, "hours": 0.5, "macs": 5e15, "patience": 20, "sampler": "tpe"}


@pytest.mark.parametrize(
    ("by", "sampler", "words"),
    [
        ("epochs", "tpe", "the budget of 400 epochs is used up"),
        ("hours", "tpe", "its 0.5 hours are over"),
        ("macs", "tpe", "the budget of 5.00 P MACs is used up"),
        ("patience", "tpe", "none of the last 20 trials was better than all before"),
        ("exhausted", "grid", "every point of the space was tried"),
        ("exhausted", "tpe", "the sampler came upon nothing new"),
        ("trials", "tpe", ""),
        (None, "tpe", ""),
    ],
)
def test_the_reason_is_told_in_words(by: str | None, sampler: str, words: str) -> None:
    space: dict[str, Any] = {"sweep": SWEEP | {"sampler": sampler}}
    assert why_ended({"ended_by": by}, space) == words


def test_a_run_of_an_earlier_version_tells_none() -> None:
    assert why_ended({}, {}) == ""
