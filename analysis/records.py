"""The on-disk contract of a run folder, version 1: what the sweeper writes and every report reads.

docs/results_format.md says the same at more length; a test compares the names.

    RUN/space.yaml      the space as run, every default filled in: top-level sections `name`, `seed`, `data`,
                        `model`, `teacher`, `sparsity`, `prune`, `finetune`, `evaluate`, `search`,
                        `objective`, `constraints`, `sweep`, `confirm`, `resources`, `store`; any may be absent
    RUN/manifest.json   `format` (1), `name`, `status` (running, done, interrupted, failed), `command` (list or
                        line), `seed`, `versions` {package: version}, `git`, `machine`, `warnings` (list of
                        texts), `started`, `ended`, `ended_by` (trials, epochs, hours, macs, patience, exhausted; null
                        unless it is done), `seconds` (of the search, all sessions), `sessions` (later resumes,
                        with the `budget` that they raised), `store`, `store_bytes`, `workers`
    RUN/trials.jsonl    append-only, one event a line: `event`, `trial` (number from 0), and of
        asked           `params` {dotted key: value}, `time`
        rung            `rung` (name of the peer group), `epoch`, `address`, `value` (the compared metric),
                        `peers` (distinct addresses there so far), `decision` (continue, stop, or audit: it
                        would have been stopped and goes on), `values` {metric: value} where several ranked
        end             `state` (complete, stopped, failed, infeasible), `params`, `settings` (all settings of
                        the pipeline, without those that do nothing), `metrics`, `violations` {metric: how far
                        outside its bound}, `curve`, `epochs_trained` and `epochs_reused` (student epochs that
                        it ran, or found stored), `teacher_epochs_trained`, `seconds`, `seconds_waiting` (of
                        them, for epochs that others trained), `reason` (text or null), `started`,
                         `time`, `spent` (on the search up to here: `seconds`, `epochs`, `macs`);
                         `duplicate_of` (number) where an earlier trial had
                         finished the same recipe: it was answered at once, with that trial's numbers;
                         `audited` (a rung) where that one would have stopped it
    RUN/confirm.jsonl   only with `confirm`: what was trained again after the search, in events as those of
                        trials.jsonl, numbered from 0; each also has `role` (finalist, baseline, twin), `of` (the
                        trial of the search that it stands for; of a baseline or twin the winner), `seed` and
                        `data` (train, train+val: then no metric is of validation images)
    RUN/ledger/*.jsonl  one file a process, one line an epoch that was really executed:
                        `stage`, `epoch`, `address`, `macs`, `seconds`, `trial`; what a teacher looked at for an
                        epoch has a line of `kind` views: `stage`, `epoch`, `computed`, `again`, `live`,
                        `macs`, `seconds`, `trial`; those of a confirmation are in RUN/ledger/confirm

`metrics` are fractions from 0 to 1, and counts: `accuracy` (validation split, last epoch: what is searched),
`accuracy_best_epoch`, `accuracy_unpruned` (at the end of sparsity training), `accuracy_pruned` (after the cut,
before finetuning), `loss`, `params`, `macs` (multiply-accumulates of one image), `params_unpruned`,
`macs_unpruned`, `percent_cut` (the share really cut), `validation_images`, `test_accuracy`, `test_loss` and
`test_images` (only where a test set was evaluated), `test_accuracy_best_epoch` and `test_accuracy_last_epoch`
(only with `protocol: diary`: the epoch is chosen on the test set), `damage` (right answers by class on several
test sets, see analysis.damage.recorded: `classes`, `images`, `right`, `only_pruned_wrong` with `row`, `label`,
`answer`, `png`), `address` (of the last state: trials with equal addresses are one network). A failed or
infeasible trial may lack any, and a stopped one the last eight.

`curve` is a list of records: of a training stage (`sparsity`, `gradual` between two cuts, `finetune`) `stage`,
`epoch` (from 1), `lr`, `train_loss`, `train_accuracy`, `accuracy`, `loss`, `seconds`, `address`, `macs_trained`,
`macs_teacher` (of a live teacher, where it is distilled), `reused`; of the stage init (a network from a file) the
same without those of training, `epoch` 0; of the stage prune `stage`,
`epoch` (0, of a gradual prune the number of the cut, from 1), `accuracy`, `loss`, `params`, `macs`,
`params_unpruned`, `macs_unpruned`, `percent_cut`, `channels`, `channels_unpruned` (lists, one entry a layer),
`rescued` (layers, by number, that kept one channel against the rule), `seconds`, `address`, `reused`. Times are
ISO 8601 in UTC. A trial without an `end` is running or was interrupted; a trial is asked once and ends once.

JSON is strict (no NaN). A torn last line, the mark of a kill or of a write under way, is dropped and said;
damage anywhere else is an error that names the line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from analysis.at_work import at_work
from analysis.damage import recorded
from analysis.errors import InputError, ResultsError
from analysis.events import EVENTS, EventLog, parse_object, read_events
from analysis.files import write_json

__all__ = [
    "CONFIRM",
    "CONFIRM_LEDGER",
    "EVENTS",
    "FORMAT",
    "LEDGER",
    "MANIFEST",
    "REPORT",
    "SPACE",
    "TRIALS",
    "EventLog",
    "Run",
    "Rung",
    "Trial",
    "TrialState",
    "fold",
    "newest_run",
    "read_events",
    "read_ledger",
    "read_run",
    "set_dotted",
    "write_json",
]

FORMAT = 1
SPACE = "space.yaml"
MANIFEST = "manifest.json"
TRIALS = "trials.jsonl"
CONFIRM = "confirm.jsonl"
LEDGER = "ledger"
CONFIRM_LEDGER = "ledger/confirm"
REPORT = "report"
COUNTS = ("params", "macs", "params_unpruned", "macs_unpruned", "validation_images", "test_images")
"""Metrics that are at least 1."""


class TrialState(StrEnum):
    """How a trial ended; `running` when no end is recorded (running now, or interrupted)."""

    complete = "complete"
    stopped = "stopped"
    failed = "failed"
    infeasible = "infeasible"
    running = "running"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One comparison of a trial with its peers."""

    rung: str
    epoch: int
    address: str
    value: float
    peers: int
    decision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One point of the space and all that is recorded of it; fields as in the module's text.

    `place` counts the ends in the order of the file, from 0: the order of time. None without an end. Trials are
    equal whatever it is.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    rungs: tuple[Rung, ...] = ()
    curve: tuple[Mapping[str, Any], ...] = ()
    epochs_trained: int = 0
    epochs_reused: int = 0
    teacher_epochs_trained: int = 0
    seconds: float = 0.0
    seconds_waiting: float = 0.0
    reason: str | None = None
    duplicate_of: int | None = None
    audited: str | None = None
    asked: str | None = None
    ended: str | None = None
    settings: Mapping[str, Any] | None = None
    place: int | None = field(default=None, compare=False)

    def metric(self, name: str) -> float | None:
        """The number called `name`, None where it was not recorded."""
        value = self.metrics.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run folder as read at one moment: `name` is the folder's, `torn`: a torn last line was dropped.

    `manifest` is as the file has it, but that the status of a run that was killed is `interrupted`.
    """

    path: Path
    name: str
    manifest: Mapping[str, Any]
    space: Mapping[str, Any]
    trials: tuple[Trial, ...]
    torn: bool

    def of(self, *states: TrialState) -> tuple[Trial, ...]:
        """The trials in one of `states`, by number."""
        return tuple(trial for trial in self.trials if trial.state in states)


def read_run(path: str | os.PathLike[str]) -> Run:
    """Everything that the folder `path` says of its sweep. Only reads, so a sweep may be writing there.

    Raises:
        InputError: there is no such folder, or it is no run folder.
        ResultsError: a file is damaged, or of another format than `FORMAT`.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder. `sweeper status` lists the runs.")
    manifest = _read_manifest(folder / MANIFEST)
    space = _read_space(folder / SPACE)
    log = folder / TRIALS
    if not log.exists() and manifest.get("status") != "running":
        raise ResultsError(f"{log}: is missing, and with it every trial. Restore it.")
    events, torn = read_events(log) if log.exists() else ([], False)
    trials = fold(events, log)
    if (
        manifest.get("ended_by") is not None
    ):  # what was asked for ahead, and never begun, is none of its trials
        trials = tuple(trial for trial in trials if trial.state is not TrialState.running)
    if manifest.get("status") == "running" and not at_work(folder):
        if _read_manifest(folder / MANIFEST) != manifest:  # it has ended while it was read
            return read_run(folder)
        manifest = manifest | {"status": "interrupted"}
    return Run(
        path=folder,
        name=folder.resolve().name,
        manifest=manifest,
        space=space,
        trials=trials,
        torn=torn,
    )


def read_ledger(run: Run) -> list[dict[str, Any]]:
    """One entry an executed epoch, of all processes that worked on `run`; empty where none was kept."""
    files = sorted((run.path / LEDGER).glob("*.jsonl"))
    return [entry for file in files for entry in read_events(file)[0]]


def newest_run(root: str | os.PathLike[str] = "runs") -> Path:
    """The run folder below `root` that was started or finished last.

    Raises:
        InputError: there is none.
    """
    manifests = list(Path(root).glob(f"*/{MANIFEST}"))
    if not manifests:
        raise InputError(f"{root}: holds no run. Start one: python -m sweeper run space/finetune.yaml")
    return max(manifests, key=lambda file: (file.stat().st_mtime_ns, file.parent.name)).parent


def _read_manifest(file: Path) -> dict[str, Any]:
    if not file.exists():
        raise InputError(f"{file.parent}: no run folder, it has no {MANIFEST}. Name a folder below runs/.")
    manifest = parse_object(file.read_bytes(), str(file))
    if manifest.get("format") != FORMAT:
        raise ResultsError(
            f"{file}: format: this version reads {FORMAT}, got {manifest.get('format')!r}. "
            "Use the version that wrote it (see `versions` there)."
        )
    return manifest


def _read_space(file: Path) -> dict[str, Any]:
    import yaml

    from analysis import plain_yaml

    if not file.exists():
        raise ResultsError(f"{file}: is missing. Copy the space file of the sweep there.")
    try:
        space = plain_yaml.load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else f"{file}"
        raise ResultsError(f"{where}: not YAML: {getattr(error, 'problem', error)}.") from error
    if not isinstance(space, dict):
        raise ResultsError(f"{file}: a mapping of sections, got {type(space).__name__}.")
    for name in ("search", "objective", "sweep", "confirm"):
        if not isinstance(space.get(name) or {}, dict):
            raise ResultsError(f"{file}: {name}: a mapping, got {space[name]!r}. Restore the file.")
    return space


def fold(events: Sequence[Mapping[str, Any]], file: Path) -> tuple[Trial, ...]:
    """The trials that the events of `file`, a line each, tell of, sorted by number.

    Raises:
        ResultsError: an event is damaged, or out of order. The message names FILE:LINE.
    """
    asked: dict[int, Mapping[str, Any]] = {}
    rungs: dict[int, list[Rung]] = {}
    ended: dict[int, Mapping[str, Any]] = {}
    for line, event in enumerate(events, 1):
        try:
            number, kind = _number(event["trial"]), event["event"]
            if kind == "asked" and number not in asked:
                _trial(number, event, {}, [])
                asked[number] = event
            elif kind == "rung":
                fields = {key: event[key] for key in Rung.__dataclass_fields__}
                rungs.setdefault(number, []).append(Rung(**fields))
            elif kind == "end" and number not in ended:
                _trial(number, {}, event, [])
                ended[number] = event
            elif kind in EVENTS:
                raise ResultsError(f"{file}:{line}: {kind}: trial {number} has one before. Restore the file.")
            else:
                raise ResultsError(f"{file}:{line}: event: one of {', '.join(EVENTS)}, got {kind!r}.")
        except (KeyError, TypeError, AttributeError) as error:
            raise ResultsError(f"{file}:{line}: damaged, {type(error).__name__}: {error}.") from error
        except ResultsError:
            raise
        except ValueError as error:
            raise ResultsError(f"{file}:{line}: damaged, {error}.") from error
    numbers = sorted(asked.keys() | rungs.keys() | ended.keys())
    places = {number: place for place, number in enumerate(ended)}
    return tuple(
        _trial(n, asked.get(n, {}), ended.get(n, {}), rungs.get(n, []), places.get(n)) for n in numbers
    )


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"trial: a number from 0, got {value!r}")
    return value


def _check(metrics: Mapping[str, Any]) -> None:
    """Refuse accuracies that are no fractions and counts below 1; everything else may be any number."""
    for name, value in metrics.items():
        if "accuracy" in name and value is not None and not 0 <= value <= 1:
            raise ValueError(f"metrics.{name}: a fraction from 0 to 1, got {value}")
        if name in COUNTS and value is not None and not value >= 1:
            raise ValueError(f"metrics.{name}: a count from 1, got {value}")
    if metrics.get("damage") is not None:
        recorded.parse(metrics["damage"])


def _trial(
    number: int,
    asked: Mapping[str, Any],
    end: Mapping[str, Any],
    rungs: list[Rung],
    place: int | None = None,
) -> Trial:
    metrics = dict(end.get("metrics") or {})
    _check(metrics)
    return Trial(
        number=number,
        state=TrialState(end["state"]) if end else TrialState.running,
        params=dict(end.get("params", asked.get("params", {}))),
        metrics=metrics,
        rungs=tuple(rungs),
        curve=tuple(end.get("curve") or ()),
        epochs_trained=int(end.get("epochs_trained", 0)),
        epochs_reused=int(end.get("epochs_reused", 0)),
        teacher_epochs_trained=int(end.get("teacher_epochs_trained", 0)),
        seconds=float(end.get("seconds", 0.0)),
        seconds_waiting=float(end.get("seconds_waiting", 0.0)),
        reason=end.get("reason"),
        duplicate_of=end.get("duplicate_of"),
        audited=end.get("audited"),
        asked=asked.get("time"),
        ended=end.get("time"),
        settings=None if end.get("settings") is None else dict(end["settings"]),
        place=place,
    )


def set_dotted(mapping: dict[str, Any], key: str, value: object) -> None:
    """Set `key` ("finetune.kd_weight") in nested dicts, in place; sections missing or null are made.

    Raises:
        ValueError: a part of the key before the last names something that is no section. Nothing is changed.
    """
    *sections, last = key.split(".")
    for section in sections:
        if mapping.get(section) is None:
            mapping[section] = {}
        mapping = mapping[section]
        if not isinstance(mapping, dict):
            raise ValueError(f"{key}: {section} is no section, got {mapping!r}. Write it as a mapping.")
    mapping[last] = value
