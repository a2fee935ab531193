"""Why a worker died, in a few words, as far as Ray's account of it tells."""

import re
from typing import Final

DIED = "its worker process died"
_MEMORY: Final = re.compile(r"was ([\d.]+)GB used / ([\d.]+)GB limit")
_NONE_LEFT: Final = re.compile(r"^MemoryError: (.+)$", re.MULTILINE)
"""As ``trainables.tune`` raises it."""
_CAUSES: Final = (
    ("running low on memory", "out of memory: Ray killed its worker process"),
    ("node has died", "its node died"),
    ("node was terminated", "its node died"),
)


def reason_of(account: str) -> str:
    """The reason in the text of Ray's error; of a process that is gone without a word Ray knows no signal."""
    for words, reason in _CAUSES:
        if words in account:
            memory = _MEMORY.search(account) if reason.startswith("out of memory") else None
            return f"{reason} when {memory[1]} of {memory[2]} GB were in use" if memory else reason
    if found := _NONE_LEFT.search(account):
        return f"out of memory: {found[1]}"
    if "creation task" in account:
        *_, last = filter(None, map(str.strip, account.splitlines()))
        return f"its worker process could not begin: {last}"
    return DIED
