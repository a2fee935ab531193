"""What pydantic finds wrong, as faults in our own words.

Whatever a validator of a settings model raises (ValueError, `InputError`) is read in the project's own form,
`[key: ]rule[, got VALUE][. Mend.]`: on a whole model `warmup: must be below epochs` blames the key `warmup`.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sweeper.faults import MISSING, SET, Fault, Place
from sweeper.wording import did_you_mean, dotted, mend_for, place_of

_KINDS = {
    "a whole number": "int_type int_parsing int_from_float int_parsing_size",
    "a number": "float_type float_parsing decimal_type decimal_parsing",
    "true or false": "bool_type bool_parsing",
    "text": "string_type path_type",
    "a list": "list_type tuple_type set_type frozen_set_type",
    "a mapping": "dict_type mapping_type model_type model_attributes_type dataclass_type",
    "null": "none_required",
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_CHOICES = {"literal_error", "enum"}
_BOUNDS = {
    "greater_than_equal": "at least {ge}",
    "greater_than": "above {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "below {lt}",
    "multiple_of": "a multiple of {multiple_of}",
    "finite_number": "a finite number",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
}
# the looks of a union's member in the place that pydantic gives: float, list[int], function-after[..], Grid
_LABEL = re.compile(r"[a-z][a-z-]*\[.*\]|[A-Z]\w*|int|float|str|bool|none|constrained-\w+|\[key\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Report:
    """One of pydantic's errors, its `path` free of the unions' `members`, (where, label), on the way."""

    details: ErrorDetails
    path: Place
    members: tuple[tuple[Place, str], ...] = field(default=())

    @property
    def misses(self) -> bool:
        """Whether the value is of another kind than the innermost union member wants."""
        return self.details["type"] in _KIND_OF.keys() | _CHOICES


def from_pydantic(
    error: ValidationError,
    line_of: Callable[[Place], int | None],
    prefix: Place = (),
    *,
    known: Callable[[Place], Iterable[str]] = lambda _path: (),
    value: object = MISSING,
) -> list[Fault]:
    """Pydantic's errors as faults, at most one a key and rule.

    `prefix` is the place of the model within the file; `line_of` and `known` (the keys that may stand in the
    mapping at a place) are asked with whole paths. `value`, the input of the validation, tells keys from the
    labels that pydantic adds for unions; without it they are told by their looks. Of a union only the
    member that the value came closest to is reported. A key without a line is one that came with `--set`.
    """
    reports = [
        _located(details, value, lambda path: known(prefix + path))
        for details in error.errors(include_url=False)
    ]
    faults: dict[Place, Fault] = {}
    for report in _closest(reports):
        path, rule, got, mend = _told(report, lambda path: known(prefix + path))
        path = prefix + path
        line = line_of(path)
        fault = Fault(
            rule=rule, key=dotted(path), line=line, got=got, mend=mend, origin=SET if line is None else None
        )
        faults[path] = _either(faults[path], fault) if path in faults else fault
    return list(faults.values())


def _located(details: ErrorDetails, value: object, known: Callable[[Place], Iterable[str]]) -> _Report:
    path: Place = ()
    members: list[tuple[Place, str]] = []
    real_end = details["type"] in ("missing", "extra_forbidden")
    for position, part in enumerate(details["loc"]):
        if real_end and position == len(details["loc"]) - 1:
            is_key = True
        elif isinstance(part, int) or value is MISSING:
            is_key = isinstance(part, int) or not _LABEL.fullmatch(part)
        else:
            is_key = isinstance(value, Mapping) and (part in value or part in known(path))
        if is_key:
            path += (part,)
            value = _item(value, part)
        elif part != "[key]":
            members.append((path, str(part)))
    return _Report(details, path, tuple(members))


def _item(value: object, part: str | int) -> object:
    match value:
        case Mapping():
            return value.get(part)
        case list() | tuple() if isinstance(part, int) and part < len(value):
            return value[part]
    return MISSING if value is MISSING else None


def _closest(reports: Iterable[_Report], level: int = 0) -> list[_Report]:
    """Keeps, of every union, the reports of the member that fits the value's kind and has the fewest."""
    kept: list[_Report] = []
    unions: dict[Place, dict[str, list[_Report]]] = {}
    for report in reports:
        if len(report.members) > level:
            place, label = report.members[level]
            unions.setdefault(place, {}).setdefault(label, []).append(report)
        else:
            kept.append(report)
    for place, members in unions.items():
        fitting = [m for m in members.values() if not any(r.path == place and r.misses for r in m)]
        chosen = [min(fitting, key=len)] if fitting else members.values()
        kept += _closest((report for member in chosen for report in member), level + 1)
    return kept


def _told(report: _Report, known: Callable[[Place], Iterable[str]]) -> tuple[Place, str, object, str | None]:
    """The place, rule, value and mend that one report amounts to."""
    details, path = report.details, report.path
    name, got, context = details["type"], details["input"], details.get("ctx", {})
    if name == "missing":
        return path, "is required", MISSING, None
    if name == "extra_forbidden":
        return path, "is no setting here", got, mend_for(str(path[-1]), known(path[:-1]))
    if name in _KIND_OF:
        return path, f"must be {_KIND_OF[name]}", got, _kind_mend(_KIND_OF[name], got)
    if name in _CHOICES:
        return path, *_choice(str(context["expected"]), got)
    if name == "union_tag_not_found":
        return (*path, str(context["discriminator"]).strip("'")), "is required", MISSING, None
    if name == "union_tag_invalid":
        path += (str(context["discriminator"]).strip("'"),)
        return path, *_choice(str(context["expected_tags"]), _item(got, path[-1]))
    if name in _BOUNDS:
        not_a_number = isinstance(got, float) and math.isnan(got)  # it fails every comparison
        bound = "a finite number" if not_a_number else _BOUNDS[name].format_map(_short(context))
        return path, f"must be {bound}", got, None
    return _said(path, str(context.get("error", details["msg"])), got)


def _short(context: Mapping[str, object]) -> dict[str, str]:
    return {name: str(bound).removesuffix(".0") for name, bound in context.items()}


def _choice(expected: str, got: object) -> tuple[str, object, str | None]:
    names = [name.strip("'") for name in re.split(", | or ", expected)]
    near = did_you_mean(got, names) if isinstance(got, str) else None
    rule = f"must be one of {', '.join(names)}" if len(names) > 1 else f"must be {names[0]}"
    return rule, got, f"Did you mean {near}?" if near else None


def _kind_mend(kind: str, got: object) -> str | None:
    if got is None:
        return "Give it a value, or remove it"
    if kind == "text" and isinstance(got, bool | int | float):
        return "Put it in quotes"
    if kind == "true or false" and str(got).lower() in ("yes", "on", "no", "off"):
        return f"Write {'true' if str(got).lower() in ('yes', 'on') else 'false'}"
    if kind == "a whole number" and isinstance(got, float) and got.is_integer():
        return f"Write {int(got)}"
    return _number_mend(kind, got) if isinstance(got, str) else None


def _number_mend(kind: str, got: str) -> str | None:
    """The number that a text was probably meant to be."""
    if share := re.fullmatch(r"(\d+(?:\.\d+)?) ?%", got, re.ASCII):
        return f"Write {float(share[1]) / 100:g} for {share[1]} %" if kind == "a number" else None
    whole = kind == "a whole number"
    if re.fullmatch(r"\d+" if whole else r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", got, re.ASCII):
        return "Remove its quotes" if whole or kind == "a number" else None
    if kind == "a number" and re.fullmatch(r"\d+,\d+", got, re.ASCII):
        return f"Write {got.replace(',', '.')}"
    return "Write a comma for each \uff0c" if "\uff0c" in got else None


def _said(path: Place, text: str, got: object) -> tuple[Place, str, object, str | None]:
    """What a validator said: `[key: ]rule[, got VALUE][. Mend.]`, the key being the place's or one inside."""
    text = text.replace("Input should be", "must be")
    head, colon, tail = text.partition(": ")
    if colon and path and head in (str(path[-1]), dotted(path)):
        text = tail
    elif colon and isinstance(got, Mapping) and re.fullmatch(r"\w+([.]\w+|\[\d+\])*", head):
        inside = place_of(head, got)
        path, text = path + inside, tail
        for part in inside:
            got = _item(got, part)
        got = MISSING if got is None else got
    if ", got " in text:
        return path, text, MISSING, None
    rule, _, mend = text.partition(". ")
    return path, rule.removesuffix("."), MISSING if isinstance(got, Mapping) else got, mend or None


def _either(one: Fault, other: Fault) -> Fault:
    """Two faults of one key: the members of a union, of which none would take the value."""
    kinds = [*one.rule.removeprefix("must be ").split(" or "), other.rule.removeprefix("must be ")]
    if "a number" in kinds:
        kinds = [kind for kind in kinds if kind != "a whole number"]
    rule = f"must be {' or '.join(dict.fromkeys(kinds))}"
    return replace(one, rule=rule, mend=one.mend or other.mend)
