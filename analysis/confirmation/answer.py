"""The answer once its finalists are confirmed: mean ± sd over fresh seeds in place of a single run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from analysis.answer import Answer
from analysis.confirmation.candidates import TEST, Candidate
from analysis.confirmation.compare import compare_all
from analysis.confirmation.results import Confirmation
from analysis.confirmation.words import DATA, digits_of, flattery, spread
from analysis.grids.words import reach
from analysis.significance import Difference
from analysis.text import human, percent, signed

Fact = tuple[str, str, str]


def confirmed_answer(said: Answer, found: Confirmation) -> Answer:
    """`said` of the search, which is about the chosen trial, with the numbers of the fresh seeds where they decide."""
    if not found.decides:
        waits = (
            f" {found.ended} of {found.planned} runs that confirm the finalists have ended."
            if found.ended < found.planned
            else " The finalists could not be confirmed: too few runs of them have a result."
        )
        return replace(said, caution=said.caution + waits)
    return replace(
        said,
        headline=_headline(found),
        saves=_saves(found) or said.saves,
        facts=_facts(said.facts, found),
        caution=_caution(found),
    )


def notes(found: Confirmation) -> tuple[str, ...]:
    """Comment lines of the chosen configuration; none where nothing is confirmed."""
    if not found.decides:
        return ()
    seeds = ", ".join(map(str, found.chosen.test))
    accuracy = spread(found.chosen.test, 2, " %")
    return (
        f"Confirmed: test accuracy {accuracy}, mean ± sd of the seeds {seeds}, trained on {DATA[found.data]}.",
    )


def change_by_cut(found: Confirmation) -> Difference | None:
    """Test accuracy of the chosen candidate minus that of the baseline, paired; None without one."""
    return None if found.baseline is None else compare_all(TEST, [found.chosen], found.baseline)[0].change


def _headline(found: Confirmation) -> str:
    one, digits = found.chosen, digits_of(found)
    parts = [
        f"test accuracy {spread(one.test, digits, ' %')} (mean ± sd over {len(one.test)} fresh seeds)",
        *([f"validation accuracy {spread(one.validation, digits, ' %')}"] if one.validation else []),
        f"{human(one.mean('params'))} params",
        f"{human(one.mean('macs'))} MACs",
    ]
    return f"Trial {one.of}: {', '.join(parts)}."


def _saves(found: Confirmation) -> str:
    """Against the confirmed baseline; "" where there is none with numbers."""
    uncut, change, digits = found.baseline, change_by_cut(found), digits_of(found)
    if uncut is None or change is None:
        return ""
    shares = [
        f"{percent(1 - value / of)} % of the {name}"
        for name, metric in (("MACs", "macs"), ("params", "params"))
        if (value := found.chosen.mean(metric)) is not None and (of := uncut.mean(metric))
    ]
    sure = "" if change.low is None else f" (paired 95 % interval {reach(change, digits)})"
    return (
        f"Against {uncut.name} ({spread(uncut.test, digits, ' %')}) it saves "
        f"{' and '.join(shares) or 'nothing that is known'}; "
        f"test accuracy changes by {signed(change.value, digits)} points{sure} on {change.count} common seeds."
    )


def _facts(search: Sequence[Fact], found: Confirmation) -> tuple[Fact, ...]:
    one, uncut, digits = found.chosen, found.baseline, digits_of(found)
    images = f" on {found.images:,} images" if found.images else ""
    facts = [
        ("test accuracy", spread(one.test, digits, " %"), f"mean ± sd of {len(one.test)} fresh seeds{images}")
    ]
    change = change_by_cut(found)
    if uncut is not None and change is not None:
        interval = "" if change.low is None else f", 95 % interval {reach(change, digits)}"
        facts.append(
            (
                "change of accuracy",
                signed(change.value, digits),
                f"points from {spread(uncut.test, digits, ' %')} uncut{interval}",
            )
        )
    facts += [_cost(name, metric, one, uncut) for name, metric in (("MACs", "macs"), ("params", "params"))]
    return tuple(facts)


def _cost(name: str, metric: str, one: Candidate, uncut: Candidate | None) -> Fact:
    value, of = one.mean(metric), None if uncut is None else uncut.mean(metric)
    note = f"{percent(1 - value / of)} % saved of {human(of)}" if value is not None and of else ""
    return name, human(value), note


def _caution(found: Confirmation) -> str:
    seeds = len(found.chosen.test)
    said = [
        f"Confirmed on {seeds} fresh seeds, which nothing was chosen on, and on the test set.",
        flattery(found),
    ]
    if found.chosen is not found.top:
        change = next(one.change for one in found.changes if one.candidate is found.chosen)
        if change is not None and change.low is not None and change.low < 0:
            worst = percent(-change.low, digits_of(found))
            said.append(
                f"It may be up to {worst} points worse than {found.top.name}, the most accurate finalist."
            )
    open_ = sum(one.verdict == "open" for one in found.comparisons)
    if open_:
        said.append(
            f"Of {len(found.comparisons)} comparisons with {found.winner.name}, the winner of the search, so many "
            f"seeds leave {open_} undecided."
        )
    return " ".join(filter(None, said))
