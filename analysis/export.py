"""The chosen configuration as a file that runs again."""

from __future__ import annotations

from pathlib import Path

from analysis import plain_yaml
from analysis.files import shown
from analysis.records import Run, settings_of
from analysis.select import Choice
from analysis.text import human, percent, plain

BEST = "best.yaml"


def best_yaml(run: Run, choice: Choice, *, file: Path) -> str:
    """The full settings of the chosen trial as YAML, in the order of the space, with comments that say why.

    `file` is where it will lie. Numbers keep every digit, so a training from it has the trial's recipe and,
    on the CPU, its bits.
    """
    trial = choice.chosen.trial
    settings = {"name": f"{run.name}-best"} | settings_of(run, trial) | {"name": f"{run.name}-best"}
    value = f", accuracy {percent(trial.metric('accuracy'), 2)} %" if "accuracy" in trial.metrics else ""
    comments = (
        f"Trial {trial.number} of {run.name}{value}, {human(trial.metric('macs'))} MACs, "
        f"{human(trial.metric('params'))} params.",
        choice.rule,
        f"Run it: {train_command(file)}",
    )
    return "".join(f"# {plain(line)}\n" for line in comments) + "\n" + plain_yaml.dump(settings)


def train_command(file: Path) -> str:
    """The command that trains the configuration in `file`."""
    return f"python -m sweeper train {shown(file)}"
