"""How often a process looks at the store while it trains: on shared storage each look is a question to a server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from trainables.pipeline import run, segments_of
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.store import State, Store

EPOCHS = 40
SETTINGS = {
    "model": "preresnet8",
    "data": {"source": "digits", "val_fraction": 0.9, "batch_size": 64},
    "sparsity": {"epochs": EPOCHS, "warmup": EPOCHS - 1, "decay_every": 1},
    "prune": {"percent": 0.5},
}


class Watched(Store):
    """A store that counts what is asked of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, max_bytes=10**9)
        self.asked: list[str] = []

    def get(self, address: str) -> State | None:
        self.asked.append(address)
        return super().get(address)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def placed(folder: Path) -> tuple[Recipe, Place, Watched]:
    from dataclasses import replace

    recipe, store = Recipe.model_validate(SETTINGS), Watched(folder)
    return recipe, replace(Place.prepare(recipe.data, store=folder), store=store), store


def test_the_looks_grow_with_the_epochs_and_not_with_their_square(tmp_path: Path) -> None:
    recipe, place, store = placed(tmp_path)
    list(run(recipe, place))
    assert len(store.asked) <= 5 * EPOCHS


def test_who_was_overtaken_finds_out_and_trains_nothing_twice(tmp_path: Path) -> None:
    recipe, place, _ = placed(tmp_path)
    slow = run(recipe, place)
    for _ in range(3):
        next(slow)
    quick = [record for record in run(recipe, placed(tmp_path)[1]) if record["kind"] == "epoch"]
    assert [record["epoch"] for record in quick] == list(range(4, EPOCHS + 1))
    left = list(slow)
    assert [record["kind"] for record in left] == ["reused", "prune", "done"]
    (segment, *_) = segments_of(recipe, place)
    assert place.store.get(segment.end) is not None
