"""What the stages that do not train have in common: one network, measured and stored under one address."""

import time
from collections.abc import Mapping
from typing import Any

from torch import nn

from trainables.addresses import Segment
from trainables.counting import Complexity
from trainables.place import Place
from trainables.snapshot import snapshot
from trainables.stages.training import Position, Record


def stored(
    network: nn.Module,
    segment: Segment,
    position: Position,
    place: Place,
    *,
    began: float,
    measured: Mapping[str, float],
    size: Complexity,
    unpruned: Complexity,
    **facts: Any,
) -> Position:
    """The position behind the stage, written down and stored.

    Args:
        network: the stage's result.
        segment: the stage.
        position: where it began.
        place: whose store.
        began: when, by ``time.monotonic``.
        measured: accuracy and loss on the validation images.
        size: of the network.
        unpruned: size of the network before any cut.
        facts: what else its record says.
    """
    record: Record = {
        "stage": segment.stage,
        "epoch": segment.part,
        **measured,
        "params": size.params,
        "macs": size.macs,
        "params_unpruned": unpruned.params,
        "macs_unpruned": unpruned.macs,
        **facts,
        "seconds": time.monotonic() - began,
        "address": segment.end,
    }
    history = (*position.history, record)
    place.store.put(segment.end, snapshot(network, None, history))
    return Position(network=network, history=history)
