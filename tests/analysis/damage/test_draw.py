from collections.abc import Callable
from typing import Any

from analysis.damage.classes import ClassLine, class_damage
from analysis.damage.draw import ROWS, draw_classes, draw_sets, set_rows
from analysis.damage.sets import set_lines
from analysis.damage.subject import Subject

Record = Callable[..., dict[str, Any]]
Of = Callable[..., Subject]


def test_many_severities_are_shown_as_the_mean_of_their_corruption(subject_of: Of, record_of: Record) -> None:
    sets = (
        "clean",
        "mine",
        *(f"{name} {n}" for name in ("fog", "snow", "jpeg", "blur", "rain") for n in range(1, 6)),
    )
    one = record_of([90, 80], [90, 78], sets=sets)
    for severity in range(1, 6):
        one["right"]["final"][f"fog {severity}"] = [50 - severity, 50 - severity]
    rows = set_rows(set_lines(subject_of([one])))
    assert [row[0] for row in rows[:2]] == ["clean", "fog"]
    assert {row[0] for row in rows} == {"clean", "mine", "fog", "snow", "jpeg", "blur", "rain"}
    assert round(rows[1][3], 4) == 0.47
    assert rows[1][4]
    few = record_of([90, 80], [90, 78], sets=sets[:5])
    assert len(set_rows(set_lines(subject_of([few], "b")))) == 5 <= ROWS


def test_sets_and_classes_are_drawn_whatever_was_measured(subject_of: Of, record_of: Record) -> None:
    one = record_of([90, 80], [20, 78], sets=("clean", "$a_{\x1b[31m 3"))
    del one["right"]["pruned"]
    shown = subject_of([one])
    assert draw_sets(set_lines(shown))["png"].startswith(b"\x89PNG")
    found = class_damage(shown)
    assert found
    assert draw_classes(found.lines)["pdf"].startswith(b"%PDF")


def test_a_hundred_classes_are_drawn_with_names_of_those_that_pay() -> None:
    lines = [
        ClassLine(
            set="clean",
            name=f"class {n}",
            images=100,
            unpruned=0.8,
            pruned=None,
            final=0.8 - n / 500,
            chance=0.1,
            p=0.5,
            q=0.01 if n > 95 else 1.0,
        )
        for n in range(100)
    ]
    assert draw_classes(lines)["png"].startswith(b"\x89PNG")
