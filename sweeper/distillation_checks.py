"""Whether distillation settings have a teacher and an effect, fixed or searched."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sweeper.faults import Fault, Place
from sweeper.flow import flow
from sweeper.knobs import Knob
from sweeper.search_section import is_absent
from sweeper.strict_yaml import Document
from trainables.recipe import KEY_OF, NO_TEACHER, STUDENT

STAGES: Final = tuple(KEY_OF[stage] for stage in STUDENT)
_ONLY_DISTILLED: Final = ("kd_tau", "kd_weight", "ce_weight")


def distillation(document: Document, knobs: Sequence[Knob]) -> Iterator[Fault]:
    """The faults of both stages; those of a stage whose ``kd`` can't be told are left out."""
    searched = {knob.key: knob for knob in knobs}
    for stage in STAGES:
        places = _kinds(document, stage, searched.get(f"{stage}.kd"))
        if is_absent(document, stage) or not places:
            continue
        if is_absent(document, "teacher"):
            rule, mend = NO_TEACHER
            for path, kind in places:
                if kind != "none":
                    yield document.fault(path, rule, kind, mend)
        others = [kind for _, kind in places if kind != "none"]
        if not others:
            yield from _without_effect(document, stage)
        elif len(others) < len(places):
            for key in (f"{stage}.{name}" for name in _ONLY_DISTILLED):
                if key in searched and not _is_guarded(searched[key], stage, searched):
                    rule, mend = _unguarded(document, key, f"{stage}.kd", others)
                    yield document.fault(("search", key), rule, mend=mend)


def _unguarded(document: Document, key: str, kd: str, kinds: Sequence[Any]) -> tuple[str, str]:
    """Rule and mend for a searched setting that does nothing where ``kd`` is none, rather than one of ``kinds``."""
    condition = {kd: kinds[0] if len(kinds) == 1 else kinds}
    given = document.at("search", key)
    given = {"choice": given} if isinstance(given, list) else given
    when = {**(given.get("when") or {}), **condition}
    whole = f"Write {key}: {flow({**given, 'when': when})}."
    mend = whole if len(whole) < 160 else f"Add when: {flow(condition)}."
    return f"has no effect where {kd} is none", mend


def _kinds(document: Document, stage: str, knob: Knob | None) -> list[tuple[Place, Any]]:
    """The values that a stage's ``kd`` can have, each with its place; none if they can't be told."""
    key = f"{stage}.kd"
    place = (*stage.split("."), "kd")
    fixed: tuple[Place, Any] = (place, document.at(*place) or "none")
    given = document.at("search", key)
    if knob is None or knob.values is None:
        return [fixed] if given is None else []
    home: Place = ("search", key) if isinstance(given, list) else ("search", key, "choice")
    places = [((*home, position), kind) for position, kind in enumerate(knob.values)]
    return [*places, fixed] if knob.when else places


def _without_effect(document: Document, stage: str) -> Iterator[Fault]:
    rule, mend = f"has no effect with {stage}.kd: none", f"Remove it, or set {stage}.kd: dist."
    for name in _ONLY_DISTILLED:
        place = (*stage.split("."), name)
        if (value := document.at(*place)) is not None:
            yield document.fault(place, rule, value, mend)
        path = ("search", f"{stage}.{name}")
        if document.at(*path) is not None and not document.at(*path, "when", f"{stage}.kd"):
            yield document.fault(path, rule, mend=mend)


def _is_guarded(knob: Knob, stage: str, searched: Mapping[str, Knob]) -> bool:
    """Whether it is asked for only where the stage is distilled, by its own condition or those behind it."""
    return any(
        "none" not in values if name == f"{stage}.kd" else _is_guarded(searched[name], stage, searched)
        for name, values in knob.when
        if name == f"{stage}.kd" or name in searched
    )
