"""Points to try, from Optuna's samplers by ask and tell.

The sampler is made anew for each ask from (seed, trial number), so what it answers depends on what it was
told and on nothing else: an interrupted search goes on as if it had not been. Values that are numbers in order
are asked for by their position, so that neighbours are neighbours to the sampler.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState

from sweeper.knobs import Knob, Params
from sweeper.space import Space
from trainables.addresses import digest

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
        self._study = optuna.create_study(
            directions=[StudyDirection[side.upper()] for _, side in self.directions],
            sampler=RandomSampler(seed=0),
        )
        self._open: dict[int, optuna.Trial] = {}

    @property
    def budget(self) -> int:
        """How many trials will be asked for at most."""
        if self.points is None:
            assert self.sweep.trials is not None
            return self.sweep.trials
        return min(len(self.points), self.sweep.trials or len(self.points))

    @property
    def free(self) -> bool:
        """Whether what is asked for does not hang on what became of earlier trials."""
        return self.sweep.sampler in ("grid", "random")

    def ask(self, number: int) -> Params:
        """The point of trial ``number``, which must be the next one."""
        if self.points is not None:
            return self.replay(number, self.points[number])
        self._study.sampler = self._sampler(number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            trial = self._study.ask()
            assert trial.number == number, f"trial {number} asked for as number {trial.number}"
            params: Params = {}
            for knob in self.space.knobs:
                if knob.active(params, self.space.fixed):
                    params[knob.key] = outside(knob, _suggest(trial, knob))
        self._open[number] = trial
        return params

    def replay(self, number: int, params: Params) -> Params:
        """Enter a point that was decided before: afterwards the study is as if it had been asked for."""
        inside_values = {
            knob.key: inside(knob, params[knob.key]) for knob in self.space.knobs if knob.key in params
        }
        self._study.sampler = RandomSampler(seed=0)  # not used: every value is fixed
        self._study.enqueue_trial(inside_values)
        trial = self._study.ask()
        assert trial.number == number, f"trial {number} replayed as number {trial.number}"
        for knob in self.space.knobs:
            if knob.key in params:
                _suggest(trial, knob)
        self._open[number] = trial
        return params

    def tell(
        self,
        number: int,
        state: str,
        metrics: Mapping[str, Any],
        *,
        rungs: Mapping[int, float],
        violations: Mapping[str, float],
    ) -> None:
        """What became of a trial.

        Args:
            number: which.
            state: complete, stopped, infeasible or failed.
            metrics: its metrics, with those that are objectives if it is complete.
            rungs: epoch -> accuracy or loss at the rungs it was judged at.
            violations: metric -> how far outside its bound, at most 0 inside.
        """
        trial = self._open.pop(number)
        for metric, amount in violations.items():
            trial.set_constraint(metric, amount)
        if [metric for metric, _ in self.directions] in (["accuracy"], ["loss"]):  # what rungs measure
            for epoch, value in rungs.items():
                trial.report(value, epoch)
        complete = state == "complete"
        values = [float(metrics[metric]) for metric, _ in self.directions] if complete else None
        self._study.tell(trial, values, state=STATES[state])

    def _sampler(self, number: int) -> BaseSampler:
        seed = int(digest([self.sweep.seed, number])[:8], 16)
        if self.sweep.sampler == "random":
            return RandomSampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(
                seed=seed,
                n_startup_trials=self.sweep.startup_trials,
                multivariate=True,
                group=True,  # conditional settings are modelled too
                constant_liar=True,
            )


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
