"""Silence is counted from signs of life that can be seen, on the clock of the one who looks."""

import os
from pathlib import Path

import pytest

from sweeper.hangs import Watch
from sweeper.live import Live
from trainables.recipe import Recipe

STEP = 0.5
"""Between two looks, of a limit of 10 s."""


@pytest.fixture
def live(tmp_path: Path) -> Live:
    settings = {"data": {"source": "digits"}, "model": "resnet8", "finetune": {"epochs": 1}}
    begun = tmp_path / "none"
    return Live(number=7, params={}, recipe=Recipe.model_validate(settings), heard=0.0, pulse=begun)


def looks(watch: Watch, live: Live, begin: float, end: float) -> list[float]:
    """The moments at which the trial was found to hang."""
    moments = [begin + number * STEP for number in range(round((end - begin) / STEP) + 1)]
    return [moment for moment in moments if watch.look({live.number: live}, moment)]


def test_a_silent_trial_hangs_after_the_limit_and_again_after_another_one(live: Live) -> None:
    assert looks(Watch(seconds=10.0), live, 100.0, 121.0) == [110.0, 120.5]


def test_a_record_is_a_sign_of_life(live: Live) -> None:
    watch = Watch(seconds=10.0)
    assert looks(watch, live, 0.0, 9.5) == []
    live.heard = 9.6
    assert looks(watch, live, 10.0, 19.5) == []
    assert looks(watch, live, 20.0, 20.0) == [20.0]


def test_a_batch_is_a_sign_of_life(live: Live, tmp_path: Path) -> None:
    watch = Watch(seconds=10.0)
    live.pulse = tmp_path / "worker"
    assert looks(watch, live, 0.0, 9.0) == []
    live.pulse.touch()
    assert looks(watch, live, 9.5, 19.0) == []
    os.utime(live.pulse, (1, 1))  # a clock that went back is another time, and so a sign
    assert looks(watch, live, 19.5, 29.0) == []
    assert looks(watch, live, 29.5, 29.5) == [29.5]


def test_time_in_which_no_one_looked_is_not_silence(live: Live) -> None:
    watch = Watch(seconds=10.0)
    assert looks(watch, live, 0.0, 5.0) == []
    assert looks(watch, live, 5000.0, 5003.5) == []
    assert looks(watch, live, 5004.0, 5004.0) == [5004.0]


def test_one_that_is_begun_again_is_counted_anew(live: Live) -> None:
    watch = Watch(seconds=10.0)
    assert looks(watch, live, 0.0, 9.5) == []
    assert watch.look({}, 10.0) == {}
    assert looks(watch, live, 10.5, 20.0) == []


def test_a_worker_may_take_minutes_to_its_first_word(live: Live) -> None:
    live.pulse = None
    assert looks(Watch(seconds=10.0), live, 0.0, 300.0) == [300.0]
    assert looks(Watch(seconds=400.0), live, 0.0, 399.0) == []


def test_without_a_limit_no_trial_hangs(live: Live) -> None:
    assert looks(Watch(seconds=None), live, 0.0, 1e5) == []


def test_a_death_is_told_as_a_hang_once_and_only_if_it_was_one() -> None:
    watch = Watch(seconds=600.0)
    assert watch.died(3) is None
    watch.hung[3] = 600.0
    assert watch.died(3) == "no sign of life for 600 s (resources.hang_after)"
    assert watch.died(3) is None
