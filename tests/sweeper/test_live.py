import re
import time
from typing import Any

import pytest

from sweeper.live import Live, end_of, now
from sweeper.space import Space
from trainables.recipe import Recipe


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
    live.begin_again(None)
    assert (live.curve, live.epochs_trained, live.epochs_reused, live.teacher_epochs_trained) == ([], 0, 0, 0)


def test_the_time_of_day_is_iso_8601_in_utc() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now())


def begun(space: Space, **over: Any) -> Live:
    plain = space.recipe({}).model_dump(mode="json")
    recipe = Recipe.model_validate(plain | {key: plain[key] | value for key, value in over.items()})
    return Live(number=0, params={}, recipe=recipe)


def test_the_epochs_of_a_gradual_prune_are_those_of_all_its_parts(space: Space) -> None:
    live = begun(space, prune={"gradual": {"steps": 4, "epochs": 2}})
    live.stage = "gradual"
    assert live.epochs == 6


CUT = {"stage": "prune", "epoch": 0, "accuracy": 0.3, "macs": 400, "macs_unpruned": 600}


def test_the_schedule_of_scratch_b_is_that_of_the_cut_network(space: Space) -> None:
    live = begun(space, finetune={"start": "scratch_b"})
    live.stage = "finetune"
    assert live.epochs == 4
    assert live.schedule("finetune") is live.recipe.finetune
    live.curve.append({"stage": "sparsity", "epoch": 1, "accuracy": 0.5})
    assert live.epochs == 4
    live.curve.append(CUT)
    assert live.epochs == 6
    schedule = live.schedule("finetune")
    assert schedule is not None
    assert (schedule.epochs, schedule.warmup, schedule.decay_every) == (6, 2, 2)
    assert live.schedule("prune") is live.schedule("start") is None


def test_other_schedules_do_not_depend_on_the_cut(space: Space) -> None:
    live = begun(space, finetune={"start": "scratch"})
    live.curve.append(CUT)
    assert live.schedule("finetune") is live.recipe.finetune
