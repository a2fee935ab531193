from pathlib import Path
from typing import Any

import pytest

from analysis import plain_yaml
from sweeper.budget import Spent
from sweeper.faults import Faults
from sweeper.more import check_enough, raised, with_value, write_raised
from sweeper.space import Space
from trainables.errors import InputError

ASKED = [{"event": "asked", "trial": 0}, {"event": "end", "trial": 0}, {"event": "asked", "trial": 1}]


@pytest.mark.parametrize(
    ("text", "key", "value", "expected"),
    [
        ("sweep:\n  trials: 4 # few\n  seed: 0\n", "trials", 200, "sweep:\n  trials: 200 # few\n  seed: 0\n"),
        (
            "# mine\nsweep: {startup_trials: 3, trials: 4}  # a line\n",
            "trials",
            8,
            "# mine\nsweep: {startup_trials: 3, trials: 8}  # a line\n",
        ),
        ("sweep: {seed: 1}\nname: a\n", "epochs", 9, "sweep: {epochs: 9, seed: 1}\nname: a\n"),
        ("sweep:\n   seed: 1\nname: a\n", "epochs", 9, "sweep:\n   epochs: 9\n   seed: 1\nname: a\n"),
        ("sweep:\n  hours: null\n", "hours", 0.5, "sweep:\n  hours: 0.5\n"),
        ("sweep:\n  macs: 1e12\n", "macs", 5e12, "sweep:\n  macs: 5000000000000.0\n"),
        ('"sweep": {"trials": 4}\n', "trials", 8, "sweep:\n  trials: 8\n"),  # written anew
    ],
)
def test_only_the_number_is_changed(text: str, key: str, value: float, expected: str) -> None:
    assert with_value(text, key, value) == expected


@pytest.mark.parametrize("key", ["trials", "epochs", "patience"])
def test_the_space_of_a_run_takes_every_budget(space: Space, key: str) -> None:
    changed: Any = plain_yaml.load(with_value(space.text(), key, 77))
    before: Any = plain_yaml.load(space.text())
    assert changed["sweep"] == before["sweep"] | {key: 77}
    assert {**changed, "sweep": None} == {**before, "sweep": None}


def test_what_was_before_is_told(tmp_path: Path, space: Space) -> None:
    (tmp_path / "space.yaml").write_text(space.text() + "# mine\n")
    assert write_raised(tmp_path, {"trials": 24, "epochs": 100}) == {
        "trials": [12, 24],
        "epochs": [None, 100],
    }
    sweep = raised(tmp_path, {}).settings.sweep
    assert sweep is not None
    assert (sweep.trials, sweep.epochs) == (24, 100)
    assert (tmp_path / "space.yaml").read_text().endswith("# mine\n")


def test_a_wrong_budget_is_refused_before_anything_is_written(tmp_path: Path, space: Space) -> None:
    (tmp_path / "space.yaml").write_text(space.text())
    with pytest.raises(Faults, match=r"--set sweep\.trials: must be at least 1, got 0"):
        raised(tmp_path, {"trials": 0})
    assert (tmp_path / "space.yaml").read_text() == space.text()


@pytest.mark.parametrize(
    ("budget", "match"),
    [
        ({"trials": 1}, r"--trials: must be at least the 2 trials that were asked for in .*, got 1\."),
        ({"epochs": 39}, r"--epochs: must be at least the 40 epochs that were spent in .*, got 39\."),
        ({"hours": 0.25}, r"--hours: must be at least the 0\.5 hours that were spent in .*, got 0\.25\."),
        ({"macs": 1e8}, r"--macs: must be at least the 1000000000 macs that were spent in"),
    ],
)
def test_less_than_was_spent_is_refused(tmp_path: Path, budget: dict[str, float], match: str) -> None:
    spent = Spent(seconds=1800, epochs=40, macs=10**9)
    check_enough(
        tmp_path, {"trials": 2, "epochs": 40, "hours": 0.5, "macs": 1e9, "patience": 1}, ASKED, spent
    )
    with pytest.raises(InputError, match=match):
        check_enough(tmp_path, budget, ASKED, spent)
