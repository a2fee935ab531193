"""Some of many, evenly spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def spread_evenly(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, at least 1, in their order: the first and the last among them, but 1 is the first."""
    if len(items) <= count or count == 1:
        return list(items[:count])
    return [items[round(i * (len(items) - 1) / (count - 1))] for i in range(count)]
