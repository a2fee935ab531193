"""What can be wrong with the points of a space whose settings are right one by one."""

import random
from collections.abc import Iterator, Sequence
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
from sweeper.settings import SpaceFile
from sweeper.strict_yaml import Document
from trainables.recipe import Recipe, canonical

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
    for _ in range(PROBED_POINTS if knobs else 0):
        params = draw(knobs, fixed, rng)
        try:
            recipe = recipe_at(settings, params)
        except ValidationError as error:
            if not lenient:
                found = from_pydantic(error, lambda _: None, known=known_keys)[0]
                section = found.key.partition(".")[0]
                point = {key: value for key, value in params.items() if key.startswith(section)}
                path = ("search", found.key) if found.key in params else ("search",)
                yield document.fault(path, found.rule, point, "Take a value out, or add when.")
                return
            continue
        effective = dict(flatten(canonical(recipe)))
        for key, value in params.items():
            if value is not None and key not in effective:
                rule, mend = _idle(key, recipe, params)
                yield document.fault(("search", key), rule, mend=mend)


def _idle(key: str, recipe: Recipe, params: Params) -> tuple[str, str]:
    """Rule and mend for a searched setting that does nothing at a point."""
    kinds = {name: kind for name, kind in params.items() if name.endswith(".kd")}
    if key.startswith("teacher.") and recipe.teacher is not None and recipe.teacher.checkpoint is not None:
        return "has no effect on a teacher from a checkpoint", "Remove it."
    if not kinds:
        return "has no effect without distillation", "Remove it, or set finetune.kd: dist."
    return f"has no effect at {flow(kinds)}", "Add when: {finetune.kd: dist}, or whatever it needs."
