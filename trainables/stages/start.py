"""Where a student begins: newly made, or a network from a file."""

import time
from dataclasses import replace
from typing import Any

from torch import nn

from trainables.addresses import Segment
from trainables.checkpoints import metadata_of
from trainables.conversion import transfer
from trainables.counting import complexity
from trainables.errors import InputError
from trainables.fit import measure
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.place import Place
from trainables.recipe import Loaded, Recipe
from trainables.stages.loading import network_from
from trainables.stages.single import stored
from trainables.stages.training import Position


def begin(recipe: Recipe, place: Place) -> Position:
    """The untrained student, which normalises its images with the data set's numbers."""
    network = build(place.architecture(recipe.model), seed=recipe.seed)
    return Position(network=place.put(network), history=())


def first(recipe: Recipe, place: Place) -> nn.Module:
    """The network that a student begins with: that of ``init``, or an untrained one."""
    return begin(recipe, place).network if recipe.init is None else loaded(recipe, place)[0]


def start(recipe: Recipe, segment: Segment, position: Position, place: Place) -> Position:
    """The network of ``init``, measured as it comes; stored under the stage's address."""
    began = time.monotonic()
    network, facts = loaded(recipe, place)
    image = place.data.image
    unpruned, now = complexity(whole(network), image=image), complexity(network, image=image)
    return stored(
        network,
        segment,
        position,
        place,
        began=began,
        measured=measure(network, place.data.validation, what="init"),
        size=now,
        unpruned=unpruned,
        percent_cut=1 - now.prunable / unpruned.prunable if unpruned.prunable else 0.0,
        **facts,
    )


def loaded(recipe: Recipe, place: Place) -> tuple[nn.Module, dict[str, Any]]:
    """The network of ``init``, and what there is to know of it.

    A post-activation network is moved into the pre-activation ``model`` of its depth and widths.

    Returns:
        The network, and ``normalize``: what it normalises its images with; of a moved one also
        ``moved_from``, ``moved_exact`` (whether the function is the same) and its validation accuracy
        before, ``moved_accuracy``.

    Raises:
        InputError: it is another network than ``model`` and can't be moved, does not fit the data, or must
            say what it has seen.
    """
    assert recipe.init is not None
    stage, section = recipe.init
    assert section.init is not None
    _knows_its_split(stage, section, place)
    network, choice = network_from(
        section.init,
        model=None,
        weights=section.weights,
        normalize=section.normalize,
        place=place,
        section=stage,
    )
    facts: dict[str, Any] = {"normalize": choice}
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    if architecture.model == recipe.model:
        return network, facts
    before = measure(network, place.data.validation, what="init")
    try:
        network, report = transfer(network, recipe.model)
    except InputError as error:
        raise InputError(
            f"{stage}.init: {section.init} is a {architecture.model}, and model is {recipe.model}: {error}"
        ) from error
    moved = {"moved_from": architecture.model, "moved_exact": report.exact}
    moved |= {"moved_accuracy": before["accuracy"]} if before else {}
    return place.put(network), facts | moved


def _knows_its_split(stage: str, section: Loaded, place: Place) -> None:
    """A network from outside has seen images that the search would validate on; that must be said.

    Raises:
        InputError: it is not.
    """
    if section.trained_on is not None:
        return
    assert section.init is not None
    data: Any = metadata_of(section.init).get("data")
    if data != place.search.identity.address:
        what = "another split or data set" if data else "unknown images"
        raise InputError(
            f"{stage}.trained_on: must be said, since {section.init} was trained on {what}. Write train for a "
            "network that has seen all the training images, as those of the official codes have, "
            "split for one that has seen this file's split."
        )


def whole(network: nn.Module) -> nn.Module:
    """The network before any cut: itself, or an untrained one of the same name."""
    architecture = getattr(network, "architecture", None)
    if isinstance(network, PrunableNetwork) and architecture is not None and architecture.cfg is not None:
        return build(replace(architecture, cfg=None), seed=0)
    return network
