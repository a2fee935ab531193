"""`metrics["damage"]` of a trial: right answers by class on several test sets, and images that only pruning lost.

    {"classes": [names], "images": {set: [images of each class]},
     "right": {network: {set: [right answers of each class]}},
     "only_pruned_wrong": [{"row", "label", "answer", "png"}]}

Networks are `unpruned`, `pruned` (right after the last cut) and `final`; sets are `clean`, "NAME SEVERITY" of a
corruption ("gaussian_noise 3"), and names of the user's folders. `row` counts the images of the clean set from 0,
`label` and `answer` are classes, by number or name, `png` is base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CLEAN = "clean"
UNPRUNED, PRUNED, FINAL = "unpruned", "pruned", "final"
NETWORKS = (UNPRUNED, PRUNED, FINAL)
PNG = b"\x89PNG\r\n\x1a\n"

Counts = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """An image that the unpruned network knows and the final one does not; `png` are the bytes of a file."""

    row: int
    label: str
    answer: str
    png: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """What one trial recorded; counts stand in the order of `classes`."""

    classes: tuple[str, ...]
    images: Mapping[str, Counts]
    right: Mapping[str, Mapping[str, Counts]]
    lost: tuple[Lost, ...]

    @property
    def compared(self) -> tuple[str, ...]:
        """The sets on which both ends were measured, the clean one first."""
        ends = [self.right.get(network, {}) for network in (UNPRUNED, FINAL)]
        return tuple(
            sorted((name for name in self.images if all(name in end for end in ends)), key=CLEAN.__ne__)
        )

    def share(self, network: str, test_set: str) -> float | None:
        """The accuracy of a network on a set; None where it was not measured."""
        right = self.right.get(network, {}).get(test_set)
        return None if right is None else sum(right) / sum(self.images[test_set])


def parse(value: Any) -> Damage:
    """The checked record.

    Raises:
        ValueError: a number is out of range, a length does not fit, or a thumbnail is no PNG.
        KeyError, TypeError, AttributeError: it has another shape.
    """
    classes = tuple(str(name) for name in value["classes"])
    images = {
        str(name): _counts(f"images.{name}", counts, classes) for name, counts in value["images"].items()
    }
    for name, counts in images.items():
        if sum(counts) < 1:
            raise ValueError(f"damage.images.{name}: at least one image, got {sum(counts)}")
    right: dict[str, dict[str, Counts]] = {}
    for network, sets in value["right"].items():
        if network not in NETWORKS:
            raise ValueError(f"damage.right: one of {', '.join(NETWORKS)}, got {network!r}")
        for name, counts in sets.items():
            known = _counts(f"right.{network}.{name}", counts, classes)
            if any(some > of for some, of in zip(known, images[name], strict=True)):
                raise ValueError(f"damage.right.{network}.{name}: at most images.{name}, got {list(known)}")
            right.setdefault(network, {})[name] = known
    lost = tuple(_lost(entry, classes) for entry in value.get("only_pruned_wrong") or ())
    return Damage(classes=classes, images=images, right=right, lost=lost)


def _counts(name: str, counts: Any, classes: tuple[str, ...]) -> Counts:
    """Whole numbers from 0, one a class."""
    if len(counts) != len(classes):
        raise ValueError(f"damage.{name}: one count a class ({len(classes)}), got {len(counts)}")
    for count in counts:
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ValueError(f"damage.{name}: whole numbers from 0, got {count!r}")
    return tuple(counts)


def _lost(entry: Mapping[str, Any], classes: tuple[str, ...]) -> Lost:
    try:
        png = base64.b64decode(entry["png"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(
            f"damage.only_pruned_wrong: png of row {entry['row']} is no base64: {error}"
        ) from error
    if not png.startswith(PNG):
        raise ValueError(f"damage.only_pruned_wrong: row {entry['row']} is no PNG")
    label, answer = (_class(entry[key], classes) for key in ("label", "answer"))
    return Lost(row=int(entry["row"]), label=label, answer=answer, png=png)


def _class(value: object, classes: tuple[str, ...]) -> str:
    """A class by its number in `classes`, or as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(classes):
            raise ValueError(f"damage.only_pruned_wrong: a class from 0 to {len(classes) - 1}, got {value}")
        return classes[value]
    return str(value)
