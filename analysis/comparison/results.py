"""Runs compared, computed once: at equal epochs, at their ends, and methods against each other by seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from analysis.comparison import alike, methods
from analysis.comparison.so_far import Step, at, steps
from analysis.confirmation.compare import Tested, judge_all, paired
from analysis.files import shown
from analysis.hypervolume import Reference, reference
from analysis.records import Run, TrialState
from analysis.select import Objective, images_of, objectives, primary
from analysis.text import decimals, percent, plain, show, signed

NAMES = {"accuracy": "validation accuracy", "accuracy_pruned": "accuracy right after the cut", "macs": "MACs"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """What a step is judged by: a field of it; `digits` of one in %, None where it is a plain number."""

    field: str
    title: str
    maximize: bool
    digits: int | None

    def of(self, step: Step | None) -> float | None:
        """The value at a step; None where nothing was found."""
        value: float | None = getattr(step, self.field) if step else None
        return value

    def text(self, value: float | None) -> str:
        """As people read it, a dash for None."""
        if value is None:
            return "–"
        return percent(value, self.digits) if self.digits is not None else self._number(value)

    def change(self, value: float) -> str:
        """A difference with its sign."""
        if self.digits is not None:
            return signed(value, self.digits)
        return ("+" if value > 0 else "−" if value < 0 else "") + self._number(abs(value))

    @property
    def unit(self) -> str:
        """What stands behind a difference, after a space; "" for a plain number."""
        return " points" if self.digits is not None else ""

    def _number(self, value: float) -> str:
        return f"{value:.4f}" if self.field == "volume" else show(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One of the runs, under a `label` that no other has; `seeds` are the student's and the sampler's."""

    run: Run
    label: str
    method: str
    seeds: tuple[int, int]
    steps: tuple[Step, ...]

    @property
    def epochs(self) -> int:
        """Unique student epochs of all that has ended."""
        return self.steps[-1].epochs

    @property
    def last(self) -> Step:
        """The last step."""
        return self.steps[-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Method:
    """Runs that differ in nothing but seeds."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def epochs(self) -> int:
        """As far as all of its runs reach."""
        return min(entry.epochs for entry in self.entries)

    def values(self, measure: Measure, epochs: int) -> dict[tuple[int, int], float]:
        """Seeds → value at so many epochs, of the runs that had found anything by then."""
        found = {entry.seeds: measure.of(at(entry.steps, epochs)) for entry in self.entries}
        return {seed: value for seed, value in found.items() if value is not None}


@dataclass(frozen=True, kw_only=True, slots=True)
class Against:
    """`one` minus `other` at equal epochs, by `measure`; a positive change says that `one` is better."""

    one: Method
    other: Method
    measure: Measure
    tested: Tested


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Everything: `epochs` is the smallest total of the runs; `to` is a text where there is no reference point.

    `differing` are the settings in which methods differ, each with a value a method.
    """

    entries: tuple[Entry, ...]
    methods: tuple[Method, ...]
    objectives: tuple[Objective, ...]
    measures: tuple[Measure, ...]
    to: Reference | str
    epochs: int
    pairs: tuple[Against, ...]
    differing: dict[str, tuple[str, ...]]


def compare_runs(runs: Sequence[Run]) -> Compared:
    """Judge every run at the epochs that the shortest one has, and methods against each other by seed.

    Raises:
        InputError: the runs are not alike, a run is given twice, or one has nothing to compare.
    """
    alike.check(runs)
    groups = methods.grouped(runs)
    objective, asked = primary(runs[0].space), objectives(runs[0].space)
    to = reference(runs, asked)
    measures = _measures(runs[0], objective, isinstance(to, Reference))
    labels = _labels(runs)
    found = {
        str(run.path): Entry(
            run=run,
            label=labels[str(run.path)],
            method=name,
            seeds=methods.seeds(run),
            steps=steps(run, objective, to if isinstance(to, Reference) else None),
        )
        for name, group in zip(methods.names(groups, labels), groups, strict=True)
        for run in group
    }
    made = tuple(
        Method(name=entries[0].method, entries=entries)
        for entries in (tuple(found[str(run.path)] for run in group) for group in groups)
    )
    epochs = min(entry.epochs for entry in found.values())
    return Compared(
        entries=tuple(entry for method in made for entry in method.entries),
        methods=made,
        objectives=asked,
        measures=measures,
        to=to,
        epochs=epochs,
        pairs=_pairs(made, measures, epochs),
        differing=methods.differing(groups),
    )


def counts(run: Run) -> dict[str, int]:
    """Trials by state, all of them."""
    found = Counter(trial.state for trial in run.trials)
    return {state.value: found[state] for state in TrialState}


def _pairs(made: Sequence[Method], measures: Sequence[Measure], epochs: int) -> tuple[Against, ...]:
    """Every two methods by every measure; all of them are one family."""
    asked = [(one, other, measure) for one, other in combinations(made, 2) for measure in measures]
    changes = []
    for one, other, measure in asked:
        sign = 1 if measure.maximize else -1
        change = paired(one.values(measure, epochs), other.values(measure, epochs))
        changes.append([sign * value for value in change])
    return tuple(
        Against(one=one, other=other, measure=measure, tested=tested)
        for (one, other, measure), tested in zip(asked, judge_all(changes), strict=True)
    )


def _measures(run: Run, objective: Objective, covered: bool) -> tuple[Measure, ...]:
    """The best value, and the hypervolume where there is one."""
    share = objective.is_accuracy or objective.metric == "percent_cut"
    best = Measure(
        field="best",
        title=f"best {NAMES.get(objective.metric) or plain(objective.metric.replace('_', ' '))}",
        maximize=objective.maximize,
        digits=decimals(images_of(run)) if share else None,
    )
    volume = Measure(field="volume", title="hypervolume", maximize=True, digits=None)
    return (best, volume) if covered else (best,)


def _labels(runs: Sequence[Run]) -> dict[str, str]:
    """Path → the run's name, or its path where two have one name."""
    often = Counter(run.name for run in runs)
    return {str(run.path): plain(run.name if often[run.name] == 1 else shown(run.path)) for run in runs}
