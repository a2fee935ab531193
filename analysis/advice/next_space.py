"""The space to run next: the run's own, with another search section, and why beside every line that differs."""

from __future__ import annotations

import copy
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis import plain_yaml
from analysis.advice.knobs import Knob, same
from analysis.advice.moves import Move
from analysis.files import shown
from analysis.records import set_dotted
from analysis.text import plain

NAME = 64
"""The longest name of a run."""
ONLY_DISTILLED = ("kd_tau", "kd_weight", "ce_weight")
"""Settings that do nothing without distillation."""
DISTILLED = ("sparsity", "prune.gradual", "finetune")
METHODS = {"prune.batches": "taylor", "prune.draw": "random"}
"""Settings that do nothing but with one method of pruning."""


def next_space(space: Mapping[str, Any], moves: Sequence[Move]) -> dict[str, Any] | None:
    """The whole space after `moves`; None where they change nothing, or leave nothing to search.

    What is fixed moves into its section, or stays as the one value of its condition. Conditions on what has become
    impossible take their knob along, those that always hold fall away. The seed of a sampler that draws is the next
    one, so that it begins elsewhere; the seed of the students stays, for with it every epoch that the two sweeps have
    in common is found in the store.
    """
    if not any(move.changes for move in moves):
        return None
    made: dict[str, Any] = copy.deepcopy(dict(space))
    left: dict[str, tuple[Any, ...] | None] = {}
    gone, dressed = set[str](), set[str]()
    search: dict[str, Any] = {}
    for move in _in_order(moves):
        key, when = move.knob.key, _conditions(move.knob, left, gone, dressed)
        if when is None:
            gone.add(key)
            continue
        left[key] = _values(move)
        dressed |= {key} if when else set()
        if move.value is not None and not when:
            set_dotted(made, key, move.value[0])
        else:
            search[key] = _entry(move, when)
    made["search"] = {key: search[key] for key in space["search"] if key in search}
    _without_effect(made)
    if not made["search"]:
        return None
    made["name"] = next_name(str(space.get("name") or "sweep"))
    made["sweep"] = dict(made.get("sweep") or {})
    if made["sweep"].get("sampler") != "grid":
        made["sweep"]["seed"] = int(made["sweep"].get("seed") or 0) + 1
    return made


def next_yaml(moves: Sequence[Move], made: Mapping[str, Any], *, about: str, file: Path) -> str:
    """`made` as YAML; above every entry of the search that differs stands what it was, and why.

    Args:
        moves: what was done to the knobs.
        made: what `next_space` has made of them.
        about: what the advice rests on.
        file: where it will lie.
    """
    lines = [*_comment(about), *_comment(f"Run it: {plain(run_command(file))}"), ""]
    for key, section in made.items():
        if key != "search":
            lines += plain_yaml.dump({key: section}).splitlines()
            continue
        lines.append("search:")
        for move in moves:
            name = move.knob.key
            if name in section:
                entry = plain_yaml.dump({name: section[name]})
                if section[name] != move.knob.entry:
                    lines += _comment(_was(move), indent="  ")
                lines += textwrap.indent(entry, "  ").splitlines()
            elif move.value is not None:
                lines += _comment(
                    f"{name}: no longer searched, {_flow(move.value[0])} above; {_was(move)}", indent="  "
                )
            else:
                lines += _comment(f"{name}: gone with the values that it belonged to", indent="  ")
    return "\n".join(lines) + "\n"


def run_command(file: Path) -> str:
    """The command that runs the space in `file`."""
    return f"python -m sweeper run {shown(file)}"


def next_name(name: str) -> str:
    """`name`-next, then `name`-next-2, `name`-next-3: at most `NAME` characters."""
    known = re.fullmatch(r"(.*)-next(?:-(\d+))?", name)
    stem, number = (known[1], int(known[2] or 1) + 1) if known else (name, 1)
    end = "-next" if number == 1 else f"-next-{number}"
    return f"{stem[: NAME - len(end)]}{end}"


def _values(move: Move) -> tuple[Any, ...] | None:
    """What a knob may still be; None for a range."""
    return None if move.ends is not None else move.values or move.value or move.knob.values


def _in_order(moves: Sequence[Move]) -> list[Move]:
    """Each after those that its condition names."""
    ordered: list[Move] = []
    left = list(moves)
    while left:
        waiting = {move.knob.key for move in left}
        ready = [move for move in left if not waiting & move.knob.when.keys()] or left
        ordered += ready
        left = [move for move in left if move not in ready]
    return ordered


def _conditions(
    knob: Knob, left: Mapping[str, tuple[Any, ...] | None], gone: set[str], dressed: set[str]
) -> dict[str, Any] | None:
    """The conditions that remain; None where one can't hold any more. Knobs that are `dressed` have conditions too."""
    when: dict[str, Any] = {}
    for key, asked in knob.when.items():
        if key in gone:
            return None
        values = left.get(key)
        still = [one for one in asked if values is None or any(same(one, value) for value in values)]
        if not still:
            return None
        always = values is not None and all(any(same(value, one) for one in still) for value in values)
        if not always or key in dressed:
            when[key] = still[0] if len(still) == 1 else still
    return when


def _entry(move: Move, when: Mapping[str, Any]) -> Any:
    """The entry of the search section."""
    knob, conditions = move.knob, {"when": dict(when)} if when else {}
    as_before = {key: tuple(v) if isinstance(v, list) else (v,) for key, v in when.items()} == knob.when
    if not move.changes and as_before:
        return knob.entry
    if chosen := move.values or move.value:
        return {"choice": list(chosen)} | conditions if when else list(chosen)
    given = {"choice": knob.entry} if isinstance(knob.entry, list) else dict(knob.entry)
    given = {name: value for name, value in given.items() if name != "when"}
    if move.ends is not None:
        kind = next(name for name in given if name.endswith("uniform"))
        given[kind] = list(move.ends)
    if knob.values is not None and not when and "choice" in given:
        return given["choice"]
    return given | conditions


def _without_effect(made: dict[str, Any]) -> None:
    """Take away, in place, settings of distillations and methods that are left no more: the sweeper refuses them."""
    search = made["search"]
    taught = False
    for stage in DISTILLED:
        kinds = _possible(made, f"{stage}.kd")
        taught |= kinds != {"none"}
        if kinds == {"none"}:
            for name in ONLY_DISTILLED:
                _forget(made, f"{stage}.{name}")
    methods = _possible(made, "prune.method")
    for key, method in METHODS.items():
        if methods and method not in methods:
            _forget(made, key)
    for key in [key for key in search if key.startswith("teacher.") and not taught]:
        del search[key]


def _possible(made: Mapping[str, Any], key: str) -> set[Any]:
    """The values that a named setting can have; "none" where nothing gives one."""
    *sections, name = key.split(".")
    section: Any = made
    for part in sections:
        section = section.get(part) if isinstance(section, Mapping) else None
    fixed = section.get(name, "none") if isinstance(section, Mapping) else "none"
    entry = made["search"].get(key)
    if entry is None:
        return {fixed}
    values = entry if isinstance(entry, list) else entry.get("choice", [])
    return {*values, fixed} if isinstance(entry, dict) and "when" in entry else {*values}


def _forget(made: dict[str, Any], key: str) -> None:
    *sections, name = key.split(".")
    section: Any = made
    for part in sections:
        section = section.get(part) if isinstance(section, dict) else None
    if isinstance(section, dict):
        section.pop(name, None)
    made["search"].pop(key, None)


def _was(move: Move) -> str:
    """The former entry and the evidence, for a comment."""
    why = "; ".join(move.why) if move.changes else "its condition has changed"
    return f"was {_flow(move.knob.entry)}: {why}"


def _flow(value: Any) -> str:
    """A value in one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"
    return plain(" ".join(plain_yaml.dump({"x": value}).split())[3:])


def _comment(text: str, *, indent: str = "") -> list[str]:
    return [f"{indent}# {line}" for line in textwrap.wrap(plain(text), 100)]
