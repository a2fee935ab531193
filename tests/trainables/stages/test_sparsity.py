from typing import Any

import torch

from trainables.pipeline import run
from trainables.place import Place
from trainables.recipe import Data, Recipe
from trainables.stages.start import begin

DATA = {"source": "digits", "val_fraction": 0.9}


def recipe(seed: int = 0, **settings: Any) -> Recipe:
    return Recipe.model_validate(
        {"data": DATA, "model": "preresnet8", "seed": seed, "sparsity": {"epochs": 2} | settings}
    )


def scales(s: float) -> torch.Tensor:
    generator = run(recipe(s=s), Place.prepare(Data.model_validate(DATA), store=None))
    while True:
        try:
            next(generator)
        except StopIteration as end:
            network = end.value.network
            break
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    return torch.cat([norm.weight.detach().abs() for norm in norms])


def test_a_stronger_penalty_gives_smaller_scales() -> None:
    none, weak, strong = (scales(s).sum().item() for s in (0, 1e-2, 1e-1))
    assert strong < weak < none


def test_the_student_starts_from_its_seed() -> None:
    place = Place.prepare(Data.model_validate(DATA), store=None)
    one, same, other = (next(begin(recipe(seed=s), place).network.parameters()) for s in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    position = begin(recipe(), place)
    assert (position.history, position.epoch) == ((), 0)
