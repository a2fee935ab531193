"""Dotted settings of the pipeline: which there are, what each may be, and the recipe that a point makes."""

import types
import typing
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from analysis.records import set_dotted
from sweeper.faults import Fault
from sweeper.knobs import Params
from sweeper.pydantic_faults import from_pydantic
from sweeper.settings import RECIPE_SECTIONS, SpaceFile
from trainables.canonical import idle_keys
from trainables.recipe import Recipe, Settings, Teacher

NOT_SEARCHED: Final = {
    "evaluate": "it decides nothing",
    "protocol": "it decides nothing",
    **dict.fromkeys(
        (
            "data.source",
            "data.path",
            "data.download",
            "data.val_fraction",
            "data.split_seed",
            "sparsity.trained_on",
            "prune.trained_on",
            "finetune.trained_on",
        ),
        "trials are compared on one split of one data set",
    ),
}
"""Settings of the pipeline that can't be searched, and why."""


def not_searched(key: str) -> str | None:
    """Why a setting, or all of its section, can't be searched; None if it can."""
    return NOT_SEARCHED.get(key) or NOT_SEARCHED.get(key.partition(".")[0])


def settable(model: type[BaseModel] = Recipe, prefix: str = "") -> dict[str, Any]:
    """What can be searched: dotted settings of the pipeline with their annotations."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section = _model_of(field.annotation)
        if section is None:
            found[prefix + name] = field.annotation
        else:
            found |= settable(section, f"{prefix}{name}.")
    return {key: annotation for key, annotation in found.items() if not not_searched(key)}


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The settings model in ``Model`` or ``Model | None``."""
    for member in typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None


def section_at(path: Iterable[str | int]) -> type[BaseModel] | None:
    """The model of the section at ``path`` of a space file, None if there is none."""
    model: type[BaseModel] | None = SpaceFile
    for part in path:
        field = None if model is None else model.model_fields.get(str(part))
        model = None if field is None else _model_of(field.annotation)
    return model


def known_keys(path: Iterable[str | int]) -> Iterable[str]:
    """The keys that may stand in the section at ``path`` of a space file."""
    section = section_at(path)
    return () if section is None else section.model_fields


def number_kind(key: str) -> type[int] | type[float] | None:
    """Whether a setting is a whole number or a real one; None for names and switches."""
    return next((kind for kind in (int, float) if _admits(settable()[key], kind)), None)


def _admits(annotation: Any, kind: type) -> bool:
    """Whether ``kind`` is among the members of a union, however annotated."""
    return annotation is kind or any(_admits(member, kind) for member in typing.get_args(annotation))


def value_fault(key: str, value: object) -> Fault | None:
    """What is wrong with one value of a setting by itself; None if it may stand in a file."""
    *path, name = key.split(".")
    section = section_at(path)
    assert section is not None
    try:
        section.model_validate({name: value})
    except ValidationError as error:
        faults = from_pydantic(error, lambda _: None, known=known_keys, value={name: value})
        return next((fault for fault in faults if fault.key == name), None)
    return None


def recipe_at(settings: SpaceFile, params: Params) -> Recipe:
    """The recipe of a point.

    Raises:
        pydantic.ValidationError: the point's settings do not go together.
    """
    plain = settings.model_dump(mode="json", include=set(RECIPE_SECTIONS))
    for key, value in params.items():
        set_dotted(plain, key, value)
    return Recipe.model_validate(plain)


def filled_in(section: Settings, *, without: Container[str] = ()) -> dict[str, Any]:
    """A section as plain data, with the defaults that have an effect and every key that was given."""
    loaded = isinstance(section, Teacher) and section.checkpoint is not None
    idle = idle_keys(section) - section.model_fields_set
    plain: dict[str, Any] = {}
    for name, value in section.model_dump(mode="json").items():
        inner = getattr(section, name)
        if name in without or name in idle or (loaded and name not in section.model_fields_set | {"model"}):
            continue
        plain[name] = filled_in(inner) if isinstance(inner, Settings) else value
    return plain


def fixed_settings(settings: SpaceFile) -> dict[str, Any]:
    """Dotted setting of the pipeline -> the file's own value."""
    return dict(flatten(settings.model_dump(mode="json", include=set(RECIPE_SECTIONS))))


def flatten(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted settings with their values."""
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
