"""Lines of JSON of which each carries a checksum of its file up to there.

    {"event": "asked", "trial": 0, …, "sum": "1f3a9c02"}

`sum` is the CRC-32, in hexadecimal, of all bytes of the file before `, "sum"` on this line. So a flipped digit that
still is JSON, a line that is gone and lines that changed places are damage that is found. Files of earlier
versions have lines without; once one has it, all that follow must.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn
from zlib import crc32

from analysis.errors import ResultsError

_TAIL = re.compile(rb', "sum": "([0-9a-f]{8})"\}$')
MEND = "Restore the file, or give up what follows: sweeper resume RUN --accept-loss."


def seal(line: bytes, before: int) -> tuple[bytes, int]:
    """A line with its checksum and its newline, and the checksum of the file behind it.

    Args:
        line: a JSON object that is not empty, without a newline.
        before: the checksum of the file up to here, 0 at its beginning.
    """
    body = line[:-1]
    sealed = body + b', "sum": "%08x"}\n' % crc32(body, before)
    return sealed, crc32(sealed, before)


@dataclass(kw_only=True, slots=True)
class Lines:
    """Reads the lines of one file, in order: `file` is its name for messages."""

    file: str
    number: int = 0
    """Lines that were read."""
    unsealed: int = 0
    """Lines without a checksum, before the first with one."""
    total: int = 0
    """Checksum of what was read."""

    def take(self, line: bytes) -> dict[str, Any]:
        """The object in the next line, which is given without its newline.

        Raises:
            ResultsError: it is no strict JSON object, or not what was written. The message names FILE:LINE.
        """
        self.number += 1
        where = f"{self.file}:{self.number}"
        value = parse_object(line, where)
        tail = _TAIL.search(line)
        if tail is not None:
            del value["sum"]
            if crc32(line[: tail.start()], self.total) != int(tail[1], 16):
                before = f", or one of the {self.unsealed} before it is not" if self.unsealed else ""
                raise ResultsError(
                    f"{where}: damaged, its checksum is not the one that was written{before}. {MEND}"
                )
        elif self.unsealed < self.number - 1:
            raise ResultsError(f"{where}: damaged, it has lost its checksum. {MEND}")
        else:
            self.unsealed += 1
        self.total = crc32(b"\n", crc32(line, self.total))
        return value


def parse_object(line: bytes, where: str, *, mend: str = MEND) -> dict[str, Any]:
    """The JSON object that `line` holds; else `where` (FILE or FILE:LINE) begins the message, `mend` ends it.

    Raises:
        ResultsError: anything else than one object of strict JSON in UTF-8.
    """
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{where}: damaged, not a strict JSON object ({error}). {mend}") from error
    if not isinstance(value, dict):
        raise ResultsError(f"{where}: damaged, a JSON object expected, got {type(value).__name__}. {mend}")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
