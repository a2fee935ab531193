from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sweeper.bench import Bench
from sweeper.foreseen import Foreseen, cut, foresee
from sweeper.space import Space
from trainables.models import Architecture, build
from trainables.pruning import prune as prune_channels
from trainables.stages.start import begin

TEXT = Path(__file__).with_name("grid.yaml").read_text()
SpaceOf = Callable[[str], Space]


def test_a_random_sweep_is_foreseen_at_as_many_points_as_it_asks_for(space_of: SpaceOf) -> None:
    space = space_of(TEXT.replace("sampler: grid,", "sampler: random, trials: 7,"))
    trials = foresee(space, Bench.of(space).place)
    assert len(trials) == 7
    assert all(trial.fits == (trial.params["prune.percent"] == 0.8) for trial in trials)
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
def test_a_random_cut_takes_its_share(percent: float, space_of: SpaceOf) -> None:
    space = space_of(TEXT)
    place = Bench.of(space).place
    recipe = space.recipe({"prune.percent": percent})
    selection = cut(begin(recipe, place).network, recipe, place).pruned_by
    assert selection.share == pytest.approx(percent, abs=0.01)  # type: ignore[union-attr]


def foreseen(space: Space) -> list[Foreseen]:
    return foresee(space, Bench.of(space).place)


def cutting(space_of: SpaceOf, prune: str, search: str = "prune.percent: [0.0, 0.8]") -> Space:
    text = TEXT.replace("{method: slimming}", prune).replace("prune.percent: [0.0, 0.8]", search)
    return space_of(text.replace("  finetune.kd: [none, dist]\n", ""))


def test_a_budget_is_foreseen_and_judged_by_the_bounds(space_of: SpaceOf) -> None:
    found = foreseen(cutting(space_of, "{keep_macs: 0.5}", "prune.keep_macs: [0.95, 0.5, 0.2]"))
    shares = [trial.size["macs"] / trial.size["macs_unpruned"] for trial in found]
    for share, most in zip(shares, (0.95, 0.5, 0.2), strict=True):
        assert 0.9 * most < share <= most
    assert [trial.fits for trial in found] == [False, True, True]


def test_a_gradual_prune_is_foreseen_with_its_parts(space_of: SpaceOf) -> None:
    space = cutting(space_of, "{gradual: {steps: 3, epochs: 2}}", "prune.gradual.steps: [1, 3]")
    stages = [[segment.stage for segment in trial.segments] for trial in foreseen(space)]
    parts = ["prune", "gradual", "prune", "gradual", "prune"]
    assert stages == [["sparsity", "prune", "finetune"], ["sparsity", *parts, "finetune"]]
    sizes = [trial.size for trial in foreseen(space)]
    assert sizes[0] == sizes[1]


def test_a_gradual_prune_outside_a_bound_ends_after_its_last_cut(space_of: SpaceOf) -> None:
    space = cutting(space_of, "{gradual: {steps: 2, epochs: 2}}")
    (outside, inside) = foreseen(space)
    assert [segment.stage for segment in outside.segments] == ["sparsity", "prune", "gradual", "prune"]
    assert inside.segments[-1].stage == "finetune"


def test_a_probe_cuts_nothing(space_of: SpaceOf) -> None:
    text = TEXT.replace("{method: slimming}", "{probe: [0.3, 0.5]}").replace(
        "finetune: {epochs: 4, warmup: 1, decay_every: 1}\n", ""
    )
    text = text.replace("prune.percent: [0.0, 0.8]", "sparsity.s: [0.1, 0.2]").replace("<= 0.9", "<= 1e9")
    (trial, _) = foreseen(space_of(text.replace("  finetune.kd: [none, dist]\n", "")))
    assert (trial.size["macs"], trial.size["percent_cut"]) == (trial.size["macs_unpruned"], 0.0)


def test_the_epochs_of_scratch_b_are_foreseen_from_the_cuts_macs(space_of: SpaceOf) -> None:
    text = TEXT.replace("finetune: {epochs: 4", "finetune: {start: scratch_b, epochs: 4").replace(
        "[0.0, 0.8]", "[0.1, 0.8]"
    )
    for trial in foreseen(space_of(text)):
        if trial.fits:
            saved = trial.size["macs_unpruned"] / trial.size["macs"]
            assert len(trial.segments[-1].rates) == min(8, int(4 * saved + 0.5))


def test_what_only_chooses_other_channels_is_cut_once(space_of: SpaceOf) -> None:
    space = cutting(space_of, "{method: random}", "prune.draw: {int_uniform: [0, 9], step: 1}")
    found = foreseen(space)
    assert len(found) == 10
    assert len({id(trial.size) for trial in found}) == 1
    assert len({trial.segments[-1].end for trial in found}) == 10


def test_a_student_from_a_file_is_foreseen_from_its_own_size(space_of: SpaceOf, tmp_path: Path) -> None:
    whole = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    torch.save(prune_channels(whole, 0.5, method="l1").state_dict(), tmp_path / "pruned.pth")
    text = (
        "data: {source: digits, val_fraction: 0.9}\nmodel: preresnet8\n"
        f"finetune: {{init: {tmp_path}/pruned.pth, trained_on: train, normalize: data, epochs: 2}}\n"
        "sweep: {sampler: grid}\nsearch: {finetune.lr: [0.01, 0.1]}\n"
    )
    (trial, _) = foreseen(space_of(text))
    assert [segment.stage for segment in trial.segments] == ["init", "finetune"]
    assert trial.size["macs"] < trial.size["macs_unpruned"]
    assert trial.size["percent_cut"] == pytest.approx(0.5, abs=0.02)
    (trial, _) = foreseen(space_of(f'{text}constraints: {{macs: "<= 0.2"}}\n'))
    assert [segment.stage for segment in trial.segments] == ["init"]
