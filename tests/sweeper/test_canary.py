import pytest

from sweeper.bench import Bench
from sweeper.canary import canary
from sweeper.space import Space, check
from sweeper.strict_yaml import parse
from trainables.errors import TrainingFailedError

TEXT = """\
data: {source: digits}
model: preresnet8
teacher: {model: resnet8, epochs: 1, warmup: 1}
sparsity: {epochs: 1, warmup: 1, lr: 0.05}
prune: {method: slimming}
finetune: {epochs: 2, warmup: 1, lr: 0.02}
search:
  sparsity.s: [0.001, 0.1]
  finetune.kd: [none, dist]
  finetune.kd_weight: {choice: [1, 2], when: {finetune.kd: dist}}
sweep: {trials: 4}
"""


def space(text: str = TEXT) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench.of(space())


def test_settings_that_reach_the_training_pass(bench: Bench) -> None:
    # 2 sparsity trainings, 4 finetunes, and the first of each again
    assert canary(space(), bench) == 2 + 1 + 4 + 1


def test_a_setting_that_does_nothing_here_is_named(bench: Bench) -> None:
    search = TEXT[TEXT.index("search:") : TEXT.index("sweep:")]
    text = TEXT.replace(search, "search:\n  sparsity.on: [all, prunable]\n")
    with pytest.raises(
        TrainingFailedError,
        match=r"^canary: sparsity trains alike for different sparsity\.on: these settings do nothing here",
    ):
        canary(space(text), bench)


def test_shares_that_cut_the_same_channels_are_no_fault(bench: Bench) -> None:
    search = TEXT[TEXT.index("search:") : TEXT.index("sweep:")]
    text = TEXT.replace(search, "search:\n  prune.percent: [0.5, 0.5001]\n")
    assert canary(space(text), bench) >= 2
