"""A run folder as a sweep would have left it, whose words may be anyone's."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SPACE = """\
name: shared
data: {source: digits}
model: preresnet8
prune: {percent: 0.5}
finetune: {epochs: 4, warmup: 2, decay_every: 1}
search: {prune.percent: [0.3, 0.5]}
objective: {maximize: accuracy}
sweep: {trials: 2, seed: 0, sampler: grid}
"""
MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run of two trials; ``text`` stands wherever a run folder holds words of its own."""

    def make(text: str = "said", *, params: dict[str, Any] | None = None) -> Path:
        folder = tmp_path / "runs" / "shared"
        folder.mkdir(parents=True)
        (folder / "space.yaml").write_text(SPACE)
        manifest = {"format": 1, "name": text, "status": "done", "command": [text], "seed": 0, "git": text}
        manifest |= {
            "versions": {"python": text, text: "1"},
            "machine": {"host": text, "system": text, "cpus": 2},
        }
        manifest |= {"warnings": [text], "started": "2026-11-24T04:05:06Z", "ended": None, "sessions": []}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        lines = []
        for number, percent in enumerate((0.3, 0.5)):
            point = {"prune.percent": percent} | (params or {})
            lines.append({"event": "asked", "trial": number, "params": point, "time": text})
            lines.append(
                {
                    "event": "end",
                    "trial": number,
                    "state": ("complete", "failed")[number],
                    "params": point,
                    "metrics": {"accuracy": 0.9, "params": 10, "macs": 20, "percent_cut": percent}
                    | {"params_unpruned": 20, "macs_unpruned": 40, "validation_images": 287}
                    if number == 0
                    else {},
                    "violations": {},
                    "epochs_trained": 4,
                    "epochs_reused": 0,
                    "teacher_epochs_trained": 0,
                    "seconds": 1.0,
                    "reason": (None, text)[number],
                    "curve": [],
                    "started": text,
                    "time": text,
                }
            )
        (folder / "trials.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return folder

    return make
