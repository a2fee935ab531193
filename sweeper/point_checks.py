"""What can be wrong with the points of a space whose settings are right one by one."""

import random
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from sweeper.faults import Fault
from sweeper.flow import flow
from sweeper.knobs import Knob, Params, draw, is_among
from sweeper.peers import compared_within
from sweeper.pydantic_faults import from_pydantic
from sweeper.search_section import setting_fault
from sweeper.settable import fixed_settings, flatten, known_keys, recipe_at
from sweeper.settings import RECIPE_SECTIONS, SpaceFile
from sweeper.strict_yaml import Document
from trainables.canonical import canonical
from trainables.recipe import SHARES, Recipe, Settings

_METHODS: Final = {"batches": "taylor", "draw": "random"}
"""Setting of the cut -> the method that it is for."""
_AMOUNTS: Final = ("keep_macs", "keep_params", "probe")
"""What stands in place of percent."""

PROBED_POINTS: Final = 64
"""Random points whose settings are checked together, beyond each value by itself."""


def conditions(document: Document, settings: SpaceFile, knobs: Sequence[Knob]) -> Iterator[Fault]:
    """Conditions on settings that are not searched: those never hold whose value is another."""
    fixed = fixed_settings(settings)
    searched = {knob.key for knob in knobs}
    for knob in knobs:
        for name, values in knob.when:
            if name not in searched and not is_among(fixed.get(name), values):
                path = ("search", knob.key, "when", name)
                rule = f"is never the case, since {name} is {flow(fixed.get(name))}"
                yield document.fault(path, rule, document.at(*path), "Search it too, or remove this entry.")


def searching(document: Document, settings: SpaceFile, knobs: Sequence[Knob]) -> Iterator[Fault]:
    """What the sampler and the early stopping need of the knobs."""
    sweep = settings.sweep
    if sweep is None:
        return
    endless = {knob.key for knob in knobs if knob.values is None}
    for knob in knobs if sweep.sampler == "grid" else ():
        if knob.key in endless:
            path, name = ("search", knob.key), "step" if knob.integer else "points"
            rule, mend = f"a range needs {name} under sampler: grid", f"Add {name}: 4."
            yield document.fault(path, rule, document.at(*path), mend)
    if sweep.asha is None:
        return
    for position, key in enumerate(sweep.asha.compare_within or ()):
        if fault := setting_fault(document, key, "sweep", "asha", "compare_within", position):
            yield replace(fault, got=key)
    for key in compared_within(settings, knobs):
        if key in endless:
            rule = f"{key} has endlessly many values, so no two trials could be compared"
            mend = "Give it points, or name finite-valued settings in sweep.asha.compare_within."
            yield document.fault(("sweep", "asha"), rule, mend=mend)


def points(
    document: Document, settings: SpaceFile, knobs: Sequence[Knob], *, lenient: bool
) -> Iterator[Fault]:
    """Settings that are right by themselves and yet don't go together, or do nothing, at some random points.

    ``lenient``: points that make no recipe are passed over, since something else is wrong already.
    """
    rng, fixed = random.Random(0), fixed_settings(settings)
    used: set[str] = set()
    for _ in range(PROBED_POINTS if knobs else 1):
        params = draw(knobs, fixed, rng)
        try:
            recipe = recipe_at(settings, params)
        except ValidationError as error:
            if not lenient:
                found = from_pydantic(error, lambda _: None, known=known_keys)[0]
                section = found.key.partition(".")[0]
                point = {key: value for key, value in params.items() if key.startswith(section)}
                path = ("search", found.key) if found.key in params else ("search",)
                rule = found.rule if found.key in params else f"{found.key} {found.rule}".strip()
                yield document.fault(path, rule, point, "Take a value out, or add when.")
                return
            continue
        effective = dict(flatten(canonical(recipe)))
        used |= effective.keys()
        for key, value in params.items():
            if value is not None and key not in effective:
                rule, mend = _idle(key, recipe, params)
                yield document.fault(("search", key), rule, mend=mend)
    yield from _unused(document, settings, used)


def _unused(document: Document, settings: SpaceFile, used: Container[str]) -> Iterator[Fault]:
    """Keys of the pipeline that the file gives, other than their defaults, and that do nothing at any point."""
    for name in RECIPE_SECTIONS:
        section, given = getattr(settings, name), document.at(name)
        for key, value in flatten({name: given}) if isinstance(given, dict) and section is not None else ():
            if value is None or key in used or key.startswith("teacher.") or "normalize" in key:
                continue
            if value != _default(section, key.split(".")[1:]):
                other = SHARES.get(key.rpartition(".")[2])
                rule = f"has no effect beside {other}" if other else "has no effect here"
                yield document.fault(tuple(key.split(".")), rule, value, "Remove it.")


def _default(section: Settings, path: Sequence[str]) -> object:
    """The value that a setting has where a file does not give it."""
    *inner, name = path
    for part in inner:
        section = getattr(section, part)
    return type(section).model_fields[name].default


def _idle(key: str, recipe: Recipe, params: Params) -> tuple[str, str]:
    """Rule and mend for a searched setting that does nothing at a point."""
    stage, _, name = key.rpartition(".")
    if name in SHARES:
        return f"has no effect beside {stage}.{SHARES[name]}", "Remove one of them."
    if stage == "prune" and name in _METHODS:
        assert recipe.prune is not None
        rule = f"has no effect with prune.method: {recipe.prune.method}"
        how = "add when: {prune.method: %s}" if "prune.method" in params else "set prune.method: %s"
        return rule, f"Remove it, or {how % _METHODS[name]}."
    if key == "prune.percent":
        other = next(f"prune.{one}" for one in _AMOUNTS if getattr(recipe.prune, one) is not None)
        mend = f"Add when: {{{other}: null}}." if other in params else "Remove one of them."
        return f"has no effect beside {other}", mend
    if stage == "prune.gradual" and recipe.cuts == 1:
        return "has no effect with a single step", "Add when: {prune.gradual.steps: 2}, or whatever it needs."
    kinds = {name: kind for name, kind in params.items() if name.endswith(".kd")}
    if key.startswith("teacher.") and recipe.teacher is not None and recipe.teacher.checkpoint is not None:
        return "has no effect on a teacher from a checkpoint", "Remove it."
    if not kinds:
        return "has no effect without distillation", "Remove it, or set finetune.kd: dist."
    return f"has no effect at {flow(kinds)}", "Add when: {finetune.kd: dist}, or whatever it needs."
