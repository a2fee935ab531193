"""RUN/confirm.jsonl: the runs that confirm a search, one frozen record each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.errors import ResultsError
from analysis.records import CONFIRM, Run, Trial, TrialState, fold, read_events

ROLES = ("finalist", "baseline", "twin")
DATA = ("train", "train+val")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmRun:
    """One recipe on one fresh seed; `trial` has its own number, and all that a trial of the search has.

    `role` is one of `ROLES`, `of` the trial of the search that it stands for (of a baseline and a twin the
    winner), `data` one of `DATA`: which images the student was trained on.
    """

    role: str
    of: int
    seed: int
    data: str
    trial: Trial

    @property
    def ended(self) -> bool:
        """Has it come to an end, good or bad?"""
        return self.trial.state is not TrialState.running

    @property
    def complete(self) -> bool:
        """Has it numbers?"""
        return self.trial.state is TrialState.complete


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the space asks for: `top` finalists on `seeds` fresh seeds, students trained on `data`."""

    top: int
    seeds: int
    data: str


def asked_of(run: Run) -> Asked | None:
    """The section `confirm` of the space; None where it has none.

    Raises:
        ResultsError: a value of it is out of range.
    """
    section = run.space.get("confirm")
    if section is None:
        return None
    top, seeds, data = section.get("top", 3), section.get("seeds", 5), section.get("data", "train")
    where = f"{run.path / 'space.yaml'}: confirm"
    for key, value, least in (("top", top, 1), ("seeds", seeds, 2)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ResultsError(f"{where}.{key}: a count from {least}, got {value!r}. Restore the file.")
    if data not in DATA:
        raise ResultsError(f"{where}.data: one of {', '.join(DATA)}, got {data!r}. Restore the file.")
    return Asked(top=top, seeds=seeds, data=data)


def read_runs(run: Run) -> tuple[ConfirmRun, ...]:
    """The runs in the file of `run`, by number; none without a file. A torn last line is left out.

    Raises:
        ResultsError: a line is damaged. The message names FILE:LINE.
    """
    file = run.path / CONFIRM
    events = read_events(file)[0] if file.exists() else []
    about: dict[int, dict[str, Any]] = {}
    trials = fold(events, file)
    for line, event in enumerate(events, 1):
        try:
            told = _about(event)
            if about.setdefault(event["trial"], told) != told:
                raise ValueError(f"run {event['trial']} was asked as {about[event['trial']]}, got {told}")
        except (KeyError, TypeError) as error:
            raise ResultsError(f"{file}:{line}: damaged, {type(error).__name__}: {error}.") from error
        except ValueError as error:
            raise ResultsError(f"{file}:{line}: damaged, {error}.") from error
    return tuple(ConfirmRun(trial=trial, **about[trial.number]) for trial in trials)


def _about(event: Mapping[str, Any]) -> dict[str, Any]:
    """What an event says of its run, beside what one of the search says."""
    told = {key: event[key] for key in ("role", "of", "seed", "data")}
    for key, values in (("role", ROLES), ("data", DATA)):
        if told[key] not in values:
            raise ValueError(f"{key}: one of {', '.join(values)}, got {told[key]!r}")
    for key in ("of", "seed"):
        if not isinstance(told[key], int) or isinstance(told[key], bool) or told[key] < 0:
            raise ValueError(f"{key}: a number from 0, got {told[key]!r}")
    return told
