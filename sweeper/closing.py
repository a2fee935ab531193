"""What is said before and after: warnings, the answer, what to type next."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from analysis.answer import answer, counts
from analysis.cost import cost
from analysis.errors import InputError
from analysis.files import shown
from analysis.records import TRIALS, Run, TrialState, read_run
from analysis.select import baseline, best
from analysis.text import human, percent, plain
from sweeper.space import Space
from sweeper.train import NETWORK, Trained
from trainables.recipe import Recipe, Training

WIDTH = 100


def say_opening(space: Space, stream: TextIO) -> None:
    """The warnings of a space, before anything starts."""
    for warning in space.warnings:
        stream.write(f"warning: {plain(warning)}\n")
    stream.flush()


def say_closing(folder: Path, stream: TextIO, *, as_json: bool) -> None:
    """The best configuration, what it costs and gains, and the three commands to type next."""
    run = read_run(folder)
    choice, unpruned, spent = best(run), baseline(run), cost(run)
    said = answer(run, choice, unpruned, spent)
    settings = " · ".join(f"{name} {value}" for name, value in said.settings)
    rows = [
        ("best", said.headline),
        ("", said.saves),
        ("", settings),
        ("trials", said.trials),
        ("epochs", said.epochs),
    ]
    stream.write("\n")
    for name, text in rows:
        if text:
            stream.write(
                textwrap.fill(plain(text), WIDTH, initial_indent=f"{name:8}", subsequent_indent=" " * 8)
                + "\n"
            )
    path = plain(shown(folder))
    stream.write("\nnext\n")
    stream.write(f"  python -m analysis report {path}\n")
    stream.write(f"  tensorboard --logdir {path}/tensorboard\n")
    stream.write(f"  python -m sweeper train {path}/report/best.yaml    (after the report)\n")
    stream.flush()
    if as_json:
        _json(
            {
                "run": str(folder),
                "trials": {state.value: count for state, count in counts(run).items()},
                "epochs": {
                    name: getattr(spent, name) for name in ("alone", "trained", "executed", "teacher")
                },
                "best": None
                if choice is None
                else {
                    "trial": choice.chosen.trial.number,
                    "params": dict(choice.chosen.trial.params),
                    "metrics": dict(choice.chosen.trial.metrics),
                },
            }
        )


def teller(stream: TextIO) -> Callable[[dict[str, Any], Recipe], None]:
    """Says the records of one training, a line each."""

    def tell(record: dict[str, Any], recipe: Recipe) -> None:
        kind = record["kind"]
        if kind == "reused":
            last = record["epochs"][-1]
            stream.write(
                f"{record['stage']:9} {len(record['epochs'])} epochs from the store, "
                f"accuracy {percent(last['accuracy'], 1)} %\n"
            )
        elif kind == "epoch":
            training = getattr(recipe, record["stage"])
            assert isinstance(training, Training)
            stream.write(
                f"{record['stage']:9} epoch {record['epoch']}/{training.epochs}  lr {record['lr']:.2g}  "
                f"loss {record['train_loss']:.3f}  accuracy {percent(record['accuracy'], 1)} %  "
                f"{record['seconds']:.1f} s\n"
            )
        elif kind == "prune":
            stream.write(
                f"{'prune':9} {percent(record['percent_cut'], 1)} % of the channels cut, "
                f"{human(record['params'])} params, {human(record['macs'])} MACs, "
                f"accuracy {percent(record['accuracy'], 1)} %\n"
            )
        stream.flush()

    return tell


def say_trained(trained: Trained, stream: TextIO, *, as_json: bool) -> None:
    """The result of one training."""
    metrics = trained.metrics
    stream.write(
        f"\nvalidation accuracy {percent(metrics['accuracy'], 2)} %, test accuracy "
        f"{percent(metrics['test_accuracy'], 2)} %, {human(metrics['params'])} params, "
        f"{human(metrics['macs'])} MACs\n"
        f"{trained.epochs_trained} epochs trained, {trained.epochs_reused} from the store\n"
        f"network: {plain(shown(trained.folder / NETWORK))}\n"
    )
    stream.flush()
    if as_json:
        _json({"metrics": metrics, "network": str(trained.folder / NETWORK)})


def say_status(root: Path, given: str | None, stream: TextIO, *, as_json: bool) -> None:
    """One line a run."""
    if given is not None:
        folders = [folder for folder in (Path(given), root / given) if (folder / TRIALS).exists()][:1]
        if not folders:
            raise InputError(f"{given}: no such run, here or below {root}. See sweeper status.")
    else:
        folders = sorted(file.parent for file in root.glob(f"*/{TRIALS}"))
    runs = [read_run(folder) for folder in folders]
    if as_json:
        _json([_facts(run) for run in runs])
        return
    if not runs:
        stream.write(f"no runs below {root}. Begin one: sweeper run finetune\n")
    for run in runs:
        facts = _facts(run)
        done = ", ".join(f"{count} {state}" for state, count in facts["trials"].items() if count)
        found = (
            f"best {percent(facts['accuracy'], 1)} %" if facts["accuracy"] is not None else "no result yet"
        )
        stream.write(f"{plain(shown(run.path)):32} {plain(str(facts['status'])):12} {found:14} {done}\n")


def _facts(run: Run) -> dict[str, Any]:
    choice = best(run)
    return {
        "run": str(run.path),
        "status": run.manifest.get("status"),
        "trials": {state.value: len(run.of(state)) for state in TrialState},
        "accuracy": None if choice is None else choice.chosen.trial.metric("accuracy"),
    }


def _json(value: object) -> None:
    import sys

    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
