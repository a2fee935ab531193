"""More budget for a run that has begun: ``sweeper resume RUN --trials 200``.

The new number goes into the run's own space file, where every other word stays as it is, and into its manifest.
All else follows: the sampler and the rungs go on as if so much had been asked for from the start.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from analysis import plain_yaml
from analysis.files import write_text
from analysis.records import SPACE, set_dotted
from sweeper.budget import Spent
from sweeper.flow import flow
from sweeper.folder import written
from sweeper.space import Space, load
from sweeper.strict_yaml import parse
from trainables.errors import InputError


def raised(folder: Path, budget: Mapping[str, float]) -> Space:
    """The space of a run with another budget, checked; nothing is written.

    Args:
        folder: the run's.
        budget: key of ``sweep`` -> its new value.

    Raises:
        Faults: the space, or the budget, is wrong.
    """
    return load(str(folder / SPACE), [(f"sweep.{key}", value) for key, value in budget.items()])


def check_enough(
    folder: Path, budget: Mapping[str, float], events: Iterable[Mapping[str, Any]], spent: Spent
) -> None:
    """A budget can't take back what was asked for, or spent.

    Raises:
        InputError: it would.
    """
    asked = sum(event["event"] == "asked" for event in events)
    before = {"trials": asked, "epochs": spent.epochs, "hours": spent.seconds / 3600, "macs": spent.macs}
    for key, value in budget.items():
        if value < before.get(key, 0):
            did = "were asked for" if key == "trials" else "were spent"
            enough = f"{before[key]:.4g}" if key == "hours" else str(before[key])
            raise InputError(
                f"--{key}: must be at least the {enough} {key} that {did} in {folder}, got {flow(value)}. "
                "More goes on with it; without it the run goes on as it was asked for."
            )


def write_raised(folder: Path, budget: Mapping[str, float]) -> dict[str, list[Any]]:
    """Write a budget into the run's space; returns key -> [value before, value now].

    Raises:
        CannotFinishError: the disk does not take it.
    """
    text = (folder / SPACE).read_text(encoding="utf-8")
    before = parse(text, SPACE)
    for key, value in budget.items():
        text = with_value(text, key, value)
    with written(folder):
        write_text(folder / SPACE, text)
    return {key: [before.at("sweep", key), value] for key, value in budget.items()}


def with_value(text: str, key: str, value: float) -> str:
    """The text of a space with ``sweep.KEY: value``: only this place is changed, if it can be found in the text."""
    wanted = plain_yaml.load(text)
    assert isinstance(wanted, dict)
    set_dotted(wanted, f"sweep.{key}", value)
    for changed in _changes(text, key, flow(value)):
        if _load(changed) == wanted:
            return changed
    return plain_yaml.dump(wanted)


def _changes(text: str, key: str, value: str) -> Iterator[str]:
    """What might be the text with the value: in place of the one that is there, or as one more key."""
    document, lines = parse(text, SPACE), text.splitlines(keepends=True)
    section, at = document.line_of(("sweep",)), document.line_of(("sweep", key))
    if at is not None:
        yield _replaced(lines, at, rf"(\b{key}:\s*)[^\s#,}}]+", rf"\g<1>{value}")
    if section is not None:
        yield _replaced(lines, section, r"(sweep:\s*\{)", rf"\g<1>{key}: {value}, ")
        inner = (
            lines[section][: len(lines[section]) - len(lines[section].lstrip())] if lines[section:] else ""
        )
        yield "".join([*lines[:section], f"{inner}{key}: {value}\n", *lines[section:]])


def _replaced(lines: Sequence[str], number: int, pattern: str, by: str) -> str:
    """The text with one line, counted from 1, changed."""
    return "".join([*lines[: number - 1], re.sub(pattern, by, lines[number - 1], count=1), *lines[number:]])


def _load(text: str) -> object:
    try:
        return plain_yaml.load(text)
    except yaml.YAMLError:
        return None
