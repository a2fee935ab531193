from collections.abc import Callable
from typing import Any

from analysis.damage.classes import class_damage
from analysis.damage.sets import set_lines
from analysis.damage.subject import Subject
from analysis.damage.tables import LEAST, classes_table, sets_table

Record = Callable[..., dict[str, Any]]
Of = Callable[..., Subject]


def test_sets_are_known(subject_of: Of, record_of: Record) -> None:
    one = record_of([90, 80], [90, 78], sets=("clean", "noise_a 3"))
    one["right"]["final"]["noise_a 3"] = [50, 40]
    table = sets_table("tiny", set_lines(subject_of([one])), what="50 % pruned", seeds=1)
    assert table.header == (
        "Test set",
        "Images",
        "Unpruned",
        "After the cut",
        "Final",
        "Δ",
        "95 % interval",
        "Beyond clean",
        "q",
    )
    assert table.rows[0][:6] == ("clean", "200", "85.0", "42.5", "84.0", "−1.0")
    assert table.rows[1][:6] == ("noise_a 3", "200", "85.0", "42.5", "45.0", "−40.0*")
    assert table.rows[1][7:] == ("−39.0", "<0.001")
    assert "a single run" in table.caption
    assert "Wilson, 200 images" in table.caption
    assert len(table.align) == len(table.header)


def test_classes_say_the_null_the_rate_and_the_standard_error(subject_of: Of, record_of: Record) -> None:
    records = [record_of([74 + seed, 74, 75 - seed, 74], [74, 74, 30, 75]) for seed in range(3)]
    found = class_damage(subject_of(records))
    assert found
    table = classes_table("tiny", found, what="50 % pruned", seeds=3)
    assert table.rows[0][0] == "c"
    assert table.rows[0][6] == "−44.0*"
    assert table.rows[0][7].startswith("±")
    assert "1 of 4 differences" in table.caption
    assert "Measured against 3 seeds of the unpruned network" in table.caption
    assert "its images alone (100 a class) is 4.4 points" in table.caption
    assert len(table.align) == len(table.header)
    assert len(table.rows) == 4


def test_without_discoveries_the_likeliest_are_shown_without_a_star(
    subject_of: Of, record_of: Record
) -> None:
    found = class_damage(subject_of([record_of([90] * 20, [89] * 20)]))
    assert found
    table = classes_table("tiny", found, what="50 % pruned", seeds=1)
    assert len(table.rows) == LEAST
    assert not [row for row in table.rows if "*" in "".join(row)]
    assert "Fisher's exact test" in table.caption
