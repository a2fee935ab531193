"""The trials that a sweep would ask for, as far as they are known before it starts."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from sweeper.knobs import Params
from sweeper.metrics import violation
from sweeper.space import Space
from trainables.addresses import Segment, chain, teacher_address, teacher_segment
from trainables.counting import complexity
from trainables.place import Place
from trainables.pruning import prune
from trainables.recipe import Recipe
from trainables.stages.sparsity import start


@dataclass(frozen=True, kw_only=True, slots=True)
class Foreseen:
    """One trial that is not stopped early."""

    params: Params
    recipe: Recipe
    segments: tuple[Segment, ...]
    """The stages that it runs: no finetuning where the cut leaves it outside a constraint."""
    teacher: Segment | None
    """The training of its teacher; None where nothing is distilled, or the teacher is loaded."""
    fits: bool
    """Whether it is inside the constraints on what is known before training."""
    size: dict[str, float]
    """``macs``, ``params``, both also ``_unpruned``, and ``percent_cut``: near, not exact."""

    @property
    def percent(self) -> float:
        """The share that is cut."""
        return self.recipe.prune.percent if self.recipe.prune else 0.0

    def kind(self, stage: str) -> str:
        """What an epoch of a stage is: its time depends on it."""
        kd = "none" if stage == "teacher" else self.recipe.kd_of(stage)
        return stage if kd == "none" else f"{stage} with {kd}"


def foresee(space: Space, place: Place) -> list[Foreseen]:
    """All trials; TPE's points are stood in for by random ones."""
    sizes = _Sizes(place=place)
    return [_trial(space, params, place, sizes) for params in _points(space)]


def _points(space: Space) -> Iterator[Params]:
    sweep = space.settings.sweep
    assert sweep is not None
    if sweep.sampler == "grid":
        for number, params in enumerate(space.points()):
            if sweep.trials is None or number < sweep.trials:
                yield params
        return
    rng = random.Random(sweep.seed)
    for _ in range(sweep.trials or 0):
        yield space.draw(rng)


def _trial(space: Space, params: Params, place: Place, sizes: "_Sizes") -> Foreseen:
    recipe = space.recipe(params)
    address = teacher_address(recipe, place.identity, place.arithmetic)
    segments = chain(recipe, data=place.identity, arithmetic=place.arithmetic, teacher=address)
    size = sizes.of(recipe)
    fits = all(
        violation(bound, metric, size[metric], size.get(f"{metric}_unpruned")) <= 0
        for metric, bound in space.settings.constraints.items()
        if metric in size
    )
    if not fits and recipe.prune is not None:
        segments = tuple(segment for segment in segments if segment.stage != "finetune")
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sizes:
    """What is left of the student after a cut, told from an untrained network."""

    place: Place
    known: dict[tuple[str, float], dict[str, float]] = field(default_factory=dict)

    def of(self, recipe: Recipe) -> dict[str, float]:
        percent = recipe.prune.percent if recipe.prune else 0.0
        key = (recipe.model, percent)
        if key not in self.known:
            whole = start(recipe, self.place).network
            image = self.place.data.image
            before, after = complexity(whole, image=image), complexity(cut(whole, percent), image=image)
            self.known[key] = {
                "macs": after.macs,
                "params": after.params,
                "macs_unpruned": before.macs,
                "params_unpruned": before.params,
                "percent_cut": percent,
            }
        return self.known[key]


def cut(network: nn.Module, percent: float) -> nn.Module:
    """An untrained network with a share of its channels cut at random: all scales are equal before training.

    The network's scales are drawn anew, in place.
    """
    rng = torch.Generator().manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            with torch.no_grad():
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=rng) + 0.1)
    return prune(network, percent)
