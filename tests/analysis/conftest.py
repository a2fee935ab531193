"""Synthetic run folders, written through the contract as the sweeper writes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from analysis.events import EventLog
from analysis.records import write_json

SPACE = """\
name: tiny
seed: 0
data: {source: digits, val_fraction: 0.2, split_seed: 0, batch_size: 64}
model: preresnet8x4
teacher: {model: resnet32x4, epochs: 10, seed: 0}
sparsity: {s: 1e-2, 'on': all, epochs: 12, warmup: 6, lr: 0.05, kd: none}
prune: {percent: 0.5, method: slimming}
finetune: {epochs: 12, warmup: 4, lr: 0.02, kd: dist, kd_weight: 1.0}
search:
  prune.percent: [0.3, 0.5, 0.7, 0.8, 0.9]
  sparsity.s: {log_uniform: [1e-3, 3e-2], points: 4}
  finetune.kd: [none, dist]
objective: {maximize: accuracy}
constraints: {macs: "<= 0.8"}
sweep: {trials: 24, seed: 0, sampler: tpe}
resources: {cpus_per_trial: 1}
store: {max_gb: 20}
"""
MACS, PARAMS = 11_066_880, 1_209_514


def metrics(accuracy: float, percent: float, *, number: int = 0, **more: Any) -> dict[str, Any]:
    """What a complete trial records: 287 validation images, MACs falling with `percent`."""
    return {
        "accuracy": accuracy,
        "accuracy_best_epoch": min(1.0, accuracy + 0.002),
        "accuracy_unpruned": 0.979,
        "accuracy_pruned": 0.2,
        "loss": 0.1,
        "params": round(PARAMS * (1 - percent) ** 1.6),
        "macs": round(MACS * (1 - percent) ** 1.3),
        "params_unpruned": PARAMS,
        "macs_unpruned": MACS,
        "percent_cut": percent,
        "validation_images": 287,
        "address": f"{number:064x}",
    } | more


def end(
    number: int, state: str, params: dict[str, Any], measured: dict[str, Any], **more: Any
) -> list[dict[str, Any]]:
    """The events of a trial from `asked` to its end."""
    asked = {"event": "asked", "trial": number, "params": params, "time": "2026-11-24T04:05:06Z"}
    last = {
        "event": "end",
        "trial": number,
        "state": state,
        "params": params,
        "metrics": measured,
        "epochs_trained": 7,
        "epochs_reused": 13,
        "teacher_epochs_trained": 0,
        "seconds": 3.2,
        "reason": None,
        "curve": [],
        "started": "2026-11-24T04:05:07Z",
        "time": "2026-11-24T04:06:07Z",
    }
    return [asked, last | more]


def default_events() -> list[dict[str, Any]]:
    """Ten complete trials (percent × kd), two stopped, one failed, one infeasible, one that runs."""
    found = {
        0.3: (0.979, 0.972),
        0.5: (0.976, 0.979),
        0.7: (0.965, 0.955),
        0.8: (0.906, 0.885),
        0.9: (0.791, 0.805),
    }
    events: list[dict[str, Any]] = []
    number = 0
    for percent, pair in found.items():
        for kd, accuracy in zip(("none", "dist"), pair, strict=True):
            params = {"prune.percent": percent, "sparsity.s": 0.01, "finetune.kd": kd}
            events += end(number, "complete", params, metrics(accuracy, percent, number=number))
            number += 1
    for percent, accuracy in ((0.7, 0.92), (0.9, 0.55)):
        params = {"prune.percent": percent, "sparsity.s": 0.001, "finetune.kd": "none"}
        asked, last = end(number, "stopped", params, metrics(accuracy, percent, number=number))
        rung = {
            "event": "rung",
            "trial": number,
            "rung": "drops=1",
            "epoch": 8,
            "address": "ab12",
            "value": accuracy,
        }
        events += [asked, rung | {"peers": 6, "decision": "stop"}, last | {"epochs_trained": 4}]
        number += 1
    params = {"prune.percent": 0.5, "sparsity.s": 0.03, "finetune.kd": "dist"}
    events += end(number, "failed", params, {}, reason="finetune, epoch 3: loss is nan", epochs_trained=3)
    params = {"prune.percent": 0.3, "sparsity.s": 0.03, "finetune.kd": "dist"}
    events += end(number + 1, "infeasible", params, {"macs": 9_900_000}, reason="macs 0.89, must be <= 0.8")
    events += end(number + 2, "complete", params | {"prune.percent": 0.7}, {})[:1]
    return events


GRID = SPACE.replace("sampler: tpe", "sampler: grid")
"""The space of a designed run."""


def recipe(
    percent: float | None = 0.5,
    sparsity_kd: str | None = "none",
    finetune_kd: str | None = "none",
    seed: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """The settings of a trial as the sweeper records them; `more` are dotted as "finetune__start"."""
    taught = {"kd_tau": 4.0, "kd_weight": 2.0, "ce_weight": 1.0}
    settings: dict[str, Any] = {"seed": seed, "data": {"source": "digits"}, "model": "preresnet8x4"}
    if {sparsity_kd, finetune_kd} - {"none", None}:
        settings["teacher"] = {"model": "resnet32x4", "epochs": 10, "seed": 0}
    if sparsity_kd is not None:
        settings["sparsity"] = {"s": 0.01, "epochs": 12, "kd": sparsity_kd}
        settings["sparsity"] |= taught if sparsity_kd != "none" else {}
    if percent is not None:
        settings["prune"] = {"percent": percent, "method": "slimming", "scope": "global"}
    if finetune_kd is not None:
        settings["finetune"] = {"epochs": 4, "lr": 0.02, "kd": finetune_kd, "start": "pruned"}
        settings["finetune"] |= taught if finetune_kd != "none" else {}
    for key, value in more.items():
        section, _, name = key.partition("__")
        settings[section][name] = value
    return settings


def curve(settings: dict[str, Any], accuracy: float) -> list[dict[str, Any]]:
    """Twelve epochs of sparsity training, the cut, and finetuning that rises to `accuracy` over two plateaus."""
    records: list[dict[str, Any]] = []
    if "sparsity" in settings:
        records += [
            {"stage": "sparsity", "epoch": e, "lr": 0.05, "accuracy": 0.9, "reused": False}
            for e in range(1, 13)
        ]
    percent = settings.get("prune", {}).get("percent", 0)
    if percent:
        widths = [32, 64, 128, 256]
        cut = {"stage": "prune", "epoch": 0, "accuracy": 0.2, "channels_unpruned": widths}
        records.append(cut | {"channels": [max(1, round(w * (1 - percent))) for w in widths]})
    for epoch in range(1, 1 + settings.get("finetune", {}).get("epochs", 0)):
        reached = accuracy - 0.04 * (4 - epoch)
        rate = 0.02 if epoch <= 2 else 0.002
        records.append(
            {"stage": "finetune", "epoch": epoch, "lr": rate, "accuracy": reached, "reused": False}
        )
    return records


def point(number: int, accuracy: float, settings: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    """The events of one complete trial of `settings`, its curve among them."""
    percent = settings.get("prune", {}).get("percent", 0.0)
    params = {"prune.percent": percent, "seed": settings["seed"]}
    measured = metrics(accuracy, percent, number=number, **more)
    return end(number, "complete", params, measured, settings=settings, curve=curve(settings, accuracy))


def grid_events(
    percents: tuple[float, ...] = (0.0, 0.3, 0.5), seeds: int = 3, kds: tuple[str, ...] = ("none", "dist")
) -> list[dict[str, Any]]:
    """percent × the combinations × seeds. Accuracy is 0.98, less 0.1 · percent, and with the seed 0.001 up or down.

    Each distillation adds 0.005 where something is cut; a vanilla network with s 0 and 0.97 comes first.
    """
    events: list[dict[str, Any]] = []
    for seed in range(seeds):
        plain = recipe(0.0, "none", "none", seed, sparsity__s=0.0)
        events += point(len(events) // 2, 0.97 + 0.001 * seed, plain)
    for percent in percents:
        for first in kds:
            for then in kds:
                for seed in range(seeds):
                    taught = ((first != "none") + (then != "none")) * 0.005 * (percent > 0)
                    wobble = 0.001 * ((seed + round(10 * percent)) % 3 - 1)
                    reached = round(0.98 - 0.1 * percent + taught + wobble, 6)
                    events += point(len(events) // 2, reached, recipe(percent, first, then, seed))
    return events


CONFIRMED = SPACE + "confirm: {top: 3, seeds: 3, data: train}\n"
"""The space of a run that confirms: of `default_events` trials 4 (the winner), 3 and 0 are finalists."""


def confirm_run(
    number: int,
    role: str,
    of: int,
    seed: int,
    test: float | None,
    validation: float | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """The events of one confirm run; without a test accuracy it fails, and `more` enters its end."""
    data = more.pop("data", "train")
    about = {"role": role, "of": of, "seed": seed, "data": data}
    percent = {"baseline": 0.0}.get(role, {0: 0.3, 3: 0.5, 4: 0.7}.get(of, 0.5))
    params = {"prune.percent": percent, "sparsity.s": 0.01, "finetune.kd": "none", "seed": seed}
    measured = metrics(0.0 if validation is None else validation, percent, number=1000 + number)
    measured |= {"test_accuracy": test, "test_loss": 0.1, "test_images": 360}
    if data != "train":
        measured = {key: value for key, value in measured.items() if key not in ("accuracy", "loss")}
    state, measured = ("failed", {}) if test is None else ("complete", measured)
    return [event | about for event in end(number, state, params, measured, **more)]


def confirm_events() -> list[dict[str, Any]]:
    """Three finalists, the winner's baseline, and runs of a former finalist (trial 8), seeds 1 to 3.

    Test accuracies: trial 4 about 0.95, trial 0 one point more, trial 3 as trial 4, the uncut one two points more;
    validation accuracies are 0.01 below those.
    """
    events: list[dict[str, Any]] = []
    extra = {("finalist", 4): 0.0, ("finalist", 0): 0.01, ("finalist", 3): 0.0, ("baseline", 4): 0.02}
    wobbles = {
        1: (0.002, 0.001, 0.004, 0.001),
        2: (-0.002, -0.001, -0.005, -0.001),
        3: (0.0, 0.001, 0.0, 0.0),
    }
    for seed, wobble in wobbles.items():
        for ((role, of), more), change in zip(extra.items(), wobble, strict=True):
            test = round(0.95 + more + change, 6)
            events += confirm_run(len(events) // 2, role, of, seed, test, round(test - 0.01, 6))
    for seed in (1, 2):
        events += confirm_run(len(events) // 2, "finalist", 8, seed, 0.8, 0.8)
    return events


def write_run(
    runs: Path,
    events: list[dict[str, Any]] | None = None,
    *,
    confirm: list[dict[str, Any]] | None = None,
    name: str = "tiny",
    space: str = SPACE,
    status: str = "done",
    **manifest: Any,
) -> Path:
    """Write a run folder below `runs`; without events that of `default_events`."""
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / "space.yaml").write_text(space, "utf-8")
    write_json(
        folder / "manifest.json",
        {
            "format": 1,
            "versions": {"python": "3.11.7", "torch": "2.10.0"},
            "command": ["sweeper", "run", "space/finetune.yaml"],
            "git": {"commit": "0123abc", "dirty": False},
            "machine": {"cores": 2},
            "started": "2026-11-24T04:05:00Z",
            "ended": "2026-11-24T04:09:00Z",
            "status": status,
            "seed": 0,
            "warnings": [],
        }
        | manifest,
    )
    with EventLog(folder / "trials.jsonl") as log:
        for event in default_events() if events is None else events:
            log.append(event)
    if confirm is not None:
        with EventLog(folder / "confirm.jsonl") as log:
            for event in confirm:
                log.append(event)
    return folder


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """A function (events, name, space, status) -> a run folder below `tmp_path`/runs."""
    return partial(write_run, tmp_path / "runs")


@pytest.fixture(scope="module")
def make_grid_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function (events) -> the folder of a designed run that the tests of a file share."""
    return partial(write_run, tmp_path_factory.mktemp("runs"), space=GRID)


@pytest.fixture
def complete() -> Callable[..., list[dict[str, Any]]]:
    """A function (number, accuracy, percent, **metrics) -> the events of one complete trial without KD."""

    def make(number: int, accuracy: float, percent: float, **more: Any) -> list[dict[str, Any]]:
        params = {"prune.percent": percent, "finetune.kd": "none"}
        return end(number, "complete", params, metrics(accuracy, percent, number=number, **more))

    return make


@pytest.fixture
def ending() -> Callable[..., list[dict[str, Any]]]:
    """The function `end`: the events of one trial."""
    return end


@pytest.fixture
def confirmed_run(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """A function (confirm, **) -> the folder of a run that confirms; without events that of `confirm_events`."""

    def make(confirm: list[dict[str, Any]] | None = None, **more: Any) -> Path:
        return make_run(
            confirm=confirm_events() if confirm is None else confirm, **({"space": CONFIRMED} | more)
        )

    return make


@pytest.fixture(scope="session")
def confirm_of() -> Callable[..., list[dict[str, Any]]]:
    """The function `confirm_run`: the events of one confirm run."""
    return confirm_run


@pytest.fixture(scope="session")
def all_confirm() -> Callable[[], list[dict[str, Any]]]:
    """The function `confirm_events`."""
    return confirm_events


@pytest.fixture
def grid_run(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """A function (events, name, **) -> the folder of a designed run; without events that of `grid_events`."""

    def make(events: list[dict[str, Any]] | None = None, **more: Any) -> Path:
        return make_run(grid_events() if events is None else events, **({"space": GRID} | more))

    return make


@pytest.fixture(scope="session")
def settings_of() -> Callable[..., dict[str, Any]]:
    """The function `recipe`: the settings of one trial."""
    return recipe


@pytest.fixture(scope="session")
def point_of() -> Callable[..., list[dict[str, Any]]]:
    """The function `point`: the events of one complete trial with settings and a curve."""
    return point


@pytest.fixture(scope="session")
def events_of() -> Callable[..., list[dict[str, Any]]]:
    """The function `grid_events`: percent × combinations × seeds."""
    return grid_events
