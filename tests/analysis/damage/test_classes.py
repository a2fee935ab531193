from collections.abc import Callable
from typing import Any

import pytest

from analysis.damage.classes import class_damage
from analysis.damage.subject import Subject

Record = Callable[..., dict[str, Any]]
Of = Callable[..., Subject]


def test_a_class_that_loses_is_found_against_seeds_of_the_unpruned_network(
    subject_of: Of, record_of: Record
) -> None:
    seeds = [[90, 80, 70, 85], [91, 79, 72, 84], [89, 81, 71, 86]]
    found = class_damage(subject_of([record_of(one, [one[0], one[1], 40, one[3]]) for one in seeds]))
    assert found
    assert found.seeds == 3
    assert [(line.name, line.set) for line in found.found] == [("c", "clean")]
    line = found.found[0]
    assert (line.unpruned, line.final) == (pytest.approx(0.71), pytest.approx(0.40))
    assert line.change == pytest.approx(-0.31)
    assert line.pruned == pytest.approx(107 / 300, abs=0.01)
    assert line.chance < 0.1
    assert (found.images, found.error) == (100, pytest.approx(0.038, abs=0.002))


def test_without_two_seeds_the_counts_are_tested(subject_of: Of, record_of: Record) -> None:
    found = class_damage(subject_of([record_of([90, 80, 70], [89, 81, 30])]))
    assert found
    assert found.seeds == 0
    assert [line.name for line in found.found] == ["c"]
    assert found.lines[2].chance == pytest.approx(1.96 * 0.0455 * 2**0.5, abs=0.002)


def test_seeds_that_agree_everywhere_give_no_null(subject_of: Of, record_of: Record) -> None:
    found = class_damage(subject_of([record_of([90, 80], [90, 80])] * 2))
    assert found
    assert found.seeds == 0
    assert found.found == ()


def test_classes_without_images_are_left_out(subject_of: Of, record_of: Record) -> None:
    one = record_of([90, 0, 70], [90, 0, 70])
    one["images"]["clean"] = [100, 0, 100]
    found = class_damage(subject_of([one]))
    assert found
    assert [line.name for line in found.lines] == ["a", "c"]


def test_nothing_is_tested_where_an_end_is_missing(subject_of: Of, record_of: Record) -> None:
    one = record_of([90, 80], [90, 80])
    del one["right"]["final"]
    assert class_damage(subject_of([one])) is None
