import re
import time

import pytest

from sweeper.live import Live, end_of, now
from sweeper.space import Space


@pytest.fixture
def live(space: Space) -> Live:
    params = {"sparsity.s": 0.001, "prune.percent": 0.5, "finetune.kd": "none"}
    return Live(number=3, params=params, recipe=space.recipe(params))


def test_the_epochs_are_those_of_the_present_stage(live: Live) -> None:
    found = []
    for stage in ("start", "sparsity", "prune", "finetune"):
        live.stage = stage
        found.append(live.epochs)
    assert found == [0, 2, 0, 4]


def test_an_end_tells_settings_curve_and_time(live: Live) -> None:
    live.curve.append({"stage": "sparsity", "epoch": 1, "accuracy": 0.5, "loss": 1.0, "reused": False})
    live.began = time.monotonic() - 2
    event = end_of(live, "stopped", reason="2 of 2", metrics=None)
    assert (event["event"], event["trial"], event["state"], event["reason"]) == (
        "end",
        3,
        "stopped",
        "2 of 2",
    )
    assert event["metrics"] == {"accuracy": 0.5, "loss": 1.0, "accuracy_best_epoch": 0.5}
    assert event["settings"]["prune"]["percent"] == 0.5
    assert event["seconds"] == pytest.approx(2, abs=0.5)


@pytest.mark.parametrize("state", ["failed", "infeasible"])
def test_an_unfinished_accuracy_is_not_told_as_if_it_were_a_result(live: Live, state: str) -> None:
    live.curve.append({"stage": "sparsity", "epoch": 1, "accuracy": 0.5, "loss": 1.0, "reused": False})
    assert end_of(live, state, reason="", metrics=None)["metrics"] == {}


def test_a_number_that_json_has_not_is_left_out(live: Live) -> None:
    metrics = {"accuracy": 0.5, "loss": float("nan"), "macs": 7}
    assert end_of(live, "complete", reason=None, metrics=metrics)["metrics"] == {"accuracy": 0.5, "macs": 7}


def test_a_worker_that_begins_again_starts_from_nothing(live: Live) -> None:
    live.curve.append({})
    live.epochs_trained = live.epochs_reused = live.teacher_epochs_trained = 2
    live.begin_again()
    assert (live.curve, live.epochs_trained, live.epochs_reused, live.teacher_epochs_trained) == ([], 0, 0, 0)


def test_the_time_of_day_is_iso_8601_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now())
