import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from analysis import records
from analysis.at_work import LOCK
from analysis.errors import InputError, ResultsError
from analysis.records import TrialState, newest_run, read_ledger, read_run, set_dotted

Make = Callable[..., Path]
DOCS = Path(__file__).parents[2] / "docs" / "results_format.md"


def names(text: str) -> set[str]:
    """The identifiers in backticks."""
    return set(re.findall(r"`([a-z_]+)`", text))


def test_the_contract_in_code_and_the_one_in_docs_name_the_same_fields() -> None:
    text = DOCS.read_text("utf-8")
    text = text[text.index("## manifest.json") : text.index("## report/")]
    tables = names("".join(re.findall(r"^\|([^|]*)\|", text, re.MULTILINE)))
    code = records.__doc__ or ""
    code = code[code.index("RUN/manifest.json") :]
    assert len(tables) > 50
    assert tables <= names(code)
    assert names(code) <= names(text)


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


def test_a_run_that_says_running_was_interrupted_if_no_one_holds_its_folder(make_run: Make) -> None:
    folder = make_run(status="running")
    with FileLock(folder / LOCK):
        assert read_run(folder).manifest["status"] == "running"
    assert read_run(folder).manifest["status"] == "interrupted"
    assert json.loads((folder / "manifest.json").read_text())["status"] == "running"
    assert read_run(make_run(name="done")).manifest["status"] == "done"


def test_only_a_run_that_has_just_begun_may_lack_its_trials(make_run: Make) -> None:
    begun, lost = make_run([], status="running"), make_run([], name="lost")
    for folder in (begun, lost):
        (folder / "trials.jsonl").unlink()
    assert read_run(begun).trials == ()
    with pytest.raises(ResultsError, match=r"lost/trials.jsonl: is missing, and with it every trial"):
        read_run(lost)


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
        (
            {"event": "end", "trial": 0, "state": "complete", "params": {}, "metrics": {"macs": 0}},
            r"trials.jsonl:2: damaged, metrics.macs: a count from 1, got 0",
        ),
        (
            {"event": "end", "trial": 0, "state": "complete", "params": {}, "settings": "x"},
            r"trials.jsonl:2: damaged, dictionary update sequence",
        ),
        ({"event": "asked", "params": {}}, r"trials.jsonl:2: damaged, KeyError: 'trial'"),
        (
            {"event": "asked", "trial": 1.5, "params": {}},
            r"trials.jsonl:2: damaged, trial: a number from 0, got 1.5",
        ),
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
        ("a: 1\na: 2", r"space.yaml:1: not YAML: a key stands twice"),
        ("a: &a [*a]", r"space.yaml:1: not YAML: aliases are not allowed"),
        ("1: a", r"space.yaml:1: not YAML: a key is text, got 1"),
        ("objective: accuracy", "space.yaml: objective: a mapping, got 'accuracy'"),
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


def test_a_dotted_key_makes_its_sections_and_refuses_a_value_on_its_way() -> None:
    settings: dict[str, Any] = {"model": "resnet8x4"}
    set_dotted(settings, "finetune.kd_weight", 2.0)
    set_dotted(settings, "seed", 3)
    assert settings == {"model": "resnet8x4", "finetune": {"kd_weight": 2.0}, "seed": 3}
    with pytest.raises(ValueError, match=r"model.width: model is no section, got 'resnet8x4'"):
        set_dotted(settings, "model.width", 2)


def test_a_section_that_is_null_becomes_a_mapping() -> None:
    settings: dict[str, Any] = {"teacher": None, "sweep": {"asha": None}}
    set_dotted(settings, "teacher.model", "resnet32x4")
    set_dotted(settings, "sweep.asha.rungs", "plateaus")
    assert settings == {"teacher": {"model": "resnet32x4"}, "sweep": {"asha": {"rungs": "plateaus"}}}
