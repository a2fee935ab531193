from pathlib import Path
from typing import Any

import pytest

from sweeper import timing
from sweeper.bench import Bench, quiet
from sweeper.canary import canary
from sweeper.foreseen import foresee
from sweeper.plan import plan
from sweeper.space import SHIPPED, Space, load
from sweeper.timing import seconds_per_epoch

FILES = sorted(SHIPPED.rglob("*.yaml"))
DIGITS = [file for file in FILES if file.parent == SHIPPED]


def test_spaces_are_shipped() -> None:
    assert DIGITS
    assert {file.name for file in FILES if file not in DIGITS} == {file.name for file in DIGITS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SHIPPED)))
def test_a_shipped_space_is_right_and_says_what_it_is_for(file: Path) -> None:
    space = load(str(file))
    assert space.settings.sweep is not None
    assert space.knobs
    assert file.read_text(encoding="utf-8").startswith("# ")
    assert load(str(file.relative_to(SHIPPED).with_suffix(""))).settings == space.settings


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch's time is told from one step."""
    monkeypatch.setattr(timing, "TIMED_STEPS", 1)


@pytest.mark.parametrize("file", DIGITS, ids=lambda file: file.stem)
def test_a_space_on_digits_is_planned(file: Path, tmp_path: Path, quickly: None) -> None:
    planned = plan(load(str(file)), tmp_path)
    assert planned.trials > 1
    assert planned.epochs_shared <= planned.epochs_alone
    assert planned.hours_shared < 1
    assert not any(warning.startswith("asha can stop nothing") for warning in planned.warnings)


def on_digits(file: Path) -> Space:
    """The same study, with the digits for images and small networks."""
    smaller: list[tuple[str, Any]] = [("data", {"source": "digits"}), ("model", "preresnet8")]
    if load(str(file)).settings.teacher is not None:
        smaller.append(("teacher", {"model": "resnet8", "epochs": 2}))
    return load(str(file), smaller)


@pytest.mark.parametrize("file", [file for file in FILES if file not in DIGITS], ids=lambda file: file.stem)
def test_a_space_on_larger_images_is_planned_and_tried_out_on_digits(file: Path, quickly: None) -> None:
    space = on_digits(file)
    bench = Bench.of(space)
    with quiet():
        trials = foresee(space, bench.place)
        assert set(seconds_per_epoch(trials, bench)) >= {
            "finetune" if space.settings.finetune else "sparsity"
        }
    assert canary(space, bench) > 1
