"""How names, places and values of settings are written for a person: printable, short, on one line."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

_SHOWN = 60  # characters of a value that a line shows
_LISTED, _FIRST, _MANY = 20, 12, 30  # a line lists up to 20 names, of up to 30 the first 12, of more none


def printable(text: str) -> str:
    r"""`text` on one line: line breaks, control, direction and unpaired characters as `\x1b`, `\u202e`."""
    return "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(text: str) -> str:
    """`text` in double quotes, as both JSON-minded people and every YAML reader understand it."""
    return printable(json.dumps(text, ensure_ascii=False))


def shown(value: object) -> str:
    """`value` much as YAML's flow style writes it, cut to about 60 characters."""
    return _cut(_flow(value))


def _flow(value: object) -> str:
    match value:
        case None | bool():
            return json.dumps(value)
        case float():
            return re.sub(r"inf|nan", r".\g<0>", repr(value))
        case str():
            return quoted(value[: 2 * _SHOWN])
        case Mapping():
            return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_flow, value)) + "]"
    return repr(value)


def dotted(path: Sequence[str | int]) -> str:
    """`("search", "prune.percent", 2)` -> `search.prune.percent[2]`; endless keys are cut."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{_cut(part) or quoted(part)}" for part in path)
    return "".join(parts).removeprefix(".")


def place_of(key: str, settings: Any) -> tuple[str | int, ...]:
    """The path that `dotted` writes as `key`: by the keys of `settings`, longest first, then by the dots."""
    if position := re.fullmatch(r"(.+)\[(\d+)\]", key):
        return *place_of(position[1], settings), int(position[2])
    for name in sorted(settings, key=len, reverse=True) if isinstance(settings, Mapping) else ():
        if key == name:
            return (name,)
        if key.startswith(f"{name}."):
            return name, *place_of(key.removeprefix(f"{name}."), settings[name])
    return tuple(key.split("."))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def did_you_mean(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was most likely meant to be, or None.

    Case, `-` and `_` don't count; of dotted candidates the one whose last part is `word` will do, if it is
    alone. The cutoff of 0.7 (difflib's ratio) lets one typing slip through in four letters.
    """
    return _nearest(word, tuple(candidates)) if len(word) <= _SHOWN else None


@lru_cache(maxsize=10_000)
def _nearest(word: str, candidates: tuple[str, ...]) -> str | None:
    plain = {_folded(candidate): candidate for candidate in candidates}
    if close := difflib.get_close_matches(_folded(word), plain, n=1, cutoff=0.7):
        return plain[close[0]]
    leaves = [candidate for name, candidate in plain.items() if name.rpartition(".")[2] == _folded(word)]
    return leaves[0] if len(leaves) == 1 else None


def _folded(word: str) -> str:
    return word.lower().replace("-", "_")


def mend_for(word: str, candidates: Iterable[str]) -> str | None:
    """`Did you mean X?`, else the names there are, of some more the first ones, of very many none."""
    names = list(dict.fromkeys(candidates))
    if near := did_you_mean(word, names):
        return f"Did you mean {near}?"
    if not 0 < len(names) <= _MANY:
        return None
    if len(names) > _LISTED:
        return f"Known here: {', '.join(names[:_FIRST])} and {len(names) - _FIRST} more"
    return f"Known here: {', '.join(names)}"
