import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from sweeper.knobs import Knob
from sweeper.mirror import Mirror, remake
from sweeper.space import Space
from sweeper.study_file import distribution

PLAIN = {"sparsity.s": 0.001, "prune.percent": 0.5, "finetune.kd": "none"}
DISTILLED = {**PLAIN, "finetune.kd": "dist", "finetune.kd_weight": 0.5}


def asked(number: int, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"event": "asked", "trial": number, "params": params or PLAIN, "time": "2026-01-02T03:04:05Z"}


def end(
    number: int, state: str = "complete", params: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    metrics = {"accuracy": 0.75, "macs": 400, "macs_unpruned": 1000, "params": 70, "address": "abc"}
    curve = [
        {"stage": "sparsity", "epoch": 1, "accuracy": 0.5},
        {"stage": "prune", "epoch": 0, "accuracy": 0.2},
    ]
    curve += [{"stage": "finetune", "epoch": e, "accuracy": e / 4} for e in (1, 2, 3)]
    return {
        "event": "end", "trial": number, "state": state, "params": params or PLAIN, "metrics": metrics,
        "violations": {"macs": -0.2}, "epochs_trained": 3, "epochs_reused": 2, "seconds": 1.5, "reason": None,
        "curve": curve, "started": "2026-01-02T03:04:05Z", "time": "2026-01-02T03:05:05Z", **more,
    }  # fmt: skip


def trials(path: Path) -> list[optuna.trial.FrozenTrial]:
    storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
    try:
        return optuna.load_study(study_name="small", storage=storage).trials
    finally:
        storage.remove_session()
        storage.engine.dispose()


def mirrored(path: Path, space: Space, *events: dict[str, Any]) -> Mirror:
    mirror = Mirror(path, space, lock_seconds=0.05)
    for event in events:
        mirror.event(event)
    mirror.close()
    return mirror


def test_a_complete_trial_has_its_settings_value_and_curve(tmp_path: Path, space: Space) -> None:
    mirror = mirrored(tmp_path / "study.db", space, asked(0, DISTILLED), end(0, params=DISTILLED))
    assert mirror.trouble is None
    (trial,) = trials(tmp_path / "study.db")
    assert (trial.number, trial.state, trial.value) == (0, TrialState.COMPLETE, 0.75)
    assert trial.params == DISTILLED
    assert trial.intermediate_values == {1: 0.25, 2: 0.5, 3: 0.75}
    assert trial.distributions["sparsity.s"] == FloatDistribution(0.001, 0.03, log=True)
    assert trial.user_attrs["macs"] == 400
    assert "address" not in trial.user_attrs


@pytest.mark.parametrize(
    ("state", "told"),
    [("stopped", TrialState.PRUNED), ("infeasible", TrialState.PRUNED), ("failed", TrialState.FAIL)],
)
def test_a_trial_without_an_end_of_its_own_has_no_value_but_a_reason(
    tmp_path: Path, space: Space, state: str, told: TrialState
) -> None:
    mirrored(tmp_path / "study.db", space, asked(0), end(0, state, reason="because"))
    (trial,) = trials(tmp_path / "study.db")
    assert (trial.state, trial.values) == (told, None)
    assert (trial.user_attrs["state"], trial.user_attrs["reason"]) == (state, "because")


def test_trials_keep_their_numbers_in_whatever_order_they_end(tmp_path: Path, space: Space) -> None:
    events = [asked(0), asked(1, DISTILLED), asked(2), end(2), end(1, "failed", DISTILLED, reason="nan")]
    mirrored(tmp_path / "study.db", space, *events)
    states = [TrialState.RUNNING, TrialState.FAIL, TrialState.COMPLETE]
    assert [(trial.number, trial.state) for trial in trials(tmp_path / "study.db")] == list(enumerate(states))


def test_a_trial_written_whole_equals_one_written_while_it_ran(tmp_path: Path, space: Space) -> None:
    mirrored(tmp_path / "live.db", space, asked(0, DISTILLED), end(0, params=DISTILLED))
    remake(tmp_path / "whole.db", space, [asked(0, DISTILLED), end(0, params=DISTILLED)])
    (live,), (whole,) = trials(tmp_path / "live.db"), trials(tmp_path / "whole.db")
    assert live == whole


def test_several_objectives_are_several_values(
    tmp_path: Path, space_of: Callable[[str], Space], space_text: str
) -> None:
    several = space_of(space_text + "objective: {maximize: accuracy, minimize: macs}\n")
    mirror = mirrored(tmp_path / "study.db", several, asked(0), end(0))
    assert mirror.trouble is None
    (trial,) = trials(tmp_path / "study.db")
    assert trial.values == [0.75, 400.0]


def test_a_later_session_goes_on_with_the_file(tmp_path: Path, space: Space) -> None:
    path = tmp_path / "study.db"
    mirrored(path, space, asked(0), end(0), asked(1))
    inode = path.stat().st_ino
    mirror = Mirror(path, space)
    mirror.rebuild([asked(0), end(0), asked(1), {"event": "rung", "trial": 1}, end(1, "stopped"), asked(2)])
    mirror.event(end(2))
    mirror.close()
    assert path.stat().st_ino == inode
    found = [trial.state for trial in trials(path)]
    assert found == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE]


@pytest.mark.parametrize("damage", [b"", b"not a database at all" * 100])
def test_a_damaged_file_is_made_again(tmp_path: Path, space: Space, damage: bytes) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(damage)
    path.with_name("study.db-journal").write_bytes(b"left by a kill")
    mirror = Mirror(path, space)
    mirror.rebuild([asked(0), end(0)])
    mirror.close()
    assert mirror.trouble is None
    assert [trial.value for trial in trials(path)] == [0.75]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trial_values SET value = 0.95",
        "UPDATE trial_intermediate_values SET intermediate_value = 0.95",
        "UPDATE trial_user_attributes SET value_json = '4' WHERE key = 'macs'",
        "UPDATE trials SET datetime_complete = '2036-01-02 03:04:05.000000'",
        "UPDATE studies SET study_name = 'smell'",
        "UPDATE study_directions SET direction = 'MINIMIZE'",
    ],
)
def test_a_file_that_says_another_number_is_made_again(tmp_path: Path, space: Space, change: str) -> None:
    path = tmp_path / "study.db"
    mirrored(path, space, asked(0), end(0), asked(1))
    before = trials(path)
    with contextlib.closing(sqlite3.connect(path)) as base, base:
        assert base.execute(change).rowcount > 0
    mirror = Mirror(path, space)
    mirror.rebuild([asked(0), end(0), asked(1)])
    mirror.close()
    assert [(t.values, t.user_attrs, t.duration) for t in trials(path)] == [
        (t.values, t.user_attrs, t.duration) for t in before
    ]


def test_a_trial_took_what_a_monotonic_clock_says(tmp_path: Path, space: Space) -> None:
    ended = end(0, seconds=90.5, started="2026-10-25T00:59:50Z", time="2016-10-25T00:00:00Z")
    mirrored(tmp_path / "study.db", space, asked(0), ended)
    (trial,) = trials(tmp_path / "study.db")
    assert trial.duration is not None
    assert trial.duration.total_seconds() == 90.5


def test_the_file_of_another_run_is_made_again(tmp_path: Path, space: Space) -> None:
    path = tmp_path / "study.db"
    mirrored(path, space, asked(0, DISTILLED), asked(1))
    mirror = Mirror(path, space)
    mirror.rebuild([asked(0), end(0)])
    mirror.close()
    assert [trial.params for trial in trials(path)] == [PLAIN]


def test_a_locked_file_keeps_no_one_waiting_and_is_made_again_at_the_end(
    tmp_path: Path, space: Space
) -> None:
    path = tmp_path / "study.db"
    mirrored(path, space, asked(0))
    other = sqlite3.connect(path)
    try:
        other.execute("BEGIN EXCLUSIVE")
        mirror = Mirror(path, space, lock_seconds=0.05)
        began = time.monotonic()
        mirror.event(end(0))
        mirror.event(asked(1))
        assert time.monotonic() - began < 0.05
        mirror.close()
    finally:
        other.close()
    assert mirror.trouble is None
    assert [trial.state for trial in trials(path)] == [TrialState.COMPLETE, TrialState.RUNNING]


def test_a_file_that_cannot_be_written_is_trouble_and_no_error(tmp_path: Path, space: Space) -> None:
    mirror = mirrored(tmp_path / "gone" / "study.db", space, asked(0))
    assert "unable to open database file" in str(mirror.trouble)


def test_a_file_that_cannot_be_made_again_leaves_nothing_beside_it(tmp_path: Path, space: Space) -> None:
    (tmp_path / "study.db").mkdir()
    mirror = mirrored(tmp_path / "study.db", space, asked(0))
    assert mirror.trouble is not None
    assert [file.name for file in tmp_path.iterdir()] == ["study.db"]


def test_without_a_trial_there_is_no_file(tmp_path: Path, space: Space) -> None:
    mirrored(tmp_path / "study.db", space)
    assert not (tmp_path / "study.db").exists()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((8, 12), IntDistribution(8, 12)),
        ((0.5, 1, 2), FloatDistribution(0.5, 2.0)),
        ((1e-4, 1e-3), FloatDistribution(1e-4, 1e-3, log=True)),
        ((0, 0.5), FloatDistribution(0.0, 0.5)),
        (("none", "dist"), CategoricalDistribution(("none", "dist"))),
        ((False, True), CategoricalDistribution((False, True))),
        ((None, 64), CategoricalDistribution((None, 64))),
    ],
)
def test_numbers_are_numbers_and_the_rest_categories(values: tuple[Any, ...], expected: object) -> None:
    assert distribution(Knob(key="finetune.x", values=values)) == expected


def test_ranges_keep_their_ends_and_scale() -> None:
    assert distribution(Knob(key="a.b", values=None, low=1, high=9, integer=True)) == IntDistribution(1, 9)
    assert distribution(Knob(key="a.b", values=None, low=0.1, high=0.9)) == FloatDistribution(0.1, 0.9)
