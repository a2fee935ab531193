import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import OtherFormatError
from sweeper.confirm import plan_runs
from sweeper.errors import BusyError, CannotFinishError
from sweeper.folder import owned
from sweeper.manifest import Manifest
from sweeper.options import Options
from sweeper.run import resume, start
from sweeper.space import Space
from trainables.errors import InputError, TrainingFailedError

TEXT = """\
name: small
data: {source: digits, val_fraction: 0.5}
model: preresnet8
prune: {method: slimming}
finetune: {epochs: 2, warmup: 0, decay_every: 1}
"""
SEARCH = "search: {prune.percent: [0.3, 0.5]}\nsweep: {trials: 2}\n"
SpaceOf = Callable[[str], Space]


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(store=tmp_path / "store", stream=io.StringIO())


def refused(space: Space, options: Options, out: Path) -> None:
    start(space, out=out, options=options, command=[])


def test_one_configuration_is_no_sweep(tmp_path: Path, space_of: SpaceOf, options: Options) -> None:
    with pytest.raises(InputError, match=r"f\.yaml: search: is required to run a sweep\. Use sweeper train"):
        refused(space_of(TEXT), options, tmp_path)


@pytest.mark.parametrize(
    ("line", "with_", "match"),
    [
        ("{source: digits, val_fraction: 0.5}", "{source: cifar100}", "f.yaml: data.path: CIFAR100 is not in data"),
        (
            "{source: digits, val_fraction: 0.5}",
            "{source: npz, path: none.npz}",
            "f.yaml: data.path: must exist, got none.npz",
        ),
        (
            "model:",
            "teacher: {checkpoint: none.pth}\nmodel:",
            'f.yaml: teacher.checkpoint: no such file, got "none.pth"',
        ),
        ("sweep: {", "resources: {workers: 1000000}\nsweep: {", "resources.workers: at most .* fit .*, got 1000000"),
    ],
)  # fmt: skip
def test_a_refused_run_leaves_nothing_behind(
    tmp_path: Path, space_of: SpaceOf, options: Options, monkeypatch: pytest.MonkeyPatch,
    line: str, with_: str, match: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=match):
        refused(space_of((TEXT + SEARCH).replace(line, with_)), options, Path("runs"))
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_does_nothing_leaves_nothing_behind(
    tmp_path: Path, space_of: SpaceOf, options: Options
) -> None:
    text = TEXT.replace("prune:", "sparsity: {epochs: 2, warmup: 0, decay_every: 1, s: 0.01}\nprune:")
    nothing = text + "search: {sparsity.on: [all, prunable]}\nsweep: {trials: 2}\n"
    with pytest.raises(TrainingFailedError, match=r"canary: .*sparsity\.on: these settings do nothing here"):
        refused(space_of(nothing), options, tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def test_a_run_in_a_folder_that_exists_leaves_it_as_it_is(
    tmp_path: Path, space_of: SpaceOf, options: Options
) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "space.yaml").touch()
    with pytest.raises(InputError, match="small: the run exists already"):
        refused(space_of(TEXT + SEARCH), options, tmp_path)
    assert [file.name for file in folder.iterdir()] == ["space.yaml"]
    with owned(folder), pytest.raises(BusyError, match="is running this sweep"):
        refused(space_of(TEXT + SEARCH), options, tmp_path)


@pytest.mark.parametrize(("taken", "option"), [("runs", "--out"), ("store", "--store")])
def test_a_file_in_a_folders_place_is_told(
    tmp_path: Path, space_of: SpaceOf, options: Options, taken: str, option: str
) -> None:
    (tmp_path / taken).touch()
    with pytest.raises(
        CannotFinishError, match=rf"{taken}.*: can't be made: .*\. Give {option} another folder"
    ):
        refused(space_of(TEXT + SEARCH), options, tmp_path / "runs")
    assert not (tmp_path / "runs").is_dir()


# --- resume, of runs in which nothing is left to do ----------------------------------------------


@pytest.fixture
def folder(walk: Any, tmp_path: Path, space: Space) -> Path:
    """A begun run of twelve trials; the test walks them to their ends."""
    (tmp_path / "small" / "space.yaml").write_text(space.text())
    return tmp_path / "small"


def status(folder: Path) -> object:
    return json.loads((folder / "manifest.json").read_text())["status"]


def interrupted(folder: Path, space: Space) -> None:
    """Its manifest, as a session before has left it."""
    Manifest.new(folder, space, command=[], store=None).write("interrupted")


def said(options: Options) -> list[str]:
    assert isinstance(options.stream, io.StringIO)
    return options.stream.getvalue().splitlines()


def finish(walk: Any, *ends: Callable[[], object]) -> None:
    for number in range(12):
        ends[number % len(ends)]()
    walk.log.close()


def test_a_done_run_stays_done_and_its_files_for_others_are_made_again(
    walk: Any, folder: Path, options: Options, space: Space
) -> None:
    finish(walk, walk.complete, walk.infeasible)
    interrupted(folder, space)
    before = (folder / "trials.jsonl").read_bytes()
    resume(folder, options=options, command=["sweeper", "resume"])
    assert status(folder) == "done"
    assert (folder / "trials.jsonl").read_bytes() == before
    assert (folder / "study.db").exists()
    assert (folder / "tensorboard" / "trial_0011").is_dir()
    assert said(options) == []


def test_a_resumed_run_says_its_warnings_again(
    walk_of: Callable[..., Any], space_of: SpaceOf, space_text: str, folder: Path, options: Options
) -> None:
    text = space_text.replace('constraints: {macs: "<= 0.6"}\n', "")
    (folder / "space.yaml").write_text(text)
    walk = walk_of(space_of(text))
    finish(walk, walk.complete)
    resume(folder, options=options, command=[])
    assert [
        line for line in said(options) if line.startswith("warning: accuracy alone is won by pruning least")
    ]


def test_a_run_in_which_every_trial_failed_cannot_finish(walk: Any, folder: Path, options: Options) -> None:
    finish(walk, lambda: walk.fail("the loss is nan"))
    with pytest.raises(CannotFinishError, match="every trial failed, the first with: the loss is nan"):
        resume(folder, options=options, command=[])
    assert status(folder) == "failed"


def test_a_run_in_which_no_network_is_within_the_bounds_is_done(
    walk: Any, folder: Path, options: Options
) -> None:
    finish(walk, walk.infeasible)
    resume(folder, options=options, command=[])
    assert status(folder) == "done"


def test_what_could_not_be_mirrored_is_said_once_each_at_the_end(
    walk: Any, folder: Path, options: Options, space: Space
) -> None:
    finish(walk, walk.complete)
    interrupted(folder, space)
    (folder / "tensorboard").touch()
    (folder / "study.db").mkdir()
    resume(folder, options=options, command=[])
    board, mirror = said(options)
    assert board.startswith(f"warning: {folder}/tensorboard")
    assert mirror.startswith(f"warning: {folder}/study.db: ")
    assert all(line.endswith(f"; sweeper resume {folder} makes it again") for line in (board, mirror))


def test_what_is_gone_since_the_start_fails_no_trial(
    walk: Any, folder: Path, options: Options, space_text: str
) -> None:
    walk.complete()
    walk.log.close()
    gone = space_text.replace("{source: digits}", "{source: npz, path: gone.npz}")
    (folder / "space.yaml").write_text(gone)
    before = (folder / "trials.jsonl").read_bytes()
    with pytest.raises(InputError, match=r"space\.yaml: data\.path: must exist, got gone\.npz"):
        resume(folder, options=options, command=[])
    assert (folder / "trials.jsonl").read_bytes() == before


def test_a_folder_of_another_format_is_not_touched(tmp_path: Path, options: Options, space: Space) -> None:
    (tmp_path / "space.yaml").write_text(space.text())
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(OtherFormatError, match=r"manifest\.json: format: this version reads 1, got 99"):
        resume(tmp_path, options=options, command=[])
    assert not (tmp_path / "trials.jsonl").exists()


def test_a_folder_without_a_run_is_not_resumed(tmp_path: Path, options: Options) -> None:
    with pytest.raises(InputError, match=r"none: no such run folder"):
        resume(tmp_path / "none", options=options, command=[])


# --- confirmation, where nothing is left to run --------------------------------------------------


@pytest.fixture
def confirming(walk_of: Callable[..., Any], space_of: SpaceOf, space_text: str, tmp_path: Path) -> Any:
    """A walk in the folder of a run that is to be confirmed."""
    space = space_of(space_text + "confirm: {top: 1, seeds: 2}\n")
    walk = walk_of(space)
    (tmp_path / "small" / "space.yaml").write_text(space.text())
    return walk


def test_a_search_that_found_nothing_has_nothing_to_confirm(
    confirming: Any, tmp_path: Path, options: Options
) -> None:
    finish(confirming, confirming.infeasible)
    resume(tmp_path / "small", options=options, command=[])
    assert status(tmp_path / "small") == "done"
    assert not (tmp_path / "small" / "confirm.jsonl").exists()


@pytest.mark.parametrize("state", ["complete", "failed"])
def test_a_confirmation_that_has_ended_stays_as_it_is(
    confirming: Any, tmp_path: Path, options: Options, state: str
) -> None:
    folder = tmp_path / "small"
    finish(confirming, confirming.complete)
    runs = plan_runs(confirming.space, [(0, confirming.book.ended[0]["params"])])
    events = []
    for number, one in enumerate(runs):
        asked = {"event": "asked", "trial": number, "params": one.params, "time": "2026-01-01T00:00:00Z"}
        end = confirming.book.ended[0] | {"trial": number, "state": state, "reason": "the loss is nan"}
        events += [asked | one.about, end | one.about]
    (folder / "confirm.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    interrupted(folder, confirming.space)
    before = (folder / "confirm.jsonl").read_bytes()
    resume(folder, options=options, command=[])
    assert status(folder) == "done"
    assert (folder / "confirm.jsonl").read_bytes() == before
    failed = ["warning: every confirm run failed, the first with: the loss is nan"]
    assert said(options) == (failed if state == "failed" else [])
