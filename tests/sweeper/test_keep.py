import time

from sweeper.keep import CAP, branch_points
from sweeper.space import Space, check
from sweeper.strict_yaml import parse

TEXT = """\
data: {source: digits}
model: preresnet8
sparsity: {epochs: 12, warmup: 6, decay_every: 3}
prune: {method: slimming}
finetune: {epochs: 12, warmup: 4, decay_every: 4}
search:
  finetune.epochs: [8, 12]
  finetune.warmup: [2, 4]
sweep: {trials: 4}
"""


def space(text: str = TEXT) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


def test_states_are_kept_where_schedules_end_or_part() -> None:
    # with warmup 2 the rate drops after epochs 6 and 10, with warmup 4 after epoch 8: they part after epoch 6
    assert branch_points(space()) == {"sparsity": [12], "finetune": [6, 8, 12]}


def test_settings_that_change_a_training_from_its_start_have_no_branch_points() -> None:
    text = TEXT.replace("finetune.epochs: [8, 12]", "sparsity.s: [0.01, 0.1]")
    assert branch_points(space(text.replace("  finetune.warmup: [2, 4]\n", ""))) == {
        "sparsity": [12],
        "finetune": [12],
    }


def test_very_many_branch_points_are_thinned_out() -> None:
    text = TEXT.replace("epochs: 12, warmup: 4, decay_every: 4", "epochs: 300, warmup: 4, decay_every: 50")
    text = text.replace("finetune.warmup: [2, 4]", "finetune.warmup: {int_uniform: [1, 200], step: 1}")
    text = text.replace("finetune.epochs: [8, 12]", "prune.percent: [0.5]")
    points = branch_points(space(text))["finetune"]
    assert points[-1] == 300
    assert len(points) <= CAP + 1
    assert points == sorted(set(points))


def test_wide_ranges_of_a_whole_schedule_are_gone_through_at_once() -> None:
    text = TEXT.replace("epochs: 12, warmup: 4, decay_every: 4", "epochs: 240, warmup: 10, decay_every: 30")
    text = text.replace("finetune.warmup: [2, 4]", "finetune.warmup: {int_uniform: [10, 59]}")
    text = text.replace("finetune.epochs: [8, 12]", "finetune.epochs: {int_uniform: [60, 240]}")
    text = text.replace("search:\n", "search:\n  finetune.decay_every: {int_uniform: [5, 50]}\n")
    began = time.monotonic()
    points = branch_points(space(text))["finetune"]
    assert time.monotonic() - began < 5
    assert {60, 240} <= set(points)
    assert points == sorted(set(points))


def test_a_share_of_the_epochs_branches_where_the_number_would() -> None:
    # 8 epochs: held 4, every 2; 12 epochs: held 6, every 3; the first drop after epoch 6 of the shorter one
    text = TEXT.replace(
        "epochs: 12, warmup: 4, decay_every: 4", "epochs: 12, warmup_share: 0.5, decay_share: 0.25"
    )
    text = text.replace("  finetune.warmup: [2, 4]\n", "")
    assert branch_points(space(text))["finetune"] == [6, 8, 12]


def test_a_gradual_prune_branches_before_its_second_cut() -> None:
    gradual = "gradual: {steps: 3, epochs: 2, warmup: 2, decay_every: 1}"
    text = TEXT.replace("method: slimming", gradual)
    assert branch_points(space(text))["gradual"] == [2]
    searched = text.replace("search:\n", "search:\n  prune.gradual.epochs: [2, 4]\n")
    assert branch_points(space(searched))["gradual"] == [2, 4]
    assert "gradual" not in branch_points(space())
