"""A run's networks by recipe: repetitions over seeds and draws share a cell.

A cell is all settings but the seeds, and the cut. How far is cut stands apart from how (`prune.method`, ...), and
where nothing is cut the settings of `prune` do nothing and are left out. The teacher belongs to each stage that
learns from it (`finetune.teacher.model`), so that stages can be compared one by one.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from analysis.export import NOT_SETTINGS, settings_of
from analysis.records import Run, Trial, TrialState
from analysis.significance import mean, sd
from analysis.text import show

Value = str | int | float | bool | None
Settings = Mapping[str, Value]
NO_RECIPE = (*NOT_SETTINGS, "name", "seed", "evaluate", "protocol", "resources", "store")
"""Top-level settings that make no other recipe: the seed repeats it, the others leave the network as it is."""
PERCENT, MACS, PARAMS = "prune.percent", "prune.keep_macs", "prune.keep_params"
DRAW = "prune.draw"
STUDENT_STAGES = ("sparsity", "gradual", "finetune")
SCORES = ("test_accuracy", "test_accuracy_last_epoch", "accuracy")
"""What networks are compared by: the first that all of them have."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Cut:
    """How far is cut: `depth`, 0 to 1, as asked by `key`: the share that goes, or 1 − the share of a budget."""

    depth: float
    key: str = PERCENT

    @property
    def uncut(self) -> bool:
        """Is nothing cut?"""
        return self.depth == 0

    @property
    def label(self) -> str:
        """In %: "50", or for a budget "MACs to 60"."""
        if self.key == PERCENT:
            return show(round(100 * self.depth, 6))
        return f"{'MACs' if self.key == MACS else 'params'} to {show(round(100 * (1 - self.depth), 6))}"


def is_percent(label: str) -> bool:
    """Is this the label of a cut by percent, and not of a budget?"""
    return label.replace(".", "").isdigit()


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """One complete trial; `settings` are dotted, without the seed, the draw and the cut."""

    trial: Trial
    settings: Settings
    cut: Cut
    seed: Value
    draw: Value
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """The networks of one recipe, by seed and draw."""

    settings: Settings
    cut: Cut
    networks: tuple[Network, ...]

    @property
    def mean(self) -> float:
        """Of the scores, a fraction."""
        return mean(self.scores)

    @property
    def sd(self) -> float | None:
        """Of the scores; None of one network."""
        return sd(self.scores)

    @property
    def n(self) -> int:
        """How many networks."""
        return len(self.networks)

    @property
    def scores(self) -> list[float]:
        """One a network."""
        return [network.score for network in self.networks]

    @property
    def by_seed(self) -> dict[Hashable, float]:
        """Seed → the mean over its draws."""
        seeds: dict[Hashable, list[float]] = {}
        for network in self.networks:
            seeds.setdefault(network.seed, []).append(network.score)
        return {seed: mean(scores) for seed, scores in seeds.items()}

    def metric(self, name: str) -> float | None:
        """The mean of a recorded number; None where no network has it."""
        found = [value for network in self.networks if (value := network.trial.metric(name)) is not None]
        return mean(found) if found else None

    @property
    def epochs(self) -> float:
        """Student epochs that lead to one network, found or trained, all stages; the mean."""
        return mean([float(student_epochs(network.trial)) for network in self.networks])


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """The cells of a run; `metric` is what they are compared by, on `images`, where all have that many."""

    run: str
    cells: tuple[Cell, ...]
    metric: str
    images: int | None

    @property
    def score(self) -> str:
        """The metric in words."""
        return "test accuracy" if self.metric.startswith("test") else "validation accuracy"

    @property
    def repeated(self) -> bool:
        """Is any recipe there more than once?"""
        return any(cell.n > 1 for cell in self.cells)


def grid(run: Run) -> Grid | None:
    """The cells of a designed run: all of a grid's, of another sampler's those that were repeated; else None."""
    sampler = (run.space.get("sweep") or {}).get("sampler")
    name = sampler.get("name") if isinstance(sampler, Mapping) else sampler
    trials = [trial for trial in run.of(TrialState.complete) if trial.metric("accuracy") is not None]
    found = cells(run, trials)
    if name != "grid":
        trials = [network.trial for cell in found if cell.n > 1 for network in cell.networks]
        found = cells(run, trials)
    if len(found) < 2:
        return None
    metric = score_of(trials)
    count = "test_images" if metric.startswith("test") else "validation_images"
    images = {network.trial.metric(count) for cell in found for network in cell.networks}
    only = images.pop() if len(images) == 1 else None
    return Grid(run=run.name, cells=found, metric=metric, images=None if only is None else int(only))


def cells(run: Run, trials: list[Trial]) -> tuple[Cell, ...]:
    """`trials` of `run` by recipe, those with the smallest cut first; equal seed and draw stand there once."""
    metric = score_of(trials)
    groups: dict[Hashable, dict[Hashable, Network]] = {}
    for trial in trials:
        if (network := _network(run, trial, metric)) is not None:
            group = groups.setdefault((network.cut, frozenset(network.settings.items())), {})
            group.setdefault((network.seed, network.draw), network)
    made = [tuple(group.values()) for group in groups.values()]
    made.sort(key=lambda networks: networks[0].cut)
    return tuple(Cell(settings=n[0].settings, cut=n[0].cut, networks=n) for n in made)


def score_of(trials: list[Trial]) -> str:
    """The first of `SCORES` that all of `trials` have; the last where none has."""
    return next((name for name in SCORES if all(t.metric(name) is not None for t in trials)), SCORES[-1])


def student_epochs(trial: Trial) -> int:
    """Student epochs that lead to the trial's network, from its curve; without one, from what it counted."""
    stages = [record.get("stage") for record in trial.curve]
    counted = sum(stage in STUDENT_STAGES for stage in stages)
    return counted or trial.epochs_trained + trial.epochs_reused


def flat(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Value]]:
    """Nested settings as dotted keys and plain values; a list becomes its JSON."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, str | int | float | bool):
            yield prefix + key, value
        else:
            yield prefix + key, json.dumps(value, sort_keys=True, default=str)


def _network(run: Run, trial: Trial, metric: str) -> Network | None:
    """A trial with its settings sorted; None where its cut is no number, or its score is missing."""
    whole = settings_of(run, trial) if trial.settings is None else trial.settings
    settings = _taught(dict(flat({key: value for key, value in whole.items() if key not in NO_RECIPE})))
    draw = settings.pop(DRAW, None)
    asked = {key: settings.pop(key, None) for key in (MACS, PARAMS, PERCENT)}
    key, value = next(((k, v) for k, v in asked.items() if v is not None), (PERCENT, 0.0))
    score = trial.metric(metric)
    if isinstance(value, bool | str) or value is None or score is None:
        return None
    cut = Cut(depth=float(value) if key == PERCENT else 1 - float(value), key=key)
    if cut.uncut:
        cut, draw = Cut(depth=0.0), None
        settings = {name: item for name, item in settings.items() if not name.startswith("prune.")}
    seed = trial.params.get("seed", whole.get("seed"))
    return Network(
        trial=trial,
        settings=settings,
        cut=cut,
        seed=seed if seed is None or isinstance(seed, str | int | float) else str(seed),
        draw=draw,
        score=score,
    )


def _taught(settings: dict[str, Value]) -> dict[str, Value]:
    """The settings with the teacher's moved into every distilled stage, gone where there is none."""
    teacher = {key: value for key, value in settings.items() if key.startswith("teacher.")}
    taught = [stage for stage in ("sparsity", "finetune") if settings.get(f"{stage}.kd", "none") != "none"]
    kept = {key: value for key, value in settings.items() if key not in teacher}
    return kept | {f"{stage}.{key}": value for stage in taught for key, value in teacher.items()}
