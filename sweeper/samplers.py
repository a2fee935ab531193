"""The samplers by name: how each is made for one ask, and what a search must know of it.

A sampler is made anew for each ask, so it may depend on nothing but the sweep's seed, the number of the trial
and what the study was told. Optuna's NSGA-II, NSGA-III and CMA-ES go on from notes that they leave in the study (the
generation of a trial, its parents, the state of the evolution); those that have such notes are made to write them
again when a search is replayed. Optuna's own would model what all finished trials have in common, which changes as
trials end; ours model the same knobs from the first trial to the last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIIISampler,
    NSGAIISampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import FrozenTrial

from trainables.addresses import digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """What a sampler is made from."""

    seed: int
    """The sweep's."""
    number: int
    """The trial's, from 0."""
    startup: int
    """Random trials before a model is made; of a genetic algorithm the size of a generation, at least 2."""
    knobs: Mapping[str, BaseDistribution]
    """All that is searched."""
    always: Mapping[str, BaseDistribution]
    """What of it is asked for at every point, whatever the other values."""

    @property
    def own_seed(self) -> int:
        """A seed for this trial alone, below 2**32."""
        return _below_2_32([self.seed, self.number])


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampler:
    """One way to choose points."""

    make: Callable[[Ask], BaseSampler]
    free: bool = False
    """Whether a point does not hang on what became of earlier trials."""
    constrained: bool = False
    """Whether it is told how far outside the constraints a trial is."""
    needs_values: bool = False
    """Whether it passes over trials without values, and so would come back to where trials do not end."""
    learns: bool = False
    """Whether it is ours (``learner.py``), and the study only keeps its trials."""
    takes_notes: bool = False
    """Whether it leaves notes in the study that a replay must write again."""


class _Fixed(BaseSampler):
    """A sampler that models given knobs together, whatever has been finished; the others it draws at random."""

    modelled: Mapping[str, BaseDistribution]

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The knobs that are given, without those of a single value, in the order of their names."""
        return {name: one for name, one in sorted(self.modelled.items()) if not one.single()}


class _Gp(_Fixed, GPSampler):
    pass


class _Nsga2(_Fixed, NSGAIISampler):
    pass


class _Nsga3(_Fixed, NSGAIIISampler):
    pass


class _CmaEs(_Fixed, CmaEsSampler):
    pass


class _Sobol(_Fixed, QMCSampler):
    """Trial n has point n of the sequence; Optuna's counts its asks in the study, which a replay does not make."""

    number: int

    def _find_sample_id(self, study: Study, search_space: dict[str, BaseDistribution]) -> int:
        return self.number


class _Tpe(TPESampler):
    """A trial under way is known by its point; Optuna's adds what it would have had if conditions held."""

    def _get_params(self, trial: FrozenTrial, study: Study) -> dict[str, Any]:
        return trial.params


def _tpe(ask: Ask) -> BaseSampler:
    return _Tpe(
        seed=ask.own_seed,
        n_startup_trials=ask.startup,
        multivariate=True,
        group=True,  # conditional settings are modelled too
        constant_liar=True,
    )


def _gp(ask: Ask) -> BaseSampler:
    sampler = _Gp(seed=ask.own_seed, n_startup_trials=ask.startup)
    sampler.modelled = ask.always
    return sampler


def _nsga2(ask: Ask) -> BaseSampler:
    sampler = _Nsga2(seed=ask.own_seed, population_size=ask.startup)
    sampler.modelled = ask.always
    return sampler


def _nsga3(ask: Ask) -> BaseSampler:
    sampler = _Nsga3(seed=ask.own_seed, population_size=ask.startup)
    sampler.modelled = ask.always
    return sampler


def _cmaes(ask: Ask) -> BaseSampler:
    """With margin (Hamano et al. 2022, arXiv 2205.13482), since most knobs are positions in a list."""
    sampler = _CmaEs(seed=ask.own_seed, n_startup_trials=0, with_margin=True)
    sampler.modelled = {
        name: one for name, one in ask.always.items() if not isinstance(one, CategoricalDistribution)
    }
    return sampler


def _sobol(ask: Ask) -> BaseSampler:
    """Each knob has its own coordinate, a conditional one too, which is not used where it is not asked for."""
    sampler = _Sobol(seed=_below_2_32([ask.seed]), scramble=True)
    sampler.modelled, sampler.number = ask.knobs, ask.number
    return sampler


def _random(ask: Ask) -> BaseSampler:
    return RandomSampler(seed=ask.own_seed)


def _below_2_32(parts: list[int]) -> int:
    return int(digest(parts)[:8], 16)


SAMPLERS: Final = {
    "tpe": Sampler(make=_tpe, constrained=True),
    "mfbo": Sampler(make=_random, learns=True),
    "gp": Sampler(make=_gp, constrained=True, needs_values=True),
    "nsga2": Sampler(make=_nsga2, constrained=True, needs_values=True, takes_notes=True),
    "nsga3": Sampler(make=_nsga3, constrained=True, needs_values=True, takes_notes=True),
    "cmaes": Sampler(make=_cmaes, needs_values=True, takes_notes=True),
    "random": Sampler(make=_random, free=True),
    "sobol": Sampler(make=_sobol, free=True),
    "grid": Sampler(make=_random, free=True),  # draws nothing: the search has all points
}
