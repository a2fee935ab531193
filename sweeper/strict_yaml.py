"""YAML as a researcher expects it: 1e-4 is a number, `no` is a text, a key given twice is an error.

`read` and `parse` give a file's settings with the line of every key, `parse_value` the VALUE of a
`--set KEY=VALUE`. Settings are written by `analysis.plain_yaml`.
"""

import os
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sweeper.faults import MISSING, SET, Fault, Faults
from sweeper.wording import did_you_mean, dotted
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
        """The line, from 1, of the key at `path` or of its nearest parent; None if an `override` made it."""
        path = tuple(path)
        if any(path[: len(key)] == key for key in self._overridden):
            return None
        line, items = self.first_line, self._items
        for depth, part in enumerate(path, start=1):
            if part not in items:
                made = any(key[:depth] == path[:depth] for key in self._overridden)
                return None if made else line
            line, items = items[part][0], items[part][1].items
        return line

    def at(self, *path: str) -> Any:
        """What stands at `path`; None where there is nothing."""
        value: Any = self.value
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return value

    def fault(
        self, path: Sequence[str | int], rule: str, got: object = MISSING, mend: str | None = None
    ) -> Fault:
        """A fault at `path`, with its line; one of an `override` is blamed on the command line."""
        line = self.line_of(path)
        return Fault(
            rule=rule, key=dotted(path), line=line, got=got, mend=mend, origin=SET if line is None else None
        )

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
                raise Faults(SET, [Fault(rule=rule, key=dotted(path), got=section, origin=SET)])
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
        near = neighbour(path)
        mend = f"Did you mean {near}?" if near else None
        raise Faults(file, [Fault(rule="no such file", mend=mend)]) from None
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


def neighbour(path: Path) -> Path | None:
    """The YAML file whose name is most like that of ``path``, which leads nowhere, in the same folder."""
    folder = path.parent
    if not os.path.isdir(folder) or not os.access(folder, os.R_OK | os.X_OK):  # noqa: PTH112 (any text will do)
        return None
    names = [entry.name for entry in islice(folder.iterdir(), 1000) if entry.suffix in (".yaml", ".yml")]
    near = did_you_mean(path.name, names) or did_you_mean(f"{path.name}.yaml", names)
    return folder / near if near else None


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
