"""The on-disk contract of a run folder, version 1: what the sweeper writes and every report reads.

docs/results_format.md says the same at more length; a test compares the names.

    RUN/space.yaml      the space as run, every default filled in: top-level sections `name`, `seed`, `data`,
                        `model`, `teacher`, `sparsity`, `prune`, `finetune`, `evaluate`, `search`,
                        `objective`, `constraints`, `sweep`, `confirm`, `resources`, `store`; any may be absent
    RUN/manifest.json   `format` (1), `name`, `status` (running, done, interrupted, failed), `command` (list or
                        line), `seed`, `versions` {package: version}, `git`, `machine`, `warnings` (list of
                        texts), `started`, `ended`, `ended_by` (trials, epochs, hours, macs, patience, exhausted; null
                        unless it is done), `seconds` (of the search, all sessions), `sessions` (later resumes,
                        with the `budget` that they raised), `store`, `store_bytes`, `workers`, `cluster`, `space` (hash
                        of what may not change), `space_text` (the space as it is run), `lines` {file: lines that
                        it had when this was written}, `sha256` (of all this)
    RUN/trials.jsonl    append-only, one event a line: `event`, `trial` (number from 0), `sum` (the last, see
                        analysis.lines), and of
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
                        `stage`, `epoch`, `address`, `macs`, `seconds`, `trial`, `sum`; what a teacher looked at for an
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
damage anywhere else is an error that names the line, lines that are missing one that names the file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.at_work import at_work
from analysis.errors import InputError
from analysis.events import EVENTS, EventLog, Log, read_events, read_log
from analysis.files import write_json
from analysis.run_files import (
    CONFIRM,
    CONFIRM_LEDGER,
    FORMAT,
    LEDGER,
    MANIFEST,
    SPACE,
    TRIALS,
    WARNINGS,
    ledger_files,
    lost,
    read_manifest,
    read_space,
)
from analysis.trials import Rung, Trial, TrialState, fold

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
    "WARNINGS",
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

REPORT = "report"


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run folder as read at one moment: `name` is the folder's, `torn`: a torn last line was dropped.

    `manifest` is as the file has it, but that the status of a run that was killed is `interrupted`; `notes` are
    sentences on what was not as usual in its files.
    """

    path: Path
    name: str
    manifest: Mapping[str, Any]
    space: Mapping[str, Any]
    trials: tuple[Trial, ...]
    torn: bool
    notes: tuple[str, ...] = ()

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
    manifest = read_manifest(folder / MANIFEST)
    space, note = read_space(folder, manifest)
    lost(folder, manifest, TRIALS, CONFIRM)
    log = folder / TRIALS
    read = read_log(log) if log.exists() else Log(events=[], torn=False, unsealed=0)
    trials = fold(read.events, log)
    if (
        manifest.get("ended_by") is not None
    ):  # what was asked for ahead, and never begun, is none of its trials
        trials = tuple(trial for trial in trials if trial.state is not TrialState.running)
    if manifest.get("status") == "running" and not at_work(folder):
        if read_manifest(folder / MANIFEST) != manifest:  # it has ended while it was read
            return read_run(folder)
        manifest = manifest | {"status": "interrupted"}
    old = f"{read.unsealed} lines of {TRIALS} are of an earlier version and have no checksums."
    torn = f"A torn last line of {TRIALS} was left out."  # of one that runs it is a write under way
    dropped = read.torn and manifest.get("status") != "running"
    return Run(
        path=folder,
        name=folder.resolve().name,
        manifest=manifest,
        space=space,
        trials=trials,
        torn=read.torn,
        notes=tuple(filter(None, (torn * dropped, old * bool(read.unsealed), note))),
    )


def read_ledger(run: Run) -> list[dict[str, Any]]:
    """One entry an executed epoch, of all processes that worked on `run`; empty where none was kept.

    Raises:
        ResultsError: a line is damaged, or lines are missing.
    """
    files = ledger_files(run.path / LEDGER)
    lost(run.path, run.manifest, LEDGER)
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
