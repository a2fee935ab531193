"""Runs with recorded damage."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from analysis.damage.subject import Subject, subject
from analysis.records import read_run
from analysis.select import best


def png(value: int = 100, size: tuple[int, int] = (8, 8), mode: str = "L") -> str:
    """A picture of one shade, in base64."""
    file = io.BytesIO()
    Image.new(mode, size, value).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def record(
    unpruned: Sequence[int],
    final: Sequence[int],
    images: int = 100,
    sets: Sequence[str] = ("clean",),
    **more: Any,
) -> dict[str, Any]:
    """Damage of classes a, b, c, ...: the same counts on every one of `sets`; right after the cut half is right."""
    right = {"unpruned": unpruned, "pruned": [count // 2 for count in unpruned], "final": final}
    return {
        "classes": [chr(ord("a") + place) for place in range(len(unpruned))],
        "images": {name: [images] * len(unpruned) for name in sets},
        "right": {network: {name: list(counts) for name in sets} for network, counts in right.items()},
    } | more


@pytest.fixture
def record_of() -> Callable[..., dict[str, Any]]:
    """The function `record`."""
    return record


@pytest.fixture
def png_of() -> Callable[..., str]:
    """The function `png`."""
    return png


@pytest.fixture
def damaged_run(
    make_run: Callable[..., Path],
    point_of: Callable[..., list[dict[str, Any]]],
    settings_of: Callable[..., dict[str, Any]],
) -> Callable[..., Path]:
    """A function (records, a seed each) -> a run of one recipe, 50 % pruned, with that damage."""

    def make(records: Sequence[dict[str, Any]], name: str = "tiny") -> Path:
        events = [
            event
            for seed, damage in enumerate(records)
            for event in point_of(seed, 0.9, settings_of(0.5, seed=seed), damage=damage)
        ]
        return make_run(events, name=name)

    return make


@pytest.fixture
def subject_of(damaged_run: Callable[..., Path]) -> Callable[..., Subject]:
    """A function (records, a seed each) -> the subject of such a run."""

    def make(records: Sequence[dict[str, Any]], name: str = "tiny") -> Subject:
        run = read_run(damaged_run(records, name))
        found = subject(run, best(run))
        assert found
        return found

    return make
