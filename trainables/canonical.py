"""A recipe as plain data, without what does nothing in it. Needs no torch."""

from typing import Any

from trainables.recipe import SHARES, Distilled, Gradual, Prune, Recipe, Settings, TestSets, Training


def canonical(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data in file order, without sections that do not run and keys that do nothing."""
    plain: dict[str, Any] = {}
    for name in Recipe.model_fields:
        value = getattr(recipe, name)
        if isinstance(value, Settings):
            plain[name] = _plain(value)
        elif value is not None:
            plain[name] = value
    if not recipe.needs_teacher:
        plain.pop("teacher", None)
    elif recipe.teacher is not None and recipe.teacher.checkpoint is not None:
        keys = ("model", "checkpoint", "weights", "normalize", "table")
        plain["teacher"] = {key: plain["teacher"][key] for key in keys if key in plain["teacher"]}
    return plain


def _plain(section: Settings) -> dict[str, Any]:
    """A section without the nulls that are its defaults anyway, and without keys that do nothing in it."""
    fields = type(section).model_fields
    idle = idle_keys(section)
    plain: dict[str, Any] = {}
    for name, value in section.model_dump(mode="json").items():
        inner = getattr(section, name)
        if isinstance(inner, Settings) and name not in idle:
            plain[name] = _plain(inner)
        elif name not in idle and (value is not None or fields[name].default is not None):
            plain[name] = value
    return plain


def idle_keys(section: Settings) -> set[str]:
    """The keys of a section that do nothing beside its others."""
    idle: set[str] = set()
    if isinstance(section, Training):
        idle |= {key for key, other in SHARES.items() if getattr(section, other) is not None}
    if isinstance(section, Gradual) and section.steps == 1:
        idle |= set(Gradual.model_fields) - {"steps"}
    if isinstance(section, Distilled) and section.kd == "none":
        idle |= {"kd_tau", "kd_weight", "ce_weight"}
    if isinstance(section, TestSets) and section.corruptions == "none":
        idle |= {"severities"}
    if isinstance(section, Prune):
        idle |= {"percent"} if section.by_budget or section.probe is not None else set()
        idle |= {"batches"} if "taylor" not in (section.method, section.like) else set()
        idle |= {"draw"} if "random" not in (section.method, section.like) else set()
    return idle
