"""All stages in order, from the longest stored prefix: a generator of records.

To stop early, stop iterating. The generator's return value is the end position with its network.
"""

from collections.abc import Generator, Sequence

from trainables.addresses import Segment, chain, teacher_address
from trainables.counting import complexity
from trainables.evaluate import evaluate
from trainables.place import Place
from trainables.recipe import Recipe
from trainables.stages.finetune import finetune
from trainables.stages.prune import prune
from trainables.stages.sparsity import sparsity, start
from trainables.stages.training import Position, Record, reused
from trainables.store import furthest
from trainables.summary import summary


def run(recipe: Recipe, place: Place, *, test: bool = False) -> Generator[Record, None, Position]:
    """Run a recipe to its end.

    Args:
        recipe: what is run.
        place: where.
        test: also measure the end on the test set, whatever the recipe says.

    Yields:
        Records with a ``kind``: ``reused`` (a stage's stored epochs, in ``epochs``), ``epoch`` (one trained
        now), ``prune``, ``waiting`` (another process trains the epoch) and last ``done`` with ``metrics``.

    Raises:
        TrainingFailedError: the training can't go on.
    """
    teacher = teacher_address(recipe, place.identity, place.arithmetic)
    segments = chain(recipe, data=place.identity, arithmetic=place.arithmetic, teacher=teacher)
    first, position = _longest_prefix(segments, place)
    if position is None:
        position = start(recipe, place)
    yield from reused(position.history)
    for number, segment in enumerate(segments[first:]):
        if number > 0:
            position = Position(network=position.network, history=position.history)
        match segment.stage:
            case "sparsity":
                position = yield from sparsity(recipe, segment, position, place)
            case "prune":
                if not _ends_with_prune(position.history):
                    position = prune(recipe, segment, position, place)
                    yield {"kind": "prune", **position.history[-1]}
            case "finetune":
                position = yield from finetune(recipe, segment, position, place)
    metrics = summary(position.history) | {"address": segments[-1].end}
    if "macs" not in metrics:
        whole = complexity(position.network, image=place.data.image)
        metrics |= {"params": whole.params, "macs": whole.macs}
    metrics["validation_images"] = len(place.data.validation)
    if test or recipe.evaluate == "all":
        metrics |= evaluate(position.network, place)
    yield {"kind": "done", "metrics": metrics}
    return position


def _longest_prefix(segments: Sequence[Segment], place: Place) -> tuple[int, Position | None]:
    """The furthest stored state of a chain: the number of its stage, and the position."""
    for number in range(len(segments) - 1, -1, -1):
        segment = segments[number]
        trains = bool(segment.rates)
        found = furthest(place.store, segment.addresses[1:] if trains else segment.addresses)
        if found is not None:
            return number, Position.read(found[1], found[0] + 1 if trains else 0, place)
    return 0, None


def _ends_with_prune(history: Sequence[Record]) -> bool:
    return bool(history) and history[-1]["stage"] == "prune"
