"""The pipeline of a run and its distillation, as it is drawn: which networks, which stages, which losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from analysis.grids.cells import flat
from analysis.records import Run, Trial
from analysis.select import setting
from analysis.text import percent, short, show

STAGES = ("sparsity", "prune", "finetune")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One box: its `kd` losses (none among them where only some trials are distilled), and a line below."""

    name: str
    trains: bool
    kd: tuple[str, ...]
    note: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Schematic:
    """What is drawn, all as text; `teacher` is "" where nothing is distilled."""

    teacher: str
    student: str
    stages: tuple[Stage, ...]

    def spoken(self) -> str:
        """The drawing in words."""
        parts = []
        for stage in self.stages:
            losses = [kd for kd in stage.kd if kd != "none"]
            taught = (
                f" with logits of the teacher {self.teacher} in the loss ({', '.join(losses)})"
                if losses
                else ""
            )
            parts.append(stage.name + taught)
        return f"Student {self.student}: {', then '.join(parts)}"


def schematic(run: Run) -> Schematic | None:
    """The pipeline as the trials of `run` went through it; None where it has a single stage."""
    stages = tuple(
        Stage(
            name=name,
            trains=name != "prune",
            kd=tuple(sorted(_values(run, f"{name}.kd", "none"), key=lambda kd: (kd != "none", kd))),
            note=_note(run, name),
        )
        for name in STAGES
        if _runs(run, name)
    )
    if len(stages) < 2:
        return None
    teacher = run.space.get("teacher")
    distils = any(kd != "none" for stage in stages for kd in stage.kd if stage.trains)
    model = teacher.get("model") or teacher.get("checkpoint") if isinstance(teacher, Mapping) else None
    return Schematic(
        teacher=short(model or "teacher", 22) if distils else "",
        student=short(next(iter(_values(run, "model", "student"))), 22),
        stages=stages,
    )


def _runs(run: Run, stage: str) -> bool:
    recorded = [trial.settings for trial in run.trials if trial.settings is not None]
    return any(stage in settings for settings in recorded) or (not recorded and bool(run.space.get(stage)))


def _values(run: Run, key: str, default: str) -> tuple[str, ...]:
    found = [value for trial in run.trials if (value := _had(run, trial, key)) is not None]
    return tuple(dict.fromkeys(map(str, found))) or (default,)


def _had(run: Run, trial: Trial, key: str) -> object:
    """A setting as the trial recorded it, else as it was asked."""
    if trial.settings is None:
        return setting(run, trial, key)
    return dict(flat(trial.settings)).get(key)


def _range(run: Run, key: str) -> tuple[float, float] | None:
    found = [_had(run, trial, key) for trial in run.trials]
    numbers = [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]
    return (min(numbers), max(numbers)) if numbers else None


def _note(run: Run, stage: str) -> str:
    """What the stage does, with its searched range: "s 1e-3–0.03", "30–90 % cut"."""
    match stage:
        case "sparsity":
            ends = _range(run, "sparsity.s")
            return f"s {_ends(*map(show, ends))}" if ends else ""
        case "prune":
            ends = _range(run, "prune.percent")
            return f"{_ends(*(percent(end, 0) for end in ends))} %" if ends else ""
        case _:
            ends = _range(run, "finetune.epochs")
            return f"{_ends(*map(show, ends))} epochs" if ends else ""


def _ends(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"
