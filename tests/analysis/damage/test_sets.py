from collections.abc import Callable
from typing import Any

import pytest

from analysis.damage.sets import set_lines
from analysis.damage.subject import Subject

Record = Callable[..., dict[str, Any]]
Of = Callable[..., Subject]


def records(record_of: Record) -> list[dict[str, Any]]:
    """Three seeds: the clean set hardly changes, noise loses about 20 points."""
    made = []
    for seed in range(3):
        one = record_of([90, 80 + seed], [90, 79 + seed], sets=("clean", "noise 3"))
        one["right"]["final"]["noise 3"] = [70 + seed, 60 - seed]
        made.append(one)
    return made


def test_each_set_has_its_accuracies_and_what_is_lost_beyond_the_clean_one(
    subject_of: Of, record_of: Record
) -> None:
    clean, noise = set_lines(subject_of(records(record_of)))
    assert (clean.name, clean.images, clean.beyond) == ("clean", 200, None)
    assert (clean.unpruned, clean.final) == (pytest.approx(0.855), pytest.approx(0.85))
    assert noise.pruned == pytest.approx((45 + 40 + 45 + 40 + 45 + 41) / 600)
    assert noise.change.value == pytest.approx(-0.205)
    assert noise.beyond == pytest.approx(-0.2)
    assert noise.change.by == "paired t, 3 seeds"
    assert noise.pays
    assert not clean.pays
    assert noise.q <= 2 * noise.p


def test_single_runs_are_tested_by_their_images(subject_of: Of, record_of: Record) -> None:
    (line,) = set_lines(subject_of([record_of([90, 80], [50, 40])]))
    assert line.change.by == "Wilson, 200 images"
    assert line.pays


def test_sets_that_lack_an_end_are_left_out(subject_of: Of, record_of: Record) -> None:
    one = record_of([90, 80], [50, 40], sets=("clean", "fog 1"))
    del one["right"]["final"]["fog 1"]
    del one["right"]["pruned"]
    (line,) = set_lines(subject_of([one]))
    assert (line.name, line.pruned) == ("clean", None)
    none = record_of([90, 80], [50, 40])
    del none["right"]["unpruned"]
    assert set_lines(subject_of([none], "b")) == ()
