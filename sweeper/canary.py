"""Before a sweep spends its budget: do its settings reach the training at all?

Two small steps are trained for some points of the space. Recipes that differ by then must give different
weights, equal ones equal weights. It finds a setting that is read, hashed and then ignored, which would make
a whole sweep worthless in silence (ultralytics#23814 is such a case).
"""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from sweeper.bench import Bench, quiet
from sweeper.knobs import Params
from sweeper.space import Space
from trainables.addresses import chain
from trainables.errors import TrainingFailedError
from trainables.fit import sgd, train_epoch
from trainables.place import Place
from trainables.pruning.surgery import restart
from trainables.recipe import Distilled, Recipe
from trainables.schedule import rate
from trainables.stages.prune import pruned, recalibrate
from trainables.stages.start import first

POINTS = 24
"""Random points among which different ones are sought."""
DIFFERENT = 4
"""Different recipes that are compared in each stage."""
STEPS = 2
"""Steps of each; the first one does not depend on momentum yet."""
MAY_COINCIDE = ("sparsity.drop_last", "finetune.drop_last")
"""The last batch of an epoch is not among the first ones. Besides these, two cuts can take the same channels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A point and the weights that it led to."""

    params: Params
    weights: str


def canary(space: Space, bench: Bench) -> int:
    """Prove it for each stage that trains; return how many trainings were compared.

    Raises:
        TrainingFailedError: recipes differ and train alike, or are equal and train differently.
    """
    points = samples(space)
    stages = [stage for stage in ("sparsity", "finetune") if getattr(space.settings, stage) is not None]
    with quiet():
        return sum(_prove(space, bench, stage, points) for stage in stages)


def samples(space: Space) -> list[Params]:
    """Some points of a space, the same each time."""
    rng = random.Random(0)
    return [space.draw(rng) for _ in range(POINTS)]


def _prove(space: Space, bench: Bench, stage: str, points: Sequence[Params]) -> int:
    known: dict[str, Trial] = {}
    for params in points:
        recipe = _small(space.recipe(params))
        address = _address(recipe, stage, bench.place)
        if address in known or len(known) == DIFFERENT:
            continue
        try:
            trial = Trial(params=params, weights=_train(recipe, stage, bench))
        except TrainingFailedError:  # diverges at once: as a trial it will fail by itself, with its reason
            continue
        for other in known.values():
            differing = {key for key in params | other.params if params.get(key) != other.params.get(key)}
            if other.weights == trial.weights and not any(map(_may_coincide, differing)):
                raise TrainingFailedError(
                    f"canary: {stage} trains alike for different {', '.join(sorted(differing))}: "
                    "these settings do nothing here. Take them out of search."
                )
        known[address] = trial
    if not known:
        return 0
    first = next(iter(known.values()))
    if _train(_small(space.recipe(first.params)), stage, bench) != first.weights:
        raise TrainingFailedError(
            f"canary: {stage} trains differently when the same recipe is trained again. "
            "Something in it draws from chance that the seed does not govern."
        )
    return len(known) + 1


def _may_coincide(key: str) -> bool:
    return key in MAY_COINCIDE or key.startswith("prune.")


def _small(recipe: Recipe) -> Recipe:
    """The recipe with batches of an eighth: as telling, and quick. Sizes that then agree are one recipe."""
    small = recipe.data.model_copy(update={"batch_size": max(2, recipe.data.batch_size // 8)})
    changed: dict[str, object] = {"data": small}
    for stage in ("sparsity", "finetune"):
        settings: Distilled | None = getattr(recipe, stage)
        if settings is not None and settings.batch_size is not None:
            size = max(2, settings.batch_size // 8)
            changed[stage] = settings.model_copy(update={"batch_size": size})
    return recipe.model_copy(update=changed)


def _address(recipe: Recipe, stage: str, place: Place) -> str:
    """The address of what ``_train`` makes: the first epoch of the stage after one of sparsity training."""
    if recipe.sparsity is not None:
        short = recipe.sparsity.model_copy(update={"epochs": 1})
        recipe = recipe.model_copy(update={"sparsity": short})
    segments = chain(recipe, data=place.identity, arithmetic=place.arithmetic, teacher="teacher", saved=1.0)
    return next(segment.addresses[1] for segment in segments if segment.stage == stage)


def _train(recipe: Recipe, stage: str, bench: Bench) -> str:
    """The hash of a student's weights after two steps of a stage from an untrained start."""
    images = bench.place.images
    network = first(recipe, bench.place)
    if recipe.sparsity is not None:
        _steps(network, recipe, "sparsity", recipe.sparsity, bench)
    if stage == "finetune":
        assert recipe.finetune is not None
        if recipe.prune is not None:
            network = pruned(network, recipe, bench.place)
            if recipe.prune.recalibrate:
                recalibrate(network, images, batches=1, batch_size=recipe.prune.recalibrate, seed=recipe.seed)
        if recipe.finetune.start != "pruned":
            network = restart(network, seed=recipe.seed)
        _steps(network, recipe, "finetune", recipe.finetune, bench)
    return _hash(network)


def _steps(network: nn.Module, recipe: Recipe, stage: str, settings: Distilled, bench: Bench) -> None:
    task = bench.task(recipe, stage)
    few = bench.place.images.first(STEPS * task.batch_size)
    train_epoch(network, sgd(network, settings), few, task, epoch=1, lr=rate(settings, 1))


def _hash(network: nn.Module) -> str:
    total = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        total.update(name.encode())
        total.update(str(tuple(tensor.shape)).encode())
        total.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
