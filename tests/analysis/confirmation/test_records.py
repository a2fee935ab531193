import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.confirmation.records import asked_of, read_runs
from analysis.errors import ResultsError
from analysis.records import TrialState, read_run

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]


def test_each_run_is_a_trial_with_its_role_and_seed(confirmed_run: Make) -> None:
    runs = read_runs(read_run(confirmed_run()))
    assert len(runs) == 14
    assert [(run.role, run.of, run.seed) for run in runs[:5]] == [
        ("finalist", 4, 1),
        ("finalist", 0, 1),
        ("finalist", 3, 1),
        ("baseline", 4, 1),
        ("finalist", 4, 2),
    ]
    assert runs[0].trial.metrics["test_accuracy"] == 0.952
    assert all(run.complete and run.ended and run.data == "train" for run in runs)


def test_a_run_without_an_end_is_under_way_and_a_failed_one_has_a_reason(
    confirmed_run: Make, confirm_of: Events
) -> None:
    events = confirm_of(0, "finalist", 4, 1, 0.9)[:1] + confirm_of(
        1, "twin", 4, 1, None, reason="loss is nan"
    )
    first, second = read_runs(read_run(confirmed_run(events)))
    assert (first.ended, first.complete) == (False, False)
    assert (second.ended, second.complete, second.trial.state) == (True, False, TrialState.failed)
    assert second.trial.reason == "loss is nan"


def test_without_a_file_there_is_none_and_a_torn_last_line_is_left_out(
    make_run: Make, confirmed_run: Make
) -> None:
    assert read_runs(read_run(make_run(name="a"))) == ()
    folder = confirmed_run(name="b")
    with (folder / "confirm.jsonl").open("ab") as file:
        file.write(b'{"event": "asked", "tri')
    assert len(read_runs(read_run(folder))) == 14


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"role": "judge"}, r"confirm.jsonl:1: damaged, role: one of finalist, baseline, twin, got 'judge'"),
        ({"role": []}, r"confirm.jsonl:1: damaged, role: one of finalist, baseline, twin, got \[\]"),
        ({"of": -1}, r"confirm.jsonl:1: damaged, of: a number from 0, got -1"),
        ({"seed": True}, r"confirm.jsonl:1: damaged, seed: a number from 0, got True"),
        ({"data": "test"}, r"confirm.jsonl:1: damaged, data: one of train, train\+val, got 'test'"),
        ({"seed": 9}, r"confirm.jsonl:2: damaged, run 0 was asked as .*'seed': 9.*, got .*'seed': 1"),
        ({"trial": "0"}, r"confirm.jsonl:1: damaged, trial: a number from 0, got '0'"),
        ({"event": "begun"}, r"confirm.jsonl:1: event: one of asked, rung, end, got 'begun'"),
    ],
)
def test_damage_names_the_line(
    confirmed_run: Make, confirm_of: Events, change: dict[str, Any], message: str
) -> None:
    asked, ended = confirm_of(0, "finalist", 4, 1, 0.9)
    folder = confirmed_run([])
    lines = [json.dumps(event) + "\n" for event in (asked | change, ended)]
    (folder / "confirm.jsonl").write_text("".join(lines))
    with pytest.raises(ResultsError, match=message):
        read_runs(read_run(folder))


def test_an_event_that_lacks_its_role_and_an_accuracy_above_one_are_damage(
    confirmed_run: Make, confirm_of: Events
) -> None:
    asked, ended = confirm_of(0, "finalist", 4, 1, 0.9)
    lacking = {key: value for key, value in ended.items() if key != "of"}
    with pytest.raises(ResultsError, match=r"confirm.jsonl:2: damaged, KeyError: 'of'"):
        read_runs(read_run(confirmed_run([asked, lacking], name="a")))
    ended["metrics"]["test_accuracy"] = 95
    with pytest.raises(ResultsError, match=r"confirm.jsonl:2: damaged, metrics.test_accuracy: .* got 95"):
        read_runs(read_run(confirmed_run([asked, ended], name="b")))


def test_what_is_asked_for_has_defaults_and_bounds(make_run: Make) -> None:
    def asked(text: str, name: str) -> object:
        return asked_of(read_run(make_run([], name=name, space=f"confirm: {text}\n")))

    assert asked("null", "a") is None
    assert str(asked("{}", "b")) == "Asked(top=3, seeds=5, data='train')"
    with pytest.raises(ResultsError, match=r"space.yaml: confirm.seeds: a count from 2, got 1"):
        asked("{seeds: 1}", "c")
    with pytest.raises(ResultsError, match=r"space.yaml: confirm.data: one of train, train\+val, got 'all'"):
        asked("{data: all}", "d")
    with pytest.raises(ResultsError, match=r"space.yaml: confirm: a mapping, got \[1\]"):
        asked("[1]", "e")
