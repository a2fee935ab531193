import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeper.closing import say_closing
from sweeper.manifest import Manifest
from sweeper.space import Space


@pytest.fixture
def close(walk: Any, tmp_path: Path, space: Space, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Ends the walk and says the closing of its run, as from the folder above it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWEEPER_STORE", raising=False)

    def say(store: Path | None = Path("store"), *, as_json: bool = False, **facts: str) -> str:
        walk.log.close()
        folder = Path("small")
        (folder / "space.yaml").write_text(space.text().replace("hours: null", "hours: 0.5"))
        Manifest.new(folder, space, command=[], store=store).write("done", **facts)
        stream = io.StringIO()
        say_closing(folder, stream, as_json=as_json)
        return stream.getvalue()

    return say


def next_lines(said: str) -> list[str]:
    return [line.strip() for line in said[said.index("\nnext\n") :].splitlines()[2:]]


def test_the_best_comes_with_the_three_commands_to_type_next(walk: Any, close: Callable[..., str]) -> None:
    walk.complete(accuracy=0.5)
    walk.complete(accuracy=0.75)
    said = close()
    assert "best    Trial 1: accuracy 75" in said
    assert "trials  2 complete" in said
    assert next_lines(said) == [
        "python -m analysis report small",
        "tensorboard --logdir small/tensorboard",
        "python -m sweeper train small/report/best.yaml",
    ]


def test_the_training_is_told_where_the_states_are_unless_it_looks_there_anyway(
    walk: Any, close: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk.complete()
    train = "python -m sweeper train small/report/best.yaml"
    assert next_lines(close(tmp_path / "other"))[2] == f"{train} --store other"
    assert next_lines(close(None))[2] == train
    monkeypatch.setenv("SWEEPER_STORE", "other")
    assert next_lines(close(tmp_path / "other"))[2] == train
    assert next_lines(close())[2] == f"{train} --store store"


def test_a_sweep_that_has_ended_early_says_why_and_how_it_goes_on(
    walk: Any, close: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    walk.complete()
    assert "No more were asked for" not in close(ended_by="trials")
    said = " ".join(close(ended_by="hours", as_json=True).split())
    assert (
        "No more were asked for: its 0.5 hours are over. More: python -m sweeper resume small --hours N."
        in said
    )
    assert json.loads(capsys.readouterr().out)["ended_by"] == "hours"
    said = " ".join(close(ended_by="exhausted").split())
    assert "No more were asked for: the sampler came upon nothing new. epochs" in said


def test_where_no_network_is_within_a_bound_it_is_named_with_the_nearest(
    walk: Any, close: Callable[..., str]
) -> None:
    walk.infeasible(900)
    walk.infeasible(650)
    walk.fail()
    said = close()
    words = " ".join(said.split())
    assert "best No network is within macs <= 0.6: it refused 2 of 3 trials." in words
    assert "Trial 1 came nearest: macs 650 (0.650 of the unpruned) is not <= 0.6." in words
    assert next_lines(said)[2] == ("loosen constraints.macs, or search other settings, under another --name")
    assert "best.yaml" not in said


def test_where_no_trial_is_complete_otherwise_the_first_reason_is_told(
    walk: Any, close: Callable[..., str]
) -> None:
    walk.fail("finetune: the loss is not finite in epoch 1")
    walk.fail()
    said = close()
    assert "No trial is complete: 2 failed. finetune: the loss is not finite in epoch 1" in " ".join(
        said.split()
    )
    assert "best.yaml" not in said


def test_for_scripts_it_ends_with_one_line(
    walk: Any, close: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    walk.complete()
    close(as_json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["best"]["trial"] == 0
    assert facts["best"]["metrics"]["accuracy"] == 0.75
    assert facts["trials"]["complete"] == 1
    assert facts["epochs"] == {"alone": 6, "trained": 4, "executed": None, "teacher": 0}


def test_without_a_best_the_line_says_null(
    walk: Any, close: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    walk.infeasible()
    close(as_json=True)
    assert json.loads(capsys.readouterr().out)["best"] is None


def test_a_confirmation_is_told_as_far_as_it_is(
    walk: Any, close: Callable[..., str], space_of: Callable[[str], Space], space_text: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    walk.complete()
    said = close()
    assert "confirm " not in said
    confirming = space_of(space_text + "confirm: {top: 2, seeds: 2}\n")
    (tmp_path / "small" / "space.yaml").write_text(confirming.text())
    Manifest.new(tmp_path / "small", confirming, command=[], store=None).write("interrupted")
    stream = io.StringIO()
    say_closing(tmp_path / "small", stream, as_json=True)
    assert "confirm 1 finalist and a baseline on 2 fresh seeds: 0 of 4 runs ended" in stream.getvalue()
    assert json.loads(capsys.readouterr().out)["confirm"] == {"ended": 0, "planned": 4}
