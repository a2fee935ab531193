from pathlib import Path

import pytest
import torch

from sweeper.bench import Bench
from sweeper.canary import canary
from sweeper.space import Space, check
from sweeper.strict_yaml import parse
from trainables.errors import TrainingFailedError
from trainables.losses import LOSSES
from trainables.models import Architecture, build
from trainables.pruning import IMPORTANCES

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


def searching(search: str, **sections: str) -> Space:
    """The small space with another search, and other sections."""
    text = TEXT.replace(TEXT[TEXT.index("search:") : TEXT.index("sweep:")], f"search:\n  {search}\n")
    for name, section in sections.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
        text = text.replace(f"{line}\n", f"{name}: {section}\n" if section else "")
    return space(text)


@pytest.mark.parametrize(
    ("search", "sections"),
    [
        (f"prune.method: [{', '.join(IMPORTANCES)}]", {}),
        ("prune.draw: [0, 1, 2]", {"prune": "{method: random}"}),
        ("prune.like: [null, slimming]", {"prune": "{method: random}"}),
        ("prune.batches: [1, 8]", {"prune": "{method: taylor, percent: 0.7}"}),
        ("prune.scope: [global, layer]", {}),
        ("prune.keep_macs: [0.2, 0.8]", {"prune": "{keep_macs: 0.5}"}),
        ("prune.recalibrate: [0, 2]", {}),
        ("prune.gradual.steps: [1, 3]", {"prune": "{gradual: {steps: 2, epochs: 1}}"}),
        ("finetune.start: [pruned, scratch, scratch_b]", {}),
        (f"finetune.kd: [none, {', '.join(LOSSES)}]", {}),
        ("finetune.warmup_share: [0.1, 0.9]", {"finetune": "{epochs: 10}"}),
        ("sparsity.s: [0.001, 0.1]", {"prune": "{probe: [0.3]}", "finetune": ""}),
    ],
)
def test_every_new_setting_reaches_the_training_or_may_coincide(
    bench: Bench, search: str, sections: dict[str, str]
) -> None:
    assert canary(searching(search, **sections), bench) >= 2


@pytest.mark.parametrize("stage", ["sparsity", "prune", "finetune"])
def test_a_student_from_a_file_is_tried_out_from_there(tmp_path: Path, stage: str) -> None:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=3)
    torch.save(network.state_dict(), tmp_path / "student.pth")
    order = ["sparsity", "prune", "finetune"]
    absent = dict.fromkeys(order[: order.index(stage)], "")
    begins = f"init: {tmp_path}/student.pth, trained_on: train, normalize: data"
    epochs = "" if stage == "prune" else ", epochs: 2"
    asked = searching("finetune.lr: [0.01, 0.1]", **absent, **{stage: f"{{{begins}{epochs}}}"})
    expected = (2 if stage == "sparsity" else 0) + 3
    assert canary(asked, Bench.of(asked)) == expected
