"""The trials that a sweep would ask for, as far as they are known before it starts."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice

import torch
from torch import nn

from sweeper.confirm import cuts, plan_runs
from sweeper.knobs import Params
from sweeper.metrics import violation
from sweeper.space import Space
from trainables.addresses import Segment, chain, teacher_address, teacher_segment
from trainables.counting import complexity
from trainables.place import Place
from trainables.recipe import Prune, Recipe
from trainables.stages.prune import pruned
from trainables.stages.start import first, whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreseen:
    """One trial that is not stopped early."""

    params: Params
    recipe: Recipe
    segments: tuple[Segment, ...]
    """The stages that it runs: none behind the cut, or the file, that leaves it outside a constraint."""
    teacher: Segment | None
    """The training of its teacher; None where nothing is distilled, or the teacher is loaded."""
    fits: bool
    """Whether it is inside the constraints on what is known before training."""
    size: dict[str, float]
    """``macs``, ``params``, both also ``_unpruned``, and ``percent_cut``: near, not exact."""

    def kind(self, stage: str) -> str:
        """What an epoch of a stage is: its time depends on it."""
        kd = self.recipe.kd_of(stage)
        return stage if kd == "none" else f"{stage} with {kd}"


MOST = 2000
"""Trials that are looked at."""


def foresee(space: Space, place: Place) -> list[Foreseen]:
    """All trials, or the first ``MOST``, whatever they cost; TPE's points are stood in for by random ones."""
    sizes = _Sizes(place=place)
    return [_trial(space, params, place, sizes) for params in islice(_points(space), MOST)]


def confirmation(space: Space, trials: Sequence[Foreseen], place: Place) -> list[Foreseen]:
    """The runs that confirm a search, if its finalists were the trials that take longest; their teacher is there."""
    confirm = space.settings.confirm
    if confirm is None:
        return []

    def length(trial: Foreseen) -> tuple[bool, bool, int]:
        last = trial.recipe.last_stage
        epochs = sum(len(segment.rates) for segment in trial.segments)
        return trial.recipe.kd_of(last) != "none", cuts(trial.recipe), epochs

    ranked = sorted((trial for trial in trials if trial.fits), key=length, reverse=True)
    distinct: dict[str, Params] = {}
    for trial in ranked:
        key = json.dumps(
            {name: value for name, value in trial.params.items() if name != "seed"}, sort_keys=True
        )
        distinct.setdefault(key, trial.params)
    free = replace(space, settings=space.settings.model_copy(update={"constraints": {}}))
    runs = plan_runs(space, enumerate([*distinct.values()][: confirm.top]))
    sizes = _Sizes(place=place)
    return [replace(_trial(free, one.params, place, sizes), teacher=None) for one in runs]


def _points(space: Space) -> Iterator[Params]:
    sweep = space.settings.sweep
    assert sweep is not None
    if sweep.sampler == "grid":
        for number, params in enumerate(space.points()):
            if sweep.trials is None or number < sweep.trials:
                yield params
        return
    rng = random.Random(sweep.seed)
    for _ in count() if sweep.trials is None else range(sweep.trials):
        yield space.draw(rng)


def _trial(space: Space, params: Params, place: Place, sizes: "_Sizes") -> Foreseen:
    recipe = space.recipe(params)
    address = teacher_address(recipe, place.identity, place.arithmetic)
    size = sizes.of(recipe)
    segments = chain(
        recipe,
        data=place.identity,
        arithmetic=place.arithmetic,
        teacher=address,
        saved=size["macs_unpruned"] / size["macs"],
    )
    fits = all(
        violation(bound, metric, size[metric], size.get(f"{metric}_unpruned")) <= 0
        for metric, bound in space.settings.constraints.items()
        if metric in size
    )
    if not fits:
        segments = tuple(segment for segment in segments if segment.stage not in _behind_the_size(recipe))
    trained = recipe.teacher is not None and recipe.teacher.checkpoint is None
    distils = any(recipe.kd_of(segment.stage) != "none" for segment in segments if segment.rates)
    return Foreseen(
        params=params,
        recipe=recipe,
        segments=segments,
        teacher=teacher_segment(recipe, place.identity, place.arithmetic) if trained and distils else None,
        fits=fits,
        size=size,
    )


def _behind_the_size(recipe: Recipe) -> tuple[str, ...]:
    """The stages that run once the size is known, which a cut or the file that a network comes from tells."""
    if recipe.prune is not None:
        return ("finetune",)
    return () if recipe.init is None else ("sparsity", "finetune")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sizes:
    """What is left of the student after a cut, told from an untrained network."""

    place: Place
    known: dict[str, dict[str, float]] = field(default_factory=dict)

    def of(self, recipe: Recipe) -> dict[str, float]:
        key = f"{recipe.model} {_at_random(recipe.prune)} {recipe.init}"
        if key not in self.known:
            self.known[key] = self._measured(recipe)
        return self.known[key]

    def _measured(self, recipe: Recipe) -> dict[str, float]:
        image = self.place.data.image
        network = first(recipe, self.place)
        after = network if recipe.prune is None else cut(network, recipe, self.place)
        now, before = complexity(after, image=image), complexity(whole(network), image=image)
        return {
            "macs": now.macs,
            "params": now.params,
            "macs_unpruned": before.macs,
            "params_unpruned": before.params,
            "percent_cut": 1 - now.prunable / before.prunable if before.prunable else 0.0,
        }


def _at_random(prune: Prune | None) -> Prune | None:
    """The settings of a cut without those that say which channels go, rather than how many."""
    which = {"gradual": None, "method": "slimming", "like": None, "draw": 0, "batches": 1, "recalibrate": 0}
    return None if prune is None else prune.model_copy(update=which)


def cut(network: nn.Module, recipe: Recipe, place: Place) -> nn.Module:
    """A network cut as the recipe says, but at random: all scales are equal before training.

    The network's scales are drawn anew, in place. Several cuts are made at once, and ``probe`` makes none.
    """
    assert recipe.prune is not None
    if recipe.prune.probe is not None:
        return network
    recipe = recipe.model_copy(update={"prune": _at_random(recipe.prune)})
    rng = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            with torch.no_grad():
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=rng) + 0.1)
    return pruned(network, recipe, place)
