"""What is said when a sweep has ended: the answer, and what to type next."""

import json
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from analysis.answer import counts
from analysis.conclusion import conclude
from analysis.confirmation.words import verdicts
from analysis.ended import why_ended
from analysis.files import shown
from analysis.records import TRIALS, Run, TrialState, read_events, read_run
from analysis.text import plain
from sweeper.confirm import standing
from sweeper.manifest import kept_store, usual_store

WIDTH = 100


def say_closing(folder: Path, stream: TextIO, *, as_json: bool) -> None:
    """The best configuration, what it costs and gains, and the three commands to type next, in order."""
    run = read_run(folder)
    found, confirmed = conclude(run), standing(run)
    choice, spent, said = found.choice, found.cost, found.answer
    headline, advice = (said.headline, _train(folder)) if choice else _no_best(run)
    settings = " · ".join(f"{name} {value}" for name, value in said.settings)
    rows = [
        ("best", headline),
        ("", said.saves),
        ("", settings),
        ("trials", said.trials),
        ("", _ended(run)),
        ("epochs", said.epochs),
        ("confirm", "" if confirmed is None else confirmed.words),
        *(("", text) for text in (verdicts(found.confirmation) if found.confirmation else ())),
    ]
    stream.write("\n")
    for name, text in rows:
        if text:
            lines = textwrap.fill(plain(text), WIDTH, initial_indent=f"{name:8}", subsequent_indent=" " * 8)
            stream.write(f"{lines}\n")
    path = plain(shown(folder))
    stream.write(
        f"\nnext\n  python -m analysis report {path}\n  tensorboard --logdir {path}/tensorboard\n  {advice}\n"
    )
    stream.flush()
    if as_json:
        chosen = None if choice is None else choice.chosen.trial
        facts = {
            "run": str(folder),
            "ended_by": run.manifest.get("ended_by"),
            "trials": {state.value: count for state, count in counts(run).items()},
            "epochs": {name: getattr(spent, name) for name in ("alone", "trained", "executed", "teacher")},
            "views": {"computed": spent.views, "again": spent.views_again, "live": spent.views_live},
            "confirm": confirmed and confirmed.facts,
            "best": chosen
            and {"trial": chosen.number, "params": dict(chosen.params), "metrics": dict(chosen.metrics)},
        }
        say_json(facts)


def say_json(value: object) -> None:
    """One line on standard output, the last."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
    sys.stdout.flush()


def _ended(run: Run) -> str:
    """Why there are no more trials, and how there would be."""
    why, by = why_ended(run.manifest, run.space), run.manifest.get("ended_by")
    if not why or by == "exhausted":
        return f"No more were asked for: {why}." if why else ""
    return f"No more were asked for: {why}. More: python -m sweeper resume {shown(run.path)} --{by} N."


def _train(folder: Path) -> str:
    """The command that trains what the report, which is made first, finds best."""
    command = f"python -m sweeper train {plain(shown(folder / 'report' / 'best.yaml'))}"
    store = kept_store(folder)
    if store is not None and store.resolve() != usual_store().resolve():
        command += f" --store {plain(shown(store))}"
    return command


def _no_best(run: Run) -> tuple[str, str]:
    """Why no trial is complete, and what to do about it."""
    events = read_events(run.path / TRIALS)[0]
    ended = [event for event in events if event["event"] == "end"]
    outside = [event for event in ended if event["state"] == "infeasible"]
    if outside:
        metric, refused = _broken(outside)
        bound = (run.space.get("constraints") or {}).get(metric, "its bound")
        nearest = min(
            (event for event in outside if event["violations"].get(metric, 0) > 0),
            key=lambda event: (event["violations"][metric], event["trial"]),
        )
        return (
            f"No network is within {metric} {bound}: it refused {refused} of {len(ended)} trials. "
            f"Trial {nearest['trial']} came nearest: {nearest['reason']}.",
            f"loosen constraints.{metric}, or search other settings, under another --name",
        )
    states = ", ".join(f"{len(run.of(state))} {state.value}" for state in TrialState if run.of(state))
    reason = next((event["reason"] for event in ended if event["reason"]), "")
    return (
        f"No trial is complete: {states or 'none was asked for'}. {reason}",
        "see the reasons in the report, mend the space, and run it under another --name",
    )


def _broken(outside: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """The constraint that refused most trials, and how many."""
    found = Counter(key for event in outside for key, amount in event["violations"].items() if amount > 0)
    return found.most_common(1)[0]
