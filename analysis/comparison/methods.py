"""Which runs are one method: those whose spaces are equal but for seeds, and what tells methods apart."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import combinations, takewhile
from typing import Any

from analysis.errors import InputError
from analysis.files import shown
from analysis.records import Run
from analysis.text import plain, short, show

SEEDS = ("seed", "sweep.seed")
BUDGETS = tuple(f"sweep.{name}" for name in ("trials", "epochs", "hours", "macs", "patience"))
NOT_METHOD = ("name", *SEEDS, *BUDGETS, "store", "confirm")
"""Keys and sections of a space that do not change which trial comes next, nor its value, but for the seeds."""
LONG = 32
"""Letters of a name that is made of settings; one that would be longer is taken from the runs."""


def flat(space: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key → value, lists whole; what is null or empty is left out."""
    found: dict[str, Any] = {}
    for key, value in space.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[f"{prefix}{key}"] = value
    return found


def seeds(run: Run) -> tuple[int, int]:
    """Those of the student and of the sampler; 0 where none is written."""
    settings = flat(run.space)
    return (int(settings.get("seed", 0)), int(settings.get("sweep.seed", 0)))


def method_settings(run: Run) -> dict[str, Any]:
    """All settings that make the method of a run."""
    return {
        key: value
        for key, value in flat(run.space).items()
        if key not in NOT_METHOD and key.partition(".")[0] not in NOT_METHOD
    }


def grouped(runs: Sequence[Run]) -> tuple[tuple[Run, ...], ...]:
    """The runs by method, both in the order given.

    Raises:
        InputError: two runs of one method have the same seeds, which would count one result twice.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        key = json.dumps(method_settings(run), sort_keys=True, default=str)
        groups.setdefault(key, []).append(run)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if seeds(one) == seeds(other):
                raise InputError(
                    f"{shown(other.path)}: has the space and the seeds (seed {seeds(one)[0]}, sweep.seed "
                    f"{seeds(one)[1]}) of {shown(one.path)}: one result, which must not count twice. Leave one out."
                )
    return tuple(map(tuple, groups.values()))


def differing(groups: Sequence[Sequence[Run]]) -> dict[str, tuple[str, ...]]:
    """Every setting in which methods differ: key → its value in each, a dash where it has none."""
    every = [method_settings(group[0]) for group in groups]
    keys = dict.fromkeys(key for settings in every for key in settings)
    told = {
        key: tuple(plain(settings[key]) if key in settings else "–" for settings in every) for key in keys
    }
    return {key: values for key, values in told.items() if len(set(values)) > 1}


def names(groups: Sequence[Sequence[Run]], labels: Mapping[str, str]) -> tuple[str, ...]:
    """A short name of each method: what is set differently, else what its runs' names begin with.

    Args:
        groups: runs by method.
        labels: path → how a run is called.
    """
    if len(groups) == 1:
        return (short(show((groups[0][0].space.get("sweep") or {}).get("sampler", "all runs")), LONG),)
    different = differing(groups)
    lasts = {key: key.rpartition(".")[2] for key in different}
    by_settings = [
        ", ".join(
            values[place] if key == "sweep.sampler" else f"{lasts[key]} {values[place]}"
            for key, values in different.items()
            if values[place] != "–"
        )
        for place in range(len(groups))
    ]
    called = [[labels[str(run.path)] for run in group] for group in groups]
    by_runs = [_beginning(names) for names in called]
    first = [f"{names[0]}, …" if len(names) > 1 else names[0] for names in called]
    for names in (by_settings, by_runs, first):
        if all(0 < len(name) <= LONG for name in names) and len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{number}: {short(name, LONG)}" for number, name in enumerate(first, 1))


def _beginning(names: Sequence[str]) -> str:
    """What names have in common from their beginning, up to a separator: "tpe" of "tpe-10" and "tpe-11"."""
    if len(names) == 1:
        return names[0]
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return re.sub(r"([-_. ]\w*|[\d]+)$", "", "".join(letters[0] for letters in same))
