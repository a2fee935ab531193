from collections.abc import Callable

import pytest

from sweeper.bench import Bench
from sweeper.foreseen import cut, foresee
from sweeper.space import Space
from trainables.models import Architecture, build

TEXT = """\
name: small
data: {source: digits, val_fraction: 0.9}
model: preresnet8
teacher: {model: resnet8, epochs: 3, warmup: 1, decay_every: 1}
sparsity: {epochs: 2, warmup: 0, decay_every: 1}
prune: {method: slimming}
finetune: {epochs: 4, warmup: 1, decay_every: 1}
search:
  prune.percent: [0.0, 0.8]
  finetune.kd: [none, dist]
constraints: {macs: "<= 0.9"}
sweep: {sampler: grid, asha: {min_peers: 2, compare_within: []}}
"""
SpaceOf = Callable[[str], Space]


def test_a_random_sweep_is_foreseen_at_as_many_points_as_it_asks_for(space_of: SpaceOf) -> None:
    space = space_of(TEXT.replace("sampler: grid,", "sampler: random, trials: 7,"))
    trials = foresee(space, Bench.of(space).place)
    assert len(trials) == 7
    assert all(trial.percent == trial.params["prune.percent"] for trial in trials)
    assert all(trial.fits == (trial.percent == 0.8) for trial in trials)
    assert {trial.kind("finetune") for trial in trials} == {"finetune", "finetune with dist"}
    cut = next(trial for trial in trials if trial.fits)
    assert cut.size["macs"] < 0.2 * cut.size["macs_unpruned"]


def test_a_grid_is_foreseen_point_by_point_and_ends_where_the_trials_do(space_of: SpaceOf) -> None:
    space = space_of(TEXT)
    whole = foresee(space, Bench.of(space).place)
    assert [trial.params for trial in whole] == list(space.points())
    stages = [[segment.stage for segment in trial.segments] for trial in whole]
    assert stages == [["sparsity", "prune", *(["finetune"] if trial.fits else [])] for trial in whole]
    distilled = [trial.params["finetune.kd"] == "dist" and trial.fits for trial in whole]
    assert [trial.teacher is not None for trial in whole] == distilled
    few = space_of(TEXT.replace("sampler: grid,", "sampler: grid, trials: 3,"))
    assert len(foresee(few, Bench.of(few).place)) == 3


@pytest.mark.parametrize("percent", [0.0, 0.5, 0.9])
def test_a_random_cut_takes_its_share(percent: float) -> None:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    selection = cut(network, percent).pruned_by
    assert selection.share == pytest.approx(percent, abs=0.01)  # type: ignore[union-attr]
