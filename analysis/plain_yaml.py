"""YAML as people expect it: the 1.2 core schema for reading, text that 1.1 and 1.2 read alike for writing.

PyYAML follows YAML 1.1, where `on`, `yes` and `no` are booleans and `1e-3` is a string. Here `on` is a
string and `1e-3` a number (https://yaml.org/spec/1.2.2/#103-core-schema); what is written is quoted or
dotted (`'on'`, `1.0e-03`), so that a reader of either version gets the same values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

_NUMBERS = (
    ("tag:yaml.org,2002:int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
)
_WORDS = (
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
)


class _Loader(yaml.SafeLoader):
    """Safe, with the resolvers of YAML 1.2 in place of those of 1.1, and no duplicate keys."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """The mapping of `node`; PyYAML would keep the last of two equal keys in silence."""
        mapping = super().construct_mapping(node, deep)
        if len(mapping) != len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return mapping


class _Dumper(yaml.SafeDumper):
    """Safe, without anchors; quotes what either version of YAML would not read back as a string."""

    def ignore_aliases(self, data: object) -> bool:
        """Write equal lists out twice instead of `&id001`."""
        return True


for _tag, _pattern, _first in (*_NUMBERS, *_WORDS):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))
for _tag, _pattern, _first in _NUMBERS:
    _Dumper.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), list(_first))


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    """Base 10 unless it says 0o or 0x; in YAML 1.1 `010` would be eight."""
    text = str(node.value)
    return int(text, 0 if text[:2] in ("0o", "0x") else 10)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def load(text: str) -> object:
    """The plain value (dict, list, str, number, bool, None) that `text` holds.

    Raises:
        yaml.YAMLError: malformed text, a duplicate key, a tag that asks for anything but plain values.
    """
    return yaml.load(text, Loader=_Loader)


def dump(value: Mapping[str, object]) -> str:
    """`value` as block YAML, keys in their own order; floats have the digits of `repr` and round-trip."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))
