"""All stages in order, from the longest stored prefix: a generator of records.

To stop early, stop iterating. The generator's return value is the end position with its network.
"""

import copy
from collections.abc import Generator, Sequence
from typing import Any

from torch import nn

from trainables.addresses import Segment, chain, teacher_address
from trainables.counting import complexity
from trainables.damage import damage
from trainables.evaluate import evaluate
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages.prune import prune
from trainables.stages.start import begin, start
from trainables.stages.student import student
from trainables.stages.training import SINGLE, Position, Record, reused
from trainables.store import furthest
from trainables.summary import saved_macs, summary

Run = Generator[Record, None, Position]
Passed = dict[str, nn.Module]
"""Networks that were passed on the way, by the address of their stage's end."""


def run(recipe: Recipe, place: Place, *, test: bool = False) -> Run:
    """Run a recipe to its end.

    Args:
        recipe: what is run.
        place: where.
        test: also measure the end on the test set, whatever the recipe says.

    Yields:
        Records with a ``kind``: ``reused`` (a stage's stored epochs, in ``epochs``), ``epoch`` (one trained
        now), ``init`` and ``prune``, ``waiting`` (another process trains the epoch) and last ``done`` with
        ``metrics``.

    Raises:
        TrainingFailedError: the training can't go on.
    """
    test = test or recipe.evaluate.trials == "all"
    passed: Passed | None = {} if test and recipe.evaluate.test_sets.any else None
    segments = segments_of(recipe, place)
    number, position = _longest_prefix(segments, place)
    if position is None:
        position = begin(recipe, place)
    yield from reused(position.history)
    position = yield from _stages(recipe, segments[number:], position, place, passed)
    if recipe.finetune is not None and segments[-1].stage != "finetune":  # its epochs depend on the cut
        done = len(segments)
        segments = segments_of(recipe, place, saved=saved_macs(position.history))
        position = yield from _stages(recipe, segments[done:], position, place, passed)
    metrics: dict[str, Any] = summary(position.history) | {"address": segments[-1].end}
    if "macs" not in metrics:
        whole = complexity(position.network, image=place.data.image)
        metrics |= {"params": whole.params, "macs": whole.macs}
    if len(place.data.validation):
        metrics["validation_images"] = len(place.data.validation)
    if test:
        metrics |= evaluate(position.network, place)
    if passed is not None:
        networks = yield from _before_and_after(recipe, segments, place, passed)
        metrics["damage"] = damage(networks | {"final": position.network}, recipe.evaluate.test_sets, place)
    yield {"kind": "done", "metrics": metrics}
    return position


def segments_of(recipe: Recipe, place: Place, *, saved: float | None = None) -> tuple[Segment, ...]:
    """The stages of a recipe at a place; ``saved`` as in ``chain``."""
    teacher = teacher_address(recipe, place.search.identity, place.arithmetic)
    return chain(recipe, data=place.identity, arithmetic=place.arithmetic, teacher=teacher, saved=saved)


def _stages(
    recipe: Recipe, segments: Sequence[Segment], position: Position, place: Place, passed: Passed | None
) -> Run:
    """Run stages one after another; each begins with an empty optimizer."""
    for segment in segments:
        match segment.stage:
            case "init":
                position = start(recipe, segment, position, place)
                yield {"kind": "init", **position.history[-1]}
            case "prune":
                position = prune(recipe, segment, position, place)
                yield {"kind": "prune", **position.history[-1]}
            case _:
                position = yield from student(recipe, segment, position, place)
        position = Position(network=position.network, history=position.history)
        if passed is not None:
            passed[segment.end] = copy.deepcopy(position.network)
    return position


def _longest_prefix(segments: Sequence[Segment], place: Place) -> tuple[int, Position | None]:
    """The furthest stored state of a chain: the number of the stage to go on with, and the position."""
    for number in range(len(segments) - 1, -1, -1):
        segment = segments[number]
        if segment.stage in SINGLE:
            state = place.store.get(segment.end)
            if state is not None:
                return number + 1, Position.read(state, 0, place)
        else:
            found = furthest(place.store, segment.addresses[1:])
            if found is not None:
                return number, Position.read(found[1], found[0] + 1, place)
    return 0, None


def _before_and_after(
    recipe: Recipe, segments: Sequence[Segment], place: Place, passed: Passed
) -> Generator[Record, None, dict[str, nn.Module]]:
    """The networks before the first and after the last cut; trained again where the store lost them."""
    cuts = [number for number, segment in enumerate(segments) if segment.stage == "prune"]
    found: dict[str, nn.Module] = {}
    for name, number in (("unpruned", cuts[0] - 1), ("pruned", cuts[-1])) if cuts else ():
        if number < 0:
            found[name] = begin(recipe, place).network
            continue
        address = segments[number].end
        state = None if address in passed else place.store.get(address)
        if state is not None:
            passed[address] = Position.read(state, 0, place).network
        if address not in passed:
            again = _stages(recipe, segments[: number + 1], begin(recipe, place), place, passed)
            for record in again:
                yield {"kind": "waiting", "stage": record["stage"], "epoch": record.get("epoch", 0)}
        found[name] = passed[address]
    return found
