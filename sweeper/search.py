"""Points to try, from Optuna's samplers by ask and tell.

The sampler is made anew for each ask from (seed, trial number), so what it answers depends on what it was
told and on nothing else: an interrupted search goes on as if it had not been. Values that are numbers in order
are asked for by their position, so that neighbours are neighbours to the sampler.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from sweeper.knobs import Knob, Params
from sweeper.live import FINISHED_ONLY, Rungs
from sweeper.samplers import SAMPLERS, Ask
from sweeper.settings import STARTUP_TRIALS
from sweeper.space import Space

if TYPE_CHECKING:
    from sweeper.learner import Learner

STATES = {
    "complete": TrialState.COMPLETE,
    "stopped": TrialState.PRUNED,
    "infeasible": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
"""What Optuna is told: a stopped trial is no finished one, and one outside a constraint has no value."""


class Search:
    """The study of one sweep; trials are asked for, and known by, their numbers 0, 1, 2, ..."""

    def __init__(self, space: Space) -> None:
        """Begin an empty study in memory; it is rebuilt from the run's records, not stored."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sweep = space.settings.sweep
        assert sweep is not None
        self.space = space
        self.sweep = sweep
        self.directions = space.settings.objective.directions
        self.points = list(space.points()) if sweep.sampler == "grid" else None
        self._kind = SAMPLERS[sweep.sampler]
        self._study = optuna.create_study(
            directions=[StudyDirection[side.upper()] for _, side in self.directions],
            sampler=RandomSampler(seed=0),
        )
        self._learner = self._own() if self._kind.learns else None
        self._open: dict[int, optuna.Trial] = {}
        self._ends: list[list[float]] = []
        """The objectives of each complete trial."""

    @property
    def budget(self) -> int | None:
        """How many trials will be asked for at most; None: as many as another budget allows."""
        if self.points is None:
            return self.sweep.trials
        return min(len(self.points), self.sweep.trials or len(self.points))

    @property
    def free(self) -> bool:
        """Whether what is asked for does not hang on what became of earlier trials."""
        return self._kind.free

    def weigh(self, epochs: Callable[[Params], float]) -> None:
        """Prefer what improves more for the ``epochs`` that a point would take, where the file asks for that."""
        if self._learner is not None and self.sweep.cost_aware:
            self._learner.weigh(epochs)

    def ask(self, number: int) -> Params:
        """The point of trial ``number``, which must be the next one."""
        if self.points is not None:
            return self.replay(number, self.points[number])
        if self._learner is not None:
            return self.replay(number, self._learner.ask(self._asked(number)))
        trial = self._begin(number, self._sampler(number))
        params: Params = {}
        with _untroubled():
            for knob in self.space.knobs:
                if knob.active(params, self.space.fixed):
                    params[knob.key] = outside(knob, _suggest(trial, knob))
        return params

    def replay(self, number: int, params: Params) -> Params:
        """Enter a point that was decided before: afterwards the study is as if it had been asked for."""
        inside_values = {
            knob.key: inside(knob, params[knob.key]) for knob in self.space.knobs if knob.key in params
        }
        self._study.enqueue_trial(inside_values)
        if self._kind.takes_notes:
            trial = self._begin(number, self._sampler(number))
            with _untroubled():
                _ = trial.relative_params  # what it would answer here is of no interest, its notes are
        else:
            trial = self._begin(number, RandomSampler(seed=0))  # not used: every value is fixed
        for knob in self.space.knobs:
            if knob.key in params:
                _suggest(trial, knob)
        if self._learner is not None:
            self._learner.begin(number, params)
        return params

    def tell(
        self,
        number: int,
        state: str,
        metrics: Mapping[str, Any],
        *,
        rungs: Rungs,
        violations: Mapping[str, float],
    ) -> None:
        """What became of a trial.

        Args:
            number: which.
            state: complete, stopped, infeasible or failed.
            metrics: its metrics, with those that are objectives if it is complete.
            rungs: what it was judged by.
            violations: metric -> how far outside its bound, at most 0 inside.
        """
        trial = self._open.pop(number)
        for metric in self.space.settings.constraints if self._kind.constrained else ():
            trial.set_constraint(metric, violations.get(metric, 0.0))  # 0: not known, neither in nor out
        judged = [metric for metric, _ in self.directions] in (["accuracy"], ["loss"])  # what rungs measure
        for epoch, value in rungs.values() if judged else ():
            trial.report(value, epoch)
        values = self._values(state, metrics)
        if self._learner is not None:
            self._learner.end(number, state, values[0] if values else None, rungs if judged else {})
        self._study.tell(trial, values, state=STATES[state] if values is None else TrialState.COMPLETE)

    def _values(self, state: str, metrics: Mapping[str, Any]) -> list[float] | None:
        """The objectives that the sampler is told of a trial; None: that it has none.

        A sampler that passes over trials without values would come back to where trials are stopped or fail.
        It is told the worst that any has ended with, and the mean where a violation tells it the rest already; what
        is known after the cut, such as MACs, is told as it is. Before any trial has ended, nothing.
        """
        if state == "complete":
            self._ends.append([float(metrics[metric]) for metric, _ in self.directions])
            return self._ends[-1]
        if not self._kind.needs_values or not self._ends:
            return None
        violated = state == "infeasible" and self._kind.constrained
        return [
            float(metrics[metric])
            if metric in metrics and metric not in FINISHED_ONLY
            else (fmean if violated else _WORST[side])(ends)
            for (metric, side), ends in zip(self.directions, zip(*self._ends, strict=True), strict=True)
        ]

    def _own(self) -> "Learner":
        from sweeper.learner import Learner  # 0.8 s, mostly scipy.stats, that others need not wait for

        ((_, side),) = self.directions  # checked with the space
        return Learner(self.space, sign=1.0 if side == "maximize" else -1.0)

    def _begin(self, number: int, sampler: BaseSampler) -> optuna.Trial:
        self._study.sampler = sampler
        trial = self._study.ask()
        assert trial.number == number, f"trial {number} asked for as number {trial.number}"
        self._open[number] = trial
        return trial

    def _sampler(self, number: int) -> BaseSampler:
        with _untroubled():
            return self._kind.make(self._asked(number))

    def _asked(self, number: int) -> Ask:
        knobs = {knob.key: distribution(knob) for knob in self.space.knobs}
        return Ask(
            seed=self.sweep.seed,
            number=number,
            startup=self.sweep.startup_trials or STARTUP_TRIALS,
            knobs=knobs,
            always={knob.key: knobs[knob.key] for knob in self.space.knobs if not knob.when},
        )


_WORST: dict[str, Callable[[Sequence[float]], float]] = {"maximize": min, "minimize": max}


@contextmanager
def _untroubled() -> Iterator[None]:
    """Without the warnings that a part of Optuna is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def distribution(knob: Knob) -> BaseDistribution:
    """A knob as the sampler sees it: a position among ordered values, a category, or a number in a range."""
    if knob.values is None:
        if knob.integer:
            return IntDistribution(int(knob.low), int(knob.high))
        return FloatDistribution(knob.low, knob.high, log=knob.log)
    if knob.ordered:
        return IntDistribution(0, len(knob.values) - 1)
    return CategoricalDistribution(knob.values)


def outside(knob: Knob, value: Any) -> Any:
    """The setting that a sampler's value stands for."""
    return knob.values[value] if knob.values is not None and knob.ordered else value


def inside(knob: Knob, value: Any) -> Any:
    """The sampler's value that stands for a setting."""
    return knob.values.index(value) if knob.values is not None and knob.ordered else value


def _suggest(trial: optuna.Trial, knob: Knob) -> Any:
    return trial._suggest(knob.key, distribution(knob))  # the public suggest_* are this, a type each
