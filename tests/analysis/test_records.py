import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import InputError, ResultsError
from analysis.records import TrialState, newest_run, read_ledger, read_run, set_dotted, settings_of

Make = Callable[..., Path]


def test_a_run_folder_is_read_whole(make_run: Make) -> None:
    run = read_run(make_run())
    assert run.name == "tiny"
    assert run.manifest["status"] == "done"
    assert run.space["sparsity"] == {
        "s": 0.01,
        "on": "all",
        "epochs": 12,
        "warmup": 6,
        "lr": 0.05,
        "kd": "none",
    }
    assert [trial.number for trial in run.trials] == list(range(15))
    assert {state.value: len(run.of(state)) for state in TrialState} == {
        "complete": 10,
        "stopped": 2,
        "failed": 1,
        "infeasible": 1,
        "running": 1,
    }
    assert not run.torn


def test_a_trial_holds_what_its_events_said(make_run: Make) -> None:
    trial = read_run(make_run()).trials[10]
    assert trial.state is TrialState.stopped
    assert trial.params == {"prune.percent": 0.7, "sparsity.s": 0.001, "finetune.kd": "none"}
    assert (trial.epochs_trained, trial.epochs_reused, trial.seconds) == (4, 13, 3.2)
    assert [(rung.rung, rung.epoch, rung.decision) for rung in trial.rungs] == [("drops=1", 8, "stop")]
    assert (trial.metric("accuracy"), trial.metric("test_accuracy"), trial.metric("address")) == (
        0.92,
        None,
        None,
    )


def test_a_trial_without_an_end_is_running(make_run: Make) -> None:
    trial = read_run(make_run()).trials[-1]
    assert (trial.state, trial.params["prune.percent"], trial.metrics) == (TrialState.running, 0.7, {})


def test_a_torn_last_line_is_dropped_and_said(make_run: Make) -> None:
    folder = make_run()
    with (folder / "trials.jsonl").open("ab") as file:
        file.write(b'{"event": "end", "trial": 14, "sta')
    run = read_run(folder)
    assert run.torn
    assert run.trials[14].state is TrialState.running


def test_a_run_without_trials_is_a_run(make_run: Make) -> None:
    folder = make_run([])
    (folder / "trials.jsonl").unlink()
    assert read_run(folder).trials == ()


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"event": "end", "trial": 0, "state": "odd", "params": {}}, r"trials.jsonl:2: damaged, 'odd'"),
        ({"event": "end", "trial": 0, "params": {}}, r"trials.jsonl:2: damaged, KeyError: 'state'"),
        ({"event": "rung", "trial": 0, "rung": "r"}, r"trials.jsonl:2: damaged, KeyError: 'epoch'"),
        ({"event": "asked", "trial": 0, "params": {}}, r"trials.jsonl:2: asked: trial 0 has one before"),
        (
            {"event": "end", "trial": 0, "state": "complete", "params": {}, "metrics": {"accuracy": 96.5}},
            r"trials.jsonl:2: damaged, metrics.accuracy: a fraction from 0 to 1, got 96.5",
        ),
        ({"event": "asked", "params": {}}, r"trials.jsonl:2: damaged, KeyError: 'trial'"),
        ({"event": "asked", "trial": 1, "params": [3]}, r"trials.jsonl:2: damaged, TypeError"),
    ],
)
def test_an_event_that_makes_no_sense_is_an_error_with_its_line(
    make_run: Make, event: dict[str, Any], message: str
) -> None:
    folder = make_run([{"event": "asked", "trial": 0, "params": {}}, event])
    with pytest.raises(ResultsError, match=message):
        read_run(folder)


def test_an_event_of_a_later_version_is_an_error(make_run: Make) -> None:
    folder = make_run([])
    (folder / "trials.jsonl").write_text('{"event": "born", "trial": 0}\n')
    with pytest.raises(ResultsError, match=r"trials.jsonl:1: event: one of asked, rung, end, got 'born'"):
        read_run(folder)


def test_a_trial_that_ends_twice_is_an_error(
    make_run: Make, complete: Callable[..., list[dict[str, Any]]]
) -> None:
    events = complete(0, 0.9, 0.5)
    with pytest.raises(ResultsError, match=r"trials.jsonl:3: end: trial 0 has one before"):
        read_run(make_run([*events, events[1]]))


def test_an_unknown_format_is_an_error(make_run: Make) -> None:
    with pytest.raises(ResultsError, match=r"manifest.json: format: this version reads 1, got 2") as caught:
        read_run(make_run(format=2))
    assert caught.value.exit_code == 3


def test_a_missing_folder_and_one_that_is_no_run_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such run folder") as caught:
        read_run(tmp_path / "nowhere")
    assert caught.value.exit_code == 2
    with pytest.raises(InputError, match=r"no run folder, it has no manifest.json"):
        read_run(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", r"space.yaml:\d: not YAML"),
        ("- 1", "a mapping of sections, got list"),
        ("a: 1\na: 2", "twice"),
    ],
)
def test_a_damaged_space_names_its_line(make_run: Make, text: str, message: str) -> None:
    with pytest.raises(ResultsError, match=message):
        read_run(make_run(space=text))


def test_a_missing_space_and_a_damaged_manifest_are_errors(make_run: Make) -> None:
    folder = make_run()
    (folder / "space.yaml").unlink()
    with pytest.raises(ResultsError, match=r"space.yaml: is missing"):
        read_run(folder)
    (folder / "manifest.json").write_text('{"format": 1')
    with pytest.raises(ResultsError, match=r"manifest.json: damaged"):
        read_run(folder)


def test_the_newest_run_is_the_one_touched_last(make_run: Make, tmp_path: Path) -> None:
    first, second = make_run(name="b"), make_run(name="a")
    os.utime(second / "manifest.json", ns=(1, 1))
    assert newest_run(tmp_path / "runs") == first
    with pytest.raises(InputError, match="empty: holds no run"):
        newest_run(tmp_path / "empty")


def test_the_ledger_of_all_processes_is_read_without_torn_lines(make_run: Make) -> None:
    folder = make_run()
    assert read_ledger(read_run(folder)) == []
    (folder / "ledger").mkdir()
    for process in ("a", "b"):
        lines = json.dumps({"stage": "finetune", "epoch": 1}) + '\n{"stage": "fin'
        (folder / "ledger" / f"{process}.jsonl").write_text(lines)
    assert read_ledger(read_run(folder)) == [{"stage": "finetune", "epoch": 1}] * 2


def test_settings_of_a_trial_are_the_space_with_its_params_and_without_the_search(make_run: Make) -> None:
    run = read_run(make_run())
    settings = settings_of(run, run.trials[8])
    assert list(settings) == [
        key for key in run.space if key not in ("search", "objective", "constraints", "sweep")
    ]
    assert settings["prune"] == {"percent": 0.9, "method": "slimming"}
    assert settings["finetune"]["kd"] == "none"
    assert run.space["prune"]["percent"] == 0.5


def test_a_dotted_key_makes_its_sections_and_refuses_a_value_on_its_way() -> None:
    settings: dict[str, Any] = {"model": "resnet8x4"}
    set_dotted(settings, "finetune.kd_weight", 2.0)
    set_dotted(settings, "seed", 3)
    assert settings == {"model": "resnet8x4", "finetune": {"kd_weight": 2.0}, "seed": 3}
    with pytest.raises(ValueError, match=r"model.width: model is no section, got 'resnet8x4'"):
        set_dotted(settings, "model.width", 2)


def test_a_param_that_the_space_has_no_section_for_is_an_error(
    make_run: Make, ending: Callable[..., list[dict[str, Any]]]
) -> None:
    run = read_run(make_run(ending(0, "complete", {"model.width": 2}, {})))
    with pytest.raises(
        ResultsError, match=r"trials.jsonl: trial 0: model.width: model is no section, got 'pre"
    ):
        settings_of(run, run.trials[0])
