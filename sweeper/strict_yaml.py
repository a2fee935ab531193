"""YAML as a researcher expects it: 1e-4 is a number, `no` is a text, a key given twice is an error.

`read` and `parse` give a file's settings with the line of every key, `parse_value` the VALUE of a
`--set KEY=VALUE`, `dump` writes settings so that this reader and any other YAML reader agree on them.
"""

import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sweeper.faults import SET, Fault, Faults
from sweeper.wording import did_you_mean, dotted, quoted
from sweeper.yaml_nodes import MAX_BYTES, Builder, Node


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One file's settings: plain dicts, lists and scalars, and the line that each of them stands in."""

    file: str
    value: dict[str, Any]
    first_line: int = 1
    _items: Mapping[str | int, tuple[int, Node]] = field(default_factory=dict)
    _overridden: frozenset[tuple[str | int, ...]] = frozenset()

    def line_of(self, path: Sequence[str | int]) -> int | None:
        """The line, from 1, of the key at `path` or of its nearest parent; None if it is an `override`."""
        path = tuple(path)
        if any(path[: len(key)] == key for key in self._overridden):
            return None
        line, items = self.first_line, self._items
        for part in path:
            if part not in items:
                break
            line, items = items[part][0], items[part][1].items
        return line

    def override(self, path: Sequence[str], value: object) -> "Document":
        """The same document with `value` at `path`, as `--set` asks; sections that are absent are made.

        Raises:
            Faults: a part of the path holds a value that is no mapping.
        """
        tree = deepcopy(self.value)
        section = tree
        for depth, part in enumerate(path[:-1], start=1):
            if section.get(part) is None:
                section[part] = {}
            section = section[part]
            if not isinstance(section, dict):
                rule = f"{dotted(path[:depth])} is no section"
                raise Faults(SET, [Fault(rule=rule, key=dotted(path), got=section)])
        section[path[-1]] = value
        return replace(self, value=tree, _overridden=self._overridden | {tuple(path)})


def read(path: Path) -> Document:
    """The settings in the file at `path`.

    Raises:
        Faults: no such file, or it can't be read, or anything that `parse` refuses.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise Faults(file, [Fault(rule=f"must be at most {MAX_BYTES:,} bytes long")])
        text = data.decode().removeprefix("\ufeff")
    except Faults:  # a ValueError too
        raise
    except FileNotFoundError:
        raise Faults(file, [Fault(rule="no such file", mend=_neighbour(path))]) from None
    except IsADirectoryError:
        raise Faults(file, [Fault(rule="is a folder", mend="Name a YAML file")]) from None
    except UnicodeDecodeError as error:
        line, byte = data.count(b"\n", 0, error.start) + 1, f"byte 0x{data[error.start]:02x}"
        fault = Fault(rule=f"must be UTF-8 text, found {byte}", line=line, mend="Save the file as UTF-8")
        raise Faults(file, [fault]) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise Faults(file, [Fault(rule=f"can't be read: {reason}")]) from None
    return parse(text, file)


def _neighbour(path: Path) -> str | None:
    folder = path.parent
    if not folder.is_dir():
        return f"Its folder {folder} doesn't exist either"
    if not os.access(folder, os.R_OK):
        return None
    names = [entry.name for entry in islice(folder.iterdir(), 1000) if entry.suffix in (".yaml", ".yml")]
    near = did_you_mean(path.name, names) or did_you_mean(f"{path.name}.yaml", names)
    return f"Did you mean {folder / near}?" if near else None


def parse(text: str, file: str) -> Document:
    """The settings in `text`, a mapping; `file` is the name that messages show.

    Raises:
        Faults: all that is wrong with it, up to where it can't be read on.
    """
    builder = Builder(text)
    node, faults = builder.build(), builder.faults
    if not faults and (node is None or node.value is None):
        faults.append(Fault(rule="is empty", mend="Write a mapping of settings, such as name: finetune"))
    elif not faults and node and not isinstance(node.value, dict):
        mend = "Write key: value lines"
        faults.append(
            Fault(rule="must be a mapping of settings", line=builder.first_line, got=node.value, mend=mend)
        )
    if faults or not node:
        raise Faults(file, faults)
    return Document(file=file, value=node.value, first_line=builder.first_line, _items=node.items)


def parse_value(text: str, key: str = "") -> Any:
    """What VALUE in `--set KEY=VALUE` says, by the rules of a file; nothing is null.

    Raises:
        Faults: with `--set` for a file and, if it is given, `key`.
    """
    builder = Builder(text)
    node = builder.build()
    if builder.faults:
        inside = [f"{key}{'' if f.key.startswith('[') else '.'}{f.key}".strip(".") for f in builder.faults]
        raise Faults(SET, [replace(f, line=None, key=k) for f, k in zip(builder.faults, inside, strict=True)])
    return node.value if node else None


_WIDTH = 100  # up to here a list of scalars stays in one line
_PLAIN = re.compile(r"[A-Za-z_/][\w./+-]*( [\w./+-]+)*", re.ASCII)
_OTHER_TYPES = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # to readers of YAML 1.1 or 1.2
_LONGEST_KEY = 1000  # YAML lets a key without `? ` have 1,024 characters


def dump(value: Mapping[str, Any]) -> str:
    """`value` as block YAML, in its own order, that YAML 1.1 and 1.2 read alike: `parse(dump(x)).value == x`.

    Short lists of scalars stay in one line; floats keep all their bits; a text that could be taken for
    something else is quoted.

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
    blocks = [_lines(item) for item in value]
    return [("  " if n else "- ") + line for block in blocks for n, line in enumerate(block)]


def _entry(key: object, item: object) -> list[str]:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, got {key!r}")
    name, lines = _text(key), _lines(item)
    head = [f"? {name}", ":"] if len(name) > _LONGEST_KEY else [f"{name}:"]
    if _inline(item) is not None:
        return [*head[:-1], f"{head[-1]} {lines[0]}"]
    return [*head, *(f"  {line}" for line in lines)]


def _inline(value: object) -> str | None:
    """`value` within one line, or None if it takes more."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
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
    """Shortest text that reads back as the same float; YAML 1.1 asks for a point: `1e-05` -> `1.0e-05`."""
    text = repr(float(value))
    if text.endswith(("inf", "nan")):
        return text.replace("inf", ".inf").replace("nan", ".nan")
    return text if "." in text else text.replace("e", ".0e")


def _text(value: str) -> str:
    plain = _PLAIN.fullmatch(value) and value.lower() not in _OTHER_TYPES
    return str(value) if plain else quoted(value)
