"""What a sweep found, in sentences: computed once, shown by the report, the page and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.cost import Cost, Macs, Seconds
from analysis.ended import why_ended
from analysis.files import shown
from analysis.records import Run, TrialState
from analysis.select import Baseline, Choice, Objective, images_of, primary
from analysis.tables import asked_value, searched, short_names, span
from analysis.text import decimals, human, percent, show, signed


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Plain text, not escaped for any format; "" where there is nothing to say.

    `settings` are the searched ones of the chosen trial; `facts` are (name, value, note) of its network.
    """

    status: str
    headline: str
    saves: str
    settings: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str, str], ...]
    rule: str
    caution: str
    trials: str
    epochs: str


def answer(run: Run, choice: Choice | None, unpruned: Baseline | None, spent: Cost) -> Answer:
    """Put the results of `run` into words."""
    return Answer(
        status=_status(run),
        headline=_headline(choice, primary(run.space), decimals(images_of(run))),
        saves=_saves(choice, unpruned, decimals(images_of(run))),
        settings=_settings(run, choice) if choice else (),
        facts=_facts(choice, unpruned, decimals(images_of(run))),
        rule=choice.rule if choice else "",
        caution=_caution(choice),
        trials=", ".join(f"{count} {state}" for state, count in counts(run).items() if count) or "none yet",
        epochs=_epochs(spent),
    )


def counts(run: Run) -> Mapping[TrialState, int]:
    """How many trials are in each state."""
    return {state: len(run.of(state)) for state in TrialState}


def _status(run: Run) -> str:
    ended = len(run.trials) - len(run.of(TrialState.running))
    planned = (run.space.get("sweep") or {}).get("trials")
    progress = f"{ended} of {planned} trials have ended" if planned else f"{ended} trials have ended"
    resume = f"`python -m sweeper resume {shown(run.path)}` goes on"
    notes = "".join(f" {note}" for note in run.notes)
    match run.manifest.get("status"):
        case "running":
            return f"Still running: {progress}.{notes}"
        case "done":
            why = why_ended(run.manifest, run.space)
            return f"Done: {progress}{f', since {why}' if why else ''}.{notes}"
        case status:
            return f"{str(status).capitalize()}: {progress}; {resume}.{notes}"


def _settings(run: Run, choice: Choice) -> tuple[tuple[str, str], ...]:
    """The searched settings of the chosen trial; one whose name has a unit has it at the value."""
    keys, trial = searched(run), choice.chosen.trial
    values = {
        name: asked_value(trial, key)
        for key, name in zip(keys, short_names(keys), strict=True)
        if key in trial.params
    }
    return tuple(
        (name.removesuffix(" (%)"), f"{value} %" if name.endswith(" (%)") else value)
        for name, value in values.items()
    )


def _headline(choice: Choice | None, objective: Objective, digits: int) -> str:
    """The searched metric first, with its interval; accuracy beside it where that is another one."""
    if choice is None:
        return "No trial is complete yet, so there is no best network."
    trial, value = choice.chosen.trial, choice.chosen.value
    shown_value = f"{percent(value, digits)} %" if objective.is_accuracy else show(value)
    name = "accuracy right after the cut" if objective.metric == "accuracy_pruned" else objective.metric
    found = [f"{name} {shown_value}"]
    if choice.chosen.interval:
        found[0] += f" (95 % interval {span(choice.chosen.interval, digits)})"
    accuracy = trial.metric("accuracy")
    if objective.metric != "accuracy" and accuracy is not None:
        found.append(f"accuracy {percent(accuracy, digits)} %")
    found += [f"{human(trial.metric('params'))} params", f"{human(trial.metric('macs'))} MACs"]
    return f"Trial {trial.number}: {', '.join(found)}."


def _saves(choice: Choice | None, unpruned: Baseline | None, digits: int) -> str:
    if choice is None or unpruned is None:
        return ""
    trial = choice.chosen.trial
    if unpruned.uncut and choice.chosen.has(unpruned.trial):
        return "It is the best unpruned network: nothing is cut."
    kept = [(trial.metric("macs"), unpruned.macs), (trial.metric("params"), unpruned.params)]
    if all(value is not None and of is not None and value >= of for value, of in kept):
        return "Nothing is cut in this network."
    shares = [
        f"{percent(1 - value / of)} % of the {name}"
        for name, value, of in (
            ("MACs", trial.metric("macs"), unpruned.macs),
            ("params", trial.metric("params"), unpruned.params),
        )
        if value is not None and of
    ]
    accuracy = trial.metric("accuracy")
    change = (
        ""
        if accuracy is None
        else f"; accuracy changes by {signed(accuracy - unpruned.accuracy, digits)} points"
    )
    network = f"the best unpruned network ({unpruned.what}: {percent(unpruned.accuracy, digits)} %)"
    return f"Against {network} it saves {' and '.join(shares)}{change}." if shares else ""


def _facts(choice: Choice | None, unpruned: Baseline | None, digits: int) -> tuple[tuple[str, str, str], ...]:
    if choice is None:
        return ()
    trial, interval = choice.chosen.trial, choice.chosen.interval
    accuracy = trial.metric("accuracy")
    facts = [
        (
            "validation accuracy",
            f"{percent(accuracy, digits)} %",
            f"{span(interval, digits)} on {interval.images:,} images" if interval else "",
        )
    ]
    if accuracy is not None and unpruned:
        change = signed(accuracy - unpruned.accuracy, digits)
        facts.append(
            ("change of accuracy", change, f"points from {percent(unpruned.accuracy, digits)} % unpruned")
        )
    for name, of in (("macs", unpruned and unpruned.macs), ("params", unpruned and unpruned.params)):
        value = trial.metric(name)
        note = f"{percent(1 - value / of)} % saved of {human(of)}" if value is not None and of else ""
        facts.append(("MACs" if name == "macs" else name, human(value), note))
    return tuple(facts)


def _caution(choice: Choice | None) -> str:
    if choice is None:
        return ""
    top, chosen = choice.top, choice.chosen
    words = []
    if top.interval and choice.rivals > 1:
        words.append(
            f"{choice.rivals} networks cannot be told apart: their intervals reach the best value "
            f"(trial {top.trial.number}, {percent(top.value, decimals(top.interval.images))} %)."
        )
    elif chosen.trial.number == top.trial.number and top.interval:
        words.append("No other network's interval reaches this value.")
    words.append(
        "Every number comes from a single run: differences within the intervals are not differences, and the "
        "best of many is flattered by chance."
    )
    return " ".join(words)


def _epochs(spent: Cost) -> str:
    text = f"{spent.alone:,} epochs if every trial had run alone, {spent.trained:,} trained"
    if spent.alone:
        text += f" ({percent(spent.reused / spent.alone, 0)} % reused)"
    if spent.executed is not None:
        text += f"; {spent.executed:,} executed by the ledger"
        text += _how_often(spent.executed, spent.distinct)
    text += f"; {spent.teacher:,} teacher epochs apart."
    if spent.views:
        text += f" {_views(spent)}"
    if spent.macs is not None and spent.macs.executed:
        text += f" {_macs(spent.macs)}"
    if spent.seconds is not None and spent.executed:
        text += f" {_times(spent.seconds)}"
    if spent.store_bytes is not None:
        text += f" The store holds {spent.store_bytes / 1e9:,.2f} GB."
    return text


def _how_often(executed: int, distinct: int) -> str:
    """How often the same epoch was trained."""
    if not distinct:
        return ""
    return ", each once" if executed == distinct else f", {executed / distinct:.2f} times each"


def _macs(macs: Macs) -> str:
    """What sharing and the teacher's table have saved."""
    text = f"{human(macs.alone)} MACs alone, {human(macs.shared)} if epochs are shared, {human(macs.executed)} executed"
    return f"{text}: {macs.alone / macs.executed:.1f} times fewer."


def _times(seconds: Seconds) -> str:
    """Where the workers' time went."""
    parts = {
        "training": seconds.training,
        "the teacher": seconds.teacher,
        "waiting for each other": seconds.waiting,
        "the engine": seconds.engine,
    }
    total = sum(parts.values())
    shares = ", ".join(f"{name} {percent(part / total, 0)} %" for name, part in parts.items() if part)
    return f"Time of the workers: {shares}." if total else ""


def _views(spent: Cost) -> str:
    """What the teacher looked at."""
    text = f"The teacher looked at {spent.views:,} views of images"
    if spent.views_ratio is not None:
        kept = "" if spent.views_live == 0 else f", {spent.views - spent.views_live:,} of them for its table"
        text += f"{kept} ({spent.views_ratio:.2f} times each distinct one)"
    if spent.views_live:
        text += f"; {spent.views_live:,} live, since {spent.live}"
    return f"{text}."
