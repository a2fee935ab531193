"""The chosen configuration as a file that runs again."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis import plain_yaml
from analysis.errors import ResultsError
from analysis.files import shown
from analysis.records import TRIALS, Run, Trial, set_dotted
from analysis.select import Choice
from analysis.text import human, percent, plain

BEST, NEXT = "best.yaml", "next.yaml"
NOT_SETTINGS = ("search", "objective", "constraints", "sweep", "confirm")
"""Sections of a space that say how to search; without them it is the configuration of one trial."""
FIRST, LAST = ("name",), ("resources", "store")
"""Sections of a configuration that are not the pipeline's, and where they stand."""


def best_yaml(run: Run, choice: Choice, *, file: Path, notes: Sequence[str] = ()) -> str:
    """The full settings of the chosen trial as YAML, a name and the pipeline first, with comments that say why.

    `file` is where it will lie, `notes` are more comments. Numbers keep every digit, so a training from it has
    the trial's recipe and, on the CPU, its bits.
    """
    trial = choice.chosen.trial
    value = f", accuracy {percent(trial.metric('accuracy'), 2)} %" if "accuracy" in trial.metrics else ""
    costs = f"{human(trial.metric('macs'))} MACs, {human(trial.metric('params'))} params"
    about = f"Trial {trial.number} of {plain(run.name)}{value}, {costs}."
    told = [line for text in (*notes, choice.rule) for line in textwrap.wrap(plain(text), 100)]
    lines = [about, *told, f"Run it: {plain(train_command(file))}"]
    name = {"name": f"{run.name}-best"}
    return (
        "".join(f"# {line}\n" for line in lines)
        + "\n"
        + plain_yaml.dump(name | settings_of(run, trial) | name)
    )


def train_command(file: Path) -> str:
    """The command that trains the configuration in `file`."""
    return f"python -m sweeper train {shown(file)}"


def settings_of(run: Run, trial: Trial) -> dict[str, Any]:
    """The full settings of one trial: those it recorded, or the space with its params put in.

    `NOT_SETTINGS` are left out; `FIRST` and `LAST`, which no trial records, are the space's. The pipeline's
    sections stand between them, in the order of the space.

    Raises:
        ResultsError: a param names something that is no section of the space.
    """
    space = {key: value for key, value in run.space.items() if key not in NOT_SETTINGS}
    settings = copy.deepcopy(space | dict(trial.settings or {}))
    if trial.settings is not None:
        known = (*trial.settings, *FIRST, *LAST)
        settings = {key: value for key, value in settings.items() if key in known}
    else:
        for key, value in trial.params.items():
            try:
                set_dotted(settings, key, value)
            except ValueError as error:
                raise ResultsError(f"{run.path / TRIALS}: trial {trial.number}: {error}") from error
    order = sorted(settings, key=lambda key: (key in LAST) - (key in FIRST))
    return {key: settings[key] for key in order}
