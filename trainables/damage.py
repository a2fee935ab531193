"""Which classes, corruptions and images pay for the pruning: every network on every test set, class by class."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from trainables.data import Dataset, Images
from trainables.data.corruptions import CORRUPTIONS, applicable
from trainables.data.folder_set import read_test_folder
from trainables.errors import InputError
from trainables.fit import predict
from trainables.place import Place
from trainables.recipe import TestSets
from trainables.thumbnail import thumbnail

CLEAN = "clean"
SEED = 0
"""Of the corruptions' noise: every trial and every study sees the same damaged images."""
SHOWN = 24
"""Images that only the pruned network gets wrong, kept to be looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TestSet:
    """A named test set."""

    name: str
    images: Images


def damage(networks: Mapping[str, nn.Module], test_sets: TestSets, place: Place) -> dict[str, Any]:
    """Right answers of each network on each test set.

    Args:
        networks: name -> network: ``unpruned`` and ``pruned`` where there was a cut, and ``final``.
        test_sets: which sets beside the clean one.
        place: whose test images, and where it runs.

    Returns:
        ``classes`` (names), ``images`` (set -> images of each class), ``right`` (network -> set -> right
        answers of each class), and ``only_pruned_wrong``: clean test images that the unpruned network gets
        right and the final one wrong, the surest errors first, each with row, label, answer and a PNG.
    """
    classes = place.data.classes
    right: dict[str, dict[str, list[int]]] = {name: {} for name in networks}
    images: dict[str, list[int]] = {}
    clean: dict[str, Tensor] = {}
    for one in _sets(test_sets, place):
        labels = one.images.labels
        images[one.name] = torch.bincount(labels, minlength=classes).tolist()
        for name, network in networks.items():
            logits = predict(network, one.images)
            if one.name == CLEAN:
                clean[name] = logits
            hits = labels[logits.argmax(1) == labels]
            right[name][one.name] = torch.bincount(hits, minlength=classes).tolist()
    found: dict[str, Any] = {"classes": list(place.data.class_names), "images": images, "right": right}
    if "unpruned" in clean:
        found["only_pruned_wrong"] = _only_pruned_wrong(clean, place.data.test)
    return found


def check_test_sets(test_sets: TestSets, data: Dataset) -> None:
    """Every set can be made, so that a mistake shows before a network is trained.

    Raises:
        InputError: a corruption does not suit the images, or a folder does not hold such images.
    """
    channels, height, width = data.image
    suiting = applicable(channels, min(height, width))
    for name in test_sets.corruptions if isinstance(test_sets.corruptions, list) else ():
        if name not in suiting:
            raise InputError(
                f"evaluate.test_sets.corruptions: must suit images of {channels} x {height} x {width}, "
                f"got {name}. Write all, or some of {', '.join(suiting)}."
            )
    for name, folder in test_sets.folders.items():
        if name in {CLEAN, *(f"{known} {severity}" for known in CORRUPTIONS for severity in range(1, 6))}:
            raise InputError(
                f"evaluate.test_sets.folders: {name} is the name of a set that there is. Give another name."
            )
        read_test_folder(Path(folder), data, key=f"evaluate.test_sets.folders.{name}")


def _sets(test_sets: TestSets, place: Place) -> Iterator[TestSet]:
    clean = place.data.test
    yield TestSet(name=CLEAN, images=clean)
    channels, height, width = place.data.image
    chosen = test_sets.corruptions
    names = applicable(channels, min(height, width)) if chosen == "all" else chosen
    for name in () if names == "none" else names:
        for severity in test_sets.severities:
            pixels = CORRUPTIONS[name](clean.pixels.numpy(), severity, SEED)
            damaged = Images(pixels=torch.from_numpy(pixels), labels=clean.labels)
            yield TestSet(name=f"{name} {severity}", images=damaged)
    for name, folder in test_sets.folders.items():
        yield TestSet(
            name=name,
            images=read_test_folder(Path(folder), place.data, key=f"evaluate.test_sets.folders.{name}"),
        )


def _only_pruned_wrong(logits: Mapping[str, Tensor], images: Images) -> list[dict[str, Any]]:
    labels = images.labels
    lost = (logits["unpruned"].argmax(1) == labels) & (logits["final"].argmax(1) != labels)
    surest = logits["final"].softmax(1).max(1).values
    rows = sorted(lost.nonzero().flatten().tolist(), key=lambda row: (-surest[row].item(), row))[:SHOWN]
    return [
        {
            "row": row,
            "label": int(labels[row]),
            "answer": int(logits["final"][row].argmax()),
            "png": thumbnail(images.pixels[row]),
        }
        for row in rows
    ]
