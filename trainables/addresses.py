"""Recipe -> addresses: the name under which every trained state is known.

    address(0) = H(parent address, stage settings)
    address(e) = H(address(e-1), lr(e))

The root holds the data, the architecture, the seed and the arithmetic. ``epochs``, ``warmup`` and
``decay_every`` appear nowhere but in the rates that they lead to, so two recipes share every epoch that they
have in common. Needs no torch: what a sweep shares can be counted before it starts.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from trainables.losses import LOSSES
from trainables.pruning.gradual import cumulative
from trainables.recipe import Distilled, Prune, Recipe, Sparsity, Training
from trainables.schedule import rates, stretched

TRAINING_CODE = 1
"""Version of the code that trains; raised by every change that moves a bit of a trained network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataIdentity:
    """What a trained network depends on of its data, beyond the settings of a stage."""

    address: str
    """Hash of images, labels and split."""
    classes: int
    channels: int
    pad: int
    flip: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data, as it is hashed."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """One stage of one recipe with the addresses of its states."""

    stage: str
    rates: tuple[float, ...]
    """Learning rate of every epoch; empty for a stage that does not train."""
    addresses: tuple[str, ...]
    """Address after epoch 0 (the start), 1, ..., E; a stage that does not train has one, its result's."""
    part: int = 0
    """Of a gradual prune: which cut, from 0, or the training after it."""
    behind: int = 0
    """Epochs of the stage in earlier parts."""

    @property
    def end(self) -> str:
        """The address of the stage's result."""
        return self.addresses[-1]


def digest(value: object) -> str:
    """The hash H of plain data: SHA-256 of its JSON with sorted keys, 40 hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def teacher_segment(recipe: Recipe, data: DataIdentity, arithmetic: Mapping[str, Any]) -> Segment:
    """The teacher's training. It has a seed of its own and knows nothing of the student."""
    teacher = recipe.teacher
    assert teacher is not None
    assert teacher.checkpoint is None
    assert teacher.model is not None
    root = _root(data, teacher.model, teacher.seed, arithmetic)
    return _training("teacher", root, _sgd(teacher, recipe), rates(teacher))


def chain(
    recipe: Recipe,
    *,
    data: DataIdentity,
    arithmetic: Mapping[str, Any],
    teacher: str | None,
    saved: float | None = None,
) -> tuple[Segment, ...]:
    """The student's stages in order, each with its addresses.

    Args:
        recipe: what is run.
        data: identity of the images.
        arithmetic: what the bits depend on besides (device, threads, versions).
        teacher: address of the teacher's result; used only by the stages that distil.
        saved: the unpruned network's MACs over the pruned one's. Without it a finetune with ``start:
            scratch_b``, whose epochs depend on it, is left out.
    """
    if teacher is not None and recipe.teacher is not None and recipe.teacher.table == "float16":
        teacher = digest([teacher, "float16"])  # its answers are rounded
    segments: list[Segment] = []
    parent = _root(data, recipe.model, recipe.seed, arithmetic)
    if recipe.init is not None:
        parent = _loaded(recipe, data, arithmetic)
        segments.append(Segment(stage="init", rates=(), addresses=(parent,)))
    if recipe.sparsity is not None:
        settings = _student(recipe.sparsity, recipe) | _distillation(recipe.sparsity, teacher)
        settings |= _penalty(recipe.sparsity) | _tested(recipe, "sparsity")
        segments.append(_training("sparsity", parent, settings, rates(recipe.sparsity)))
        parent = segments[-1].end
    if recipe.prune is not None:
        segments += _cuts(recipe, parent, teacher)
        parent = segments[-1].end
    if recipe.finetune is not None:
        schedule: Training = recipe.finetune
        if recipe.finetune.start == "scratch_b":
            if saved is None:
                return tuple(segments)
            schedule = lengthened(recipe.finetune, saved)
        settings = _student(recipe.finetune, recipe) | _distillation(recipe.finetune, teacher)
        settings |= {"start": "pruned" if recipe.finetune.start == "pruned" else "scratch"}
        settings |= _tested(recipe, "finetune")
        segments.append(_training("finetune", parent, settings, rates(schedule)))
    return tuple(segments)


def lengthened(training: Training, saved: float) -> Training:
    """The schedule of scratch-B: as many MACs as the unpruned network, but at most twice the epochs.

    Liu et al. 2019, arXiv 1810.05270, section 3; the whole schedule is stretched.
    """
    return stretched(training, min(2.0, max(1.0, saved)))


def _cuts(recipe: Recipe, parent: str, teacher: str | None) -> list[Segment]:
    """One cut, or several with training between them."""
    prune = recipe.prune
    assert prune is not None
    between = prune.between
    if between is None:
        address = digest([parent, "prune", _prune(prune, recipe, 0)])
        return [Segment(stage="prune", rates=(), addresses=(address,))]
    segments: list[Segment] = []
    settings = _student(between, recipe) | _distillation(between, teacher)
    for part in range(between.steps):
        address = digest([parent, "prune", _prune(prune, recipe, part), part])
        segments.append(Segment(stage="prune", rates=(), addresses=(address,), part=part))
        parent = address
        if part < between.steps - 1:
            trained = _training("gradual", parent, settings, rates(between))
            segments.append(replace(trained, part=part, behind=part * between.epochs))
            parent = segments[-1].end
    return segments


def teacher_address(recipe: Recipe, data: DataIdentity, arithmetic: Mapping[str, Any]) -> str | None:
    """Address of the teacher that the recipe distils from; None where nothing is distilled.

    A teacher from a checkpoint is known by the file's content and how it is read: ``teacher.model`` is only
    checked against it.
    """
    if not recipe.needs_teacher or recipe.teacher is None:
        return None
    if recipe.teacher.checkpoint is not None:
        how = {"weights": recipe.teacher.weights or "model", "normalize": recipe.teacher.normalize}
        return digest(["checkpoint", file_digest(recipe.teacher.checkpoint), how])
    return teacher_segment(recipe, data, arithmetic).end


def file_digest(path: str) -> str:
    """SHA-256 of a file's content: a network from outside is known by what it is, not by its name."""
    there = Path(path).stat()
    return _file_digest(path, there.st_mtime_ns, there.st_size)


@lru_cache(maxsize=16)
def _file_digest(path: str, changed: int, size: int) -> str:
    """Read once a process as long as the file stays as it is: a plan asks for it in every trial."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _root(data: DataIdentity, model: str, seed: int, arithmetic: Mapping[str, Any]) -> str:
    return digest([TRAINING_CODE, data.to_json(), model, seed, dict(arithmetic)])


def _training(stage: str, parent: str, settings: dict[str, Any], lrs: tuple[float, ...]) -> Segment:
    addresses = [digest([parent, stage, settings])]
    for lr in lrs:
        addresses.append(digest([addresses[-1], lr]))
    return Segment(stage=stage, rates=lrs, addresses=tuple(addresses))


def _sgd(training: Training, recipe: Recipe) -> dict[str, Any]:
    names = ("momentum", "nesterov", "weight_decay", "decay_gamma", "drop_last")
    settings: dict[str, Any] = {name: getattr(training, name) for name in names}
    return settings | {"batch_size": batch_size(training, recipe)}


def _student(training: Training, recipe: Recipe) -> dict[str, Any]:
    """The optimizer's settings of one of the student's stages, and its precision."""
    half = {} if recipe.precision == "float32" else {"precision": recipe.precision}
    return _sgd(training, recipe) | half


def batch_size(training: Training, recipe: Recipe) -> int:
    """Images in one step of a stage."""
    return training.batch_size or recipe.data.batch_size


def _distillation(stage: Distilled, teacher: str | None) -> dict[str, Any]:
    if stage.kd == "none":
        return {"kd": "none"}
    weights = distillation_weights(stage)
    return {
        "kd": stage.kd,
        "teacher": teacher,
        "tau": weights[0],
        "kd_weight": weights[1],
        "ce_weight": weights[2],
    }


def distillation_weights(stage: Distilled) -> tuple[float, float, float]:
    """(tau, kd_weight, ce_weight) of a stage that distils, the loss's own where the file says nothing."""
    own = LOSSES[stage.kd]
    tau = own.tau if stage.kd_tau is None else stage.kd_tau
    kd_weight = own.kd_weight if stage.kd_weight is None else stage.kd_weight
    ce_weight = own.ce_weight if stage.ce_weight is None else stage.ce_weight
    return tau, kd_weight, ce_weight


def _tested(recipe: Recipe, stage: str) -> dict[str, Any]:
    """Epochs with a look at the test set are kept apart from those without: their records differ."""
    return {"protocol": recipe.protocol} if recipe.tested(stage) else {}


def _penalty(sparsity: Sparsity) -> dict[str, Any]:
    return {"s": sparsity.s, "on": sparsity.on} if sparsity.s > 0 else {}


def share_of(prune: Prune, part: int) -> float:
    """The share of the unpruned network's channels that is gone after a cut, from 0."""
    if prune.between is None:
        return prune.percent
    return cumulative(prune.percent, prune.between.steps, prune.between.ratio)[part]


def _prune(prune: Prune, recipe: Recipe, part: int) -> dict[str, Any]:
    """What a cut depends on; a setting that does nothing in it is left out."""
    settings: dict[str, Any] = {"percent": share_of(prune, part), "method": prune.method}
    if prune.probe is not None:
        settings |= {"percent": None, "probe": prune.probe}
    if prune.by_budget:
        settings |= {"percent": None, "keep_macs": prune.keep_macs, "keep_params": prune.keep_params}
    if prune.scope != "global":
        settings["scope"] = prune.scope
    if prune.protect_share or prune.protect:
        settings |= {"protect_share": prune.protect_share, "protect": sorted(set(prune.protect))}
    if prune.like is not None:
        settings["like"] = prune.like
    if "random" in (prune.method, prune.like):
        settings["draw"] = prune.draw
    if "taylor" in (prune.method, prune.like):
        settings |= {"batches": prune.batches, "batch_size": recipe.data.batch_size}
    if prune.recalibrate:
        settings |= {"recalibrate": prune.recalibrate, "batch_size": recipe.data.batch_size}
    return settings


def _loaded(recipe: Recipe, data: DataIdentity, arithmetic: Mapping[str, Any]) -> str:
    """The root of a student that begins with a file: its content, how it is read, and the seed of training."""
    assert recipe.init is not None
    _, section = recipe.init
    assert section.init is not None
    how = {
        "weights": section.weights or "model",
        "normalize": section.normalize,
        "model": recipe.model,
    }
    return digest(
        [TRAINING_CODE, data.to_json(), file_digest(section.init), how, recipe.seed, dict(arithmetic)]
    )


__all__ = [
    "DataIdentity",
    "Segment",
    "batch_size",
    "chain",
    "digest",
    "distillation_weights",
    "file_digest",
    "teacher_address",
    "teacher_segment",
]
