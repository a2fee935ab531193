"""From YAML text to nodes: values by the core schema of YAML 1.2, each with its line, and all that is wrong.

Only PyYAML's scanner and parser are used (the pure Python ones: one wording of errors everywhere). Its
events are built by https://yaml.org/spec/1.2.2/, section 10.3.2, without tags and merge keys, within limits
that keep a hostile text harmless: aliases count in full, so that a bomb stops at once.
"""

import math
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from sweeper.faults import MISSING, Fault
from sweeper.wording import dotted

MAX_BYTES = 200_000
MAX_DEPTH = 32  # lists and mappings inside each other
MAX_NODES = 3_000  # keys and values, every use of an alias counted in full
MAX_DIGITS = 100  # of a whole number; CPython itself refuses to write more than 4,300

_CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNPRINTABLE = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Node:
    """A value, its items with the lines of their keys, and how much it holds: nodes, and levels below it."""

    value: Any = None
    items: Mapping[str | int, "tuple[int, Node]"] = field(default_factory=dict)
    nodes: int = 1
    height: int = 0


class _Stop(Exception):
    """What was found makes reading on useless; it is in the faults."""


class Builder:
    """Builds one text's value from PyYAML's events and collects the faults on the way."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n").replace("\r", "\n")
        self._path: list[str | int] = []
        self._anchors: dict[str, Node | None] = {}  # None while the node is still open
        self._nodes = 0
        self._events: Any = None  # PyYAML's loader, whose types don't tell its events apart
        self.first_line = 1
        self.faults: list[Fault] = []

    def build(self) -> Node | None:
        """The one document's root, or None if there is none; worth nothing if there are faults."""
        try:
            self._check_characters()
            self._events = yaml.SafeLoader(self._text)
            return self._document()
        except _Stop:
            return None
        except yaml.MarkedYAMLError as error:
            self._add_syntax(error)
        except (yaml.YAMLError, ValueError, OverflowError):  # such as "\U00110000", beyond what chr() takes
            self._add("an escape or a version number is out of range", line=self._events.line + 1)
        return None

    def _check_characters(self) -> None:
        if len(self._text.encode(errors="surrogatepass")) > MAX_BYTES:
            self._add(f"must be at most {MAX_BYTES:,} bytes long", stop=True)
        by_line: dict[int, str] = {}
        for found in islice(_UNPRINTABLE.finditer(self._text), 20):
            by_line.setdefault(self._text.count("\n", 0, found.start()) + 1, found[0])
        for line, character in by_line.items():
            self._add(f"holds the unprintable character U+{ord(character):04X}", line=line, mend="Remove it")
        if by_line:
            raise _Stop

    def _document(self) -> Node | None:
        self._events.get_event()  # the stream's start
        if isinstance(self._events.peek_event(), StreamEndEvent):
            return None
        self._events.get_event()  # the document's start
        self.first_line = _line(self._events.peek_event())
        node = self._node()
        self._events.get_event()  # the document's end
        if not isinstance(event := self._events.peek_event(), StreamEndEvent):
            self._add("a second document begins here", event, mend="Keep one a file")
        return node

    def _node(self) -> Node:
        event: Any = self._events.get_event()
        if isinstance(event, AliasEvent):
            return self._alias(event)
        self._spend(1, event)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._add("tags are not allowed", event, got=tag, mend="Remove it")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, ScalarEvent):
            node = Node(self._scalar(event))
        elif len(self._path) >= MAX_DEPTH:
            self._add(f"must be nested at most {MAX_DEPTH} deep", event, stop=True)
        else:
            node = self._sequence() if isinstance(event, SequenceStartEvent) else self._mapping()
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: AliasEvent) -> Node:
        name = str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            rule = "holds itself, by" if name in self._anchors else "has no anchor above it for"
            self._add(f"{rule} the alias *{name[:60]}", event)
            return Node()
        self._spend(node.nodes, event)
        if len(self._path) + node.height > MAX_DEPTH:
            self._add(f"must be nested at most {MAX_DEPTH} deep", event, stop=True)
        return replace(node, value=deepcopy(node.value))

    def _sequence(self) -> Node:
        items: dict[str | int, tuple[int, Node]] = {}
        while not isinstance(event := self._events.peek_event(), SequenceEndEvent):
            items[len(items)] = _line(event), self._inside(len(items))
        self._events.get_event()
        return _collection([node.value for _, node in items.values()], items)

    def _mapping(self) -> Node:
        items: dict[str | int, tuple[int, Node]] = {}
        while not isinstance(event := self._events.peek_event(), MappingEndEvent):
            name, fine = self._key(event, items)
            node = self._inside(name)
            if fine:
                items[name] = _line(event), node
        self._events.get_event()
        return _collection({name: node.value for name, (_, node) in items.items()}, items)

    def _key(self, event: Any, items: Mapping[str | int, tuple[int, Node]]) -> tuple[str, bool]:
        """The next key as it is written, and whether it can be one."""
        if not isinstance(event, ScalarEvent):
            mend = "Put a text that begins with {, [ or * in quotes"
            self._add("a key must be text", event, mend=mend, stop=True)
        value, name, found = self._node().value, event.value, len(self.faults)
        self._path.append(name)
        if not isinstance(value, str):
            decimal = "; a decimal takes a point" if isinstance(value, int) and name.isdigit() else ""
            self._add("a key must be text", event, got=value, mend=f"Put it in quotes{decimal}")
        elif name == "<<" and _is_plain(event):
            self._add("merge keys are not allowed", event, mend="Write the settings out")
        elif name in items:
            self._add(f"is given twice, first in line {items[name][0]}", event, mend="Keep one of them")
        self._path.pop()
        return name, len(self.faults) == found

    def _inside(self, part: str | int) -> Node:
        self._path.append(part)
        node = self._node()
        self._path.pop()
        return node

    def _scalar(self, event: ScalarEvent) -> object:
        text = event.value
        if not _is_plain(event):
            if surrogate := _SURROGATE.search(text):
                self._add(
                    f"holds U+{ord(surrogate[0]):04X}, half a character", event, mend="Write it as it is"
                )
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _NOT_FINITE.fullmatch(text):
            return float(text.replace(".", ""))
        if _INT.fullmatch(text) and len(text) <= MAX_DIGITS:
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if _INT.fullmatch(text):
            self._add(f"must be a number of at most {MAX_DIGITS} digits", event, got=text)
        elif _FLOAT.fullmatch(text):
            if math.isfinite(number := float(text)):
                return number
            self._add("must be a number of at most 1.8e308", event, got=text)
        return text

    def _spend(self, nodes: int, event: Event) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            self._add(
                f"must hold at most {MAX_NODES:,} keys and values, aliases counted in full", event, stop=True
            )

    def _add(
        self,
        rule: str,
        at: Event | None = None,
        *,
        line: int | None = None,
        got: object = MISSING,
        mend: str | None = None,
        stop: bool = False,
    ) -> None:
        """One more fault, of the key that is being built, in the line of the event `at`, or `line`."""
        line = _line(at) if at else line
        self.faults.append(Fault(rule=rule, key=dotted(self._path), line=line, got=got, mend=mend))
        if stop:
            raise _Stop

    def _add_syntax(self, error: yaml.MarkedYAMLError) -> None:
        problem = (error.problem or error.context or "unreadable").replace("'\\x00'", "nothing more")
        marks = [mark.line + 1 for mark in (error.problem_mark, error.context_mark) if mark]
        rule, mend = next((told for part, told in _SYNTAX.items() if part in problem), (None, None))
        rule = (rule or f"is not valid YAML: {problem}").replace("{opened}", str(marks[-1]))
        line = marks[-1] if "end of stream" in problem or "could not find" in problem else marks[0]
        lines = self._text.split("\n")
        for number in range(max(1, line - 1), line + 1):
            if wide := next((char for char in lines[number - 1] if char in _WIDE), None):
                mend = f"Line {number} holds {wide}; write {_WIDE[wide]}"
        self._add(rule, line=line, got=lines[line - 1].strip() or MISSING, mend=mend)


_SYNTAX = {  # a part of PyYAML's problem -> our rule and mend
    "found character '\\t'": ("a tab can't stand here", "Use spaces"),
    "that cannot start any token": ("a text can't begin like this", "Put it in quotes"),
    "mapping values are not allowed": (
        "a second `: ` doesn't fit here",
        "Check the indentation; put a text that holds `: ` in quotes",
    ),
    "sequence entries are not allowed": (
        "a list item doesn't fit here",
        "Begin the list on a line of its own",
    ),
    "expected <block end>": ("doesn't fit what is above it", "Check the indentation and the quotes"),
    "expected ',' or ']'": (
        "the list that opens in line {opened} goes wrong here",
        "Check its commas and its ]",
    ),
    "expected ',' or '}'": (
        "the mapping that opens in line {opened} goes wrong here",
        "Check its commas and its }",
    ),
    "could not find expected ':'": ("a key lacks its `: `", "Write key: value"),
    "unexpected end of stream": ("the quotes that open here are never closed", "Close them"),
    "unknown escape character": (
        "an unknown escape in double quotes",
        "Write \\\\ for a backslash, or use single quotes",
    ),
    "undefined tag handle": ("tags are not allowed", "Remove it"),
}


_WIDE = dict(zip("：，［］｛｝＂“”‘’　", ':,[]{}"""\'\' ', strict=True))  # as Chinese keyboards give them


def _line(event: Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1


def _is_plain(event: ScalarEvent) -> bool:
    return event.style in (None, "")


def _collection(value: object, items: Mapping[str | int, tuple[int, Node]]) -> Node:
    nodes = [node for _, node in items.values()]
    count = 1 + sum(node.nodes for node in nodes) + (len(nodes) if isinstance(value, dict) else 0)
    return Node(value, items, count, 1 + max((node.height for node in nodes), default=0))
