"""Runs in which rungs stop trials and some go on all the same."""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from analysis.records import Run, read_run

SPACE = """\
name: tiny
search: {finetune.lr: [0.1, 0.2], seed: [0, 1]}
objective: OBJECTIVE
sweep: {trials: 24, asha: {rungs: [0.25, 0.5], reduction: 3, min_peers: 4, audit: 0.1}}
"""


@pytest.fixture
def sweep(make_run: Callable[..., Path], ending: Callable[..., list[dict[str, Any]]]) -> Callable[..., Run]:
    """(trials, objective) -> a run of 8 epochs. A trial: values at its rungs, its end, what became of it, more.

    What became of it: complete, stopped or audited; more: other metrics, and `lr` and `group`.
    """

    counter = count()

    def make(trials: Sequence[tuple[Any, ...]], objective: str = "{maximize: accuracy}") -> Run:
        events: list[dict[str, Any]] = []
        for number, (values, end, state, more) in enumerate(trials):
            more = dict(more)
            params = {"finetune.lr": more.pop("lr", 0.1), "seed": number % 2}
            group = more.pop("group", "")
            curve = [{"stage": "finetune", "epoch": epoch} for epoch in range(1, 9)]
            measured = {"accuracy": end, "validation_images": 287, "address": f"a{number}", **more}
            about: dict[str, Any] = {"curve": curve}
            if state == "audited":
                about["audited"] = "share=0.25"
            asked, last = ending(
                number, "stopped" if state == "stopped" else "complete", params, measured, **about
            )
            events.append(asked)
            for place, value in enumerate(values):
                ends = place == len(values) - 1 and state != "complete"
                decision = ("audit" if state == "audited" else "stop") if ends else "continue"
                rung = {"rung": f"share={(0.25, 0.5)[place]:g}{group}", "epoch": (2, 4)[place]}
                about = {"address": f"{number}-{place}", "value": value, "peers": number + 1}
                events.append({"event": "rung", "trial": number, **rung, **about, "decision": decision})
            events.append(last)
        text = SPACE.replace("OBJECTIVE", objective)
        return read_run(make_run(events, name=f"run{next(counter)}", space=text))

    return make
