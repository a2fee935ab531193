import math

import pytest

from sweeper.wording import did_you_mean, dotted, mend_for, place_of, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (1e-5, "1e-05"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
        ("学", '"学"'),
        ('a"\n', '"a\\"\\n"'),
        ("\x1b[0m\u202e\x7f", '"\\u001b[0m\\u202e\\x7f"'),
        ({"a": [1, "b"]}, '{a: [1, "b"]}'),
        ((), "[]"),
        ("x" * 100, '"' + "x" * 56 + "..."),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16..."),
    ],
)
def test_values_are_shown_short_and_printable(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("percnt", "percent"),
        ("PERCENT", "percent"),
        ("kd-weight", "kd_weight"),
        ("prune.precent", "prune.ratio_percent_of"),
        ("warmup", "finetune.warmup"),
        ("zzz", None),
        ("x" * 100_000, None),
    ],
)
def test_the_nearest_name_is_found(word: str, near: str | None) -> None:
    names = ["percent", "kd_weight", "finetune.warmup"]
    if near == "prune.ratio_percent_of":
        names, near = ["prune.percent", "prune.method"], "prune.percent"
    assert did_you_mean(word, names) == near


def test_a_last_part_that_two_names_share_is_no_hint() -> None:
    assert did_you_mean("kd", ["finetune.kd", "sparsity.kd"]) is None


def test_a_key_is_written_with_dots_and_positions() -> None:
    assert dotted(("search", "prune.percent", 2)) == "search.prune.percent[2]"
    assert dotted(()) == ""
    assert dotted(("a", "")) == 'a.""'


def test_a_written_key_leads_back_to_its_place() -> None:
    settings = {"search": {"prune.percent": [0, 1], "prune": {"percent": 1}}}
    assert place_of("search.prune.percent[1]", settings) == ("search", "prune.percent", 1)
    assert place_of("search.prune.percent.x", settings) == ("search", "prune.percent", "x")
    assert place_of("sparsity.s", settings) == ("sparsity", "s")


def test_the_mend_for_a_name_is_the_nearest_or_some_of_the_few_there_are() -> None:
    assert mend_for("percnt", ["percent", "method"]) == "Did you mean percent?"
    assert mend_for("zzz", ["percent", "method"]) == "Known here: percent, method"
    assert mend_for("zzz", map(str, range(16))) == f"Known here: {', '.join(map(str, range(16)))}"
    assert mend_for("zzz", map(str, range(30))) == f"Known here: {', '.join(map(str, range(12)))} and 18 more"
    assert mend_for("zzz", map(str, range(31))) is None
    assert mend_for("zzz", []) is None
