from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.damage.parts import damage_section
from analysis.records import read_run
from analysis.select import best

Make = Callable[..., Path]
Record = Callable[..., dict[str, Any]]


def test_sets_classes_and_images_that_pay_are_shown(
    damaged_run: Make, record_of: Record, png_of: Callable[..., str]
) -> None:
    records = []
    for seed in range(3):
        lost = [{"row": 7, "label": 2, "answer": 0, "png": png_of()}]
        one = record_of(
            [90 + seed, 80, 70, 85], [90, 81, 30, 85], sets=("clean", "fog 2"), only_pruned_wrong=lost
        )
        records.append(one)
    run = read_run(damaged_run(records))
    section = damage_section(run, best(run))
    assert section
    assert [picture.name for picture in section.pictures] == [
        "damage-sets",
        "damage-classes",
        "damage-images",
    ]
    assert [name for name, _ in section.tables] == ["damage-sets", "damage-classes"]
    assert section.words[0].startswith("50 % pruned, KD none → none: 2 of 2 test sets surely lose (points): ")
    assert "2 surely lose (points): class c on clean (−40.0), class c on fog 2 (−40.0)." in section.words[1]
    assert "c taken for a" in section.pictures[2].alt


def test_one_set_has_no_figure_of_sets_and_no_loss_is_said(damaged_run: Make, record_of: Record) -> None:
    run = read_run(damaged_run([record_of([90, 80], [90, 80])]))
    section = damage_section(run, best(run))
    assert section
    assert [picture.name for picture in section.pictures] == ["damage-classes"]
    assert section.words == (
        "50 % pruned, KD none → none: no loss is sure on the test set (false discovery rate 5 %).",
        "Of 2 classes on sets, none surely loses (false discovery rate 5 %).",
    )


def test_a_run_without_damage_has_no_such_section(make_run: Make) -> None:
    run = read_run(make_run())
    assert damage_section(run, best(run)) is None
