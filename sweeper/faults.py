"""What is wrong with a user's settings, one line a fault.

    FILE:LINE: key.path: rule, got VALUE. Mend.

A `Fault` is such a line, `Faults` all of a file's at once. Imports neither torch, ray nor pydantic: this is on
the path that must answer at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from sweeper.wording import printable, shown
from trainables.errors import InputError

Place = tuple[str | int, ...]

SET: Final = "--set"
"""Stands where the file would, for a key that came from the command line."""


class Missing(Enum):
    """The type of `MISSING`: there is no value, which is not the same as null."""

    MISSING = "missing"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One wrong setting.

    `line` counts from 1 and is None for what has no line; `key` is a dotted path, list positions from 0, as
    in `search.prune.percent[2]`, empty for the whole file; `got` and `mend` are left out where they are
    `MISSING` and None; `origin`, such as `SET`, stands in for the file's name.
    """

    rule: str
    key: str = ""
    line: int | None = None
    got: object = MISSING
    mend: str | None = None
    origin: str | None = None

    def text(self, file: str) -> str:
        """The fault as one printable line, whatever the names and values hold."""
        where = self.origin or (file if self.line is None else f"{file}:{self.line}")
        if self.key:
            where += f" {self.key}" if where == SET else f": {self.key}"
        got = "" if self.got is MISSING else f", got {shown(self.got)}"
        sentences = [f"{where}: {self.rule}{got}", *([self.mend] if self.mend else [])]
        return printable(" ".join(s if s.endswith((".", "?")) else f"{s}." for s in sentences))


class Faults(InputError):
    """Every fault of one file (exit code 2); its text is one line a fault, in the order of the lines."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        unlike = {fault.text(file): fault for fault in faults}.values()
        self.faults = tuple(sorted(unlike, key=lambda fault: fault.line or 0))
        super().__init__(file, self.faults)

    def __str__(self) -> str:
        return "\n".join(fault.text(self.file) for fault in self.faults)
