"""How runs stand, a line each."""

from pathlib import Path
from typing import Any, TextIO

from analysis.conclusion import conclude
from analysis.ended import why_ended
from analysis.errors import InputError
from analysis.files import shown
from analysis.records import MANIFEST, TRIALS, Run, TrialState, read_run
from analysis.text import percent, plain
from sweeper.closing import say_json
from sweeper.confirm import standing

_WORDS = {"running": "asked for, not ended"}


def say_status(root: Path, given: str | None, stream: TextIO, *, as_json: bool) -> None:
    """One run, or all runs below ``root``.

    Raises:
        InputError: the run is neither here nor below ``root``.
    """
    if given is not None:
        folders = [folder for folder in (Path(given), root / given) if _begun(folder)][:1]
        if not folders:
            raise InputError(f"{given}: no such run, here or below {root}. See sweeper status.")
    else:
        folders = sorted(folder for folder in root.glob("*") if _begun(folder))
    runs = [read_run(folder) for folder in folders]
    if as_json:
        say_json([_facts(run) for run in runs])
        return
    if not runs:
        stream.write(f"no runs below {root}. Begin one: sweeper run finetune\n")
    for run in runs:
        facts = _facts(run)
        done = ", ".join(
            f"{count} {_WORDS.get(state, state)}" for state, count in facts["trials"].items() if count
        )
        if facts["confirm"] is not None:
            done += "; {ended} of {planned} confirm runs".format(**facts["confirm"])
        if why := why_ended(run.manifest, run.space):
            done += f"; {why}"
        accuracy = facts["accuracy"]
        found = "no result yet" if accuracy is None else f"best {percent(accuracy, 1)} %"
        stream.write(f"{plain(shown(run.path)):32} {plain(str(facts['status'])):12} {found:14} {done}\n")


def _begun(folder: Path) -> bool:
    """Whether it is a run's: one of a damaged run may lack either."""
    return any((folder / name).exists() for name in (TRIALS, MANIFEST))


def _facts(run: Run) -> dict[str, Any]:
    choice, confirmed = conclude(run).choice, standing(run)
    return {
        "run": str(run.path),
        "status": run.manifest.get("status"),
        "ended_by": run.manifest.get("ended_by"),
        "trials": {state.value: len(run.of(state)) for state in TrialState},
        "confirm": confirmed and confirmed.facts,
        "accuracy": None if choice is None else choice.chosen.trial.metric("accuracy"),
    }
