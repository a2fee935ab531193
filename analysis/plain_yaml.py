"""YAML as people expect it: `load` reads the 1.2 core schema, `dump` writes what 1.1 and 1.2 read alike.

PyYAML follows YAML 1.1, where `on`, `yes` and `no` are booleans, `010` is eight and `1e-3` a string. Here `on`
is a string and `1e-3` a number (https://yaml.org/spec/1.2.2/#103-core-schema). What is written is quoted or
dotted (`"on"`, `1.0e-03`), so that a reader of either version gets the same values of the same types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, cast

import yaml

__all__ = ["dump", "load"]

_TAG = "tag:yaml.org,2002:"
_PLAIN_TYPES = ("null", "bool", "int", "float", "str", "seq", "map")
_RESOLVED = (
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
)


class _Loader(yaml.SafeLoader):
    """Safe, with the plain types of YAML 1.2 and nothing else: no other tags, aliases or duplicate keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012
    yaml_constructors: ClassVar[dict[str | None, Callable[..., object]]] = {
        tag: function
        for tag, function in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_TAG) in _PLAIN_TYPES
    }

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; an alias could stand for itself, or for a billion others."""
        if self.check_event(yaml.AliasEvent):
            mark = cast("Any", self).peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """The mapping of `node`, whose keys are text; PyYAML would keep the last of two equal ones."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        if strange := [key for key in mapping if not isinstance(key, str)]:
            problem = f"a key is text, got {strange[0]!r}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return mapping


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    """Base 10 unless it says 0o or 0x; in YAML 1.1 `010` would be eight."""
    text = str(node.value)
    return int(text, 0 if text[:2] in ("0o", "0x") else 10)


for _name, _pattern, _first in _RESOLVED:
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_constructor(f"{_TAG}int", _integer)


def load(text: str) -> object:
    """The plain value (dict with text keys, list, str, number, bool, None) that `text` holds.

    Raises:
        yaml.YAMLError: malformed text, a duplicate key or one that is no text, an alias, a tag that asks for
            anything but plain values.
    """
    return yaml.load(text, Loader=_Loader)


_WIDTH = 100
"""Up to here a list of scalars stays in one line."""
_UNQUOTED = re.compile(r"[A-Za-z_/][\w./+-]*( [\w./+-]+)*", re.ASCII)
_NO_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""To readers of YAML 1.1 or 1.2."""
_LONGEST_KEY = 1000
"""YAML lets a key without `? ` have 1,024 characters."""


def dump(value: Mapping[str, object]) -> str:
    """`value` as block YAML, keys in their own order, such that `load(dump(value)) == value`.

    YAML 1.1 readers, PyYAML's own among them, read the same. Short lists of scalars stay in one line; floats
    keep all their bits (`1e-05` is written `1.0e-05`); a text that could be taken for something else (`"1e-4"`,
    `"no"`, `"2026-11-24"`, `" a"`, `""`, `"é"`) is quoted as in JSON; nothing is shared by anchors.

    Raises:
        TypeError: something other than a mapping with text keys, list, tuple, str, int, float, bool or None.
    """
    return "\n".join(_lines(value)) + "\n"


def _lines(value: object) -> list[str]:
    if (inline := _inline(value)) is not None:
        return [inline]
    if isinstance(value, Mapping):
        return [line for key, item in value.items() for line in _entry(key, item)]
    assert isinstance(value, list | tuple)
    return [f"{'  ' if n else '- '}{line}" for item in value for n, line in enumerate(_lines(item))]


def _entry(key: object, item: object) -> list[str]:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, got {key!r}")
    name, lines = _text(key), _lines(item)
    head = [f"? {name}", ":"] if len(name) > _LONGEST_KEY else [f"{name}:"]
    if _inline(item) is not None:
        return [*head[:-1], f"{head[-1]} {lines[0]}"]
    return [*head, *(f"  {line}" for line in lines)]


def _inline(value: object) -> str | None:
    """`value` within one line, None if it takes more."""
    match value:
        case None | bool():
            return json.dumps(value)
        case int():
            return str(value)
        case float():
            return _float(value)
        case str():
            return _text(value)
        case Mapping():
            return None if value else "{}"
        case list() | tuple():
            if any(isinstance(item, Mapping | list | tuple) for item in value):
                return None
            line = f"[{', '.join(str(_inline(item)) for item in value)}]"
            return line if len(line) <= _WIDTH or not value else None
    raise TypeError(f"YAML can't hold a {type(value).__name__}, got {value!r}")


def _float(value: float) -> str:
    """The shortest text that reads back as the same float; YAML 1.1 asks for a point."""
    text = repr(float(value))
    if text.endswith(("inf", "nan")):
        return re.sub("inf|nan", r".\g<0>", text)
    return text if "." in text else text.replace("e", ".0e")


def _text(value: str) -> str:
    if _UNQUOTED.fullmatch(value) and value.lower() not in _NO_TEXT:
        return str(value)
    return "".join(
        char if char.isprintable() else _escape(ord(char)) for char in json.dumps(value, ensure_ascii=False)
    )


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
