import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.util.tensor_util import make_ndarray

from sweeper import event_file
from sweeper.space import Space
from sweeper.tensorboard import TensorBoard, run_name


@pytest.fixture
def space(space_of: Callable[[str], Space], space_text: str) -> Space:
    """The small space with a range, and a setting that is yes or no."""
    text = space_text.replace(", points: 4}", "}") + "  finetune.nesterov: [false, true]\n"
    return space_of(text)


@pytest.fixture
def board(tmp_path: Path, space: Space) -> TensorBoard:
    return TensorBoard(tmp_path / "tensorboard", space)


@pytest.fixture
def walk(walk_of: Callable[..., Any], space: Space, board: TensorBoard) -> Any:
    """A sweep to whose every event and epoch the board listens."""
    return walk_of(space, listeners=[board.event], watchers=[board.entry])


def curve(folder: Path, run: str, tag: str) -> list[tuple[int, float]]:
    read = EventAccumulator(str(folder / run)).Reload()
    return [(point.step, point.value) for point in read.Scalars(tag)]


def session_end(folder: Path, run: str) -> Any:
    read = EventAccumulator(str(folder / run)).Reload()
    content = read.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content
    return metadata.parse_session_end_info_plugin_data(content)


def settings(folder: Path, run: str) -> dict[str, Any]:
    read = EventAccumulator(str(folder / run)).Reload()
    content = read.SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    info = metadata.parse_session_start_info_plugin_data(content)
    return {key: getattr(value, str(value.WhichOneof("kind"))) for key, value in info.hparams.items()}


def columns(folder: Path) -> Any:
    read = EventAccumulator(str(folder)).Reload()
    return metadata.parse_experiment_plugin_data(
        read.SummaryMetadata(metadata.EXPERIMENT_TAG).plugin_data.content
    )


def test_the_table_has_one_column_a_searched_setting_with_its_values(
    space: Space, board: TensorBoard
) -> None:
    infos = {info.name: info for info in columns(board.folder).hparam_infos}
    assert list(infos) == [knob.key for knob in space.knobs]
    assert list(infos["prune.percent"].domain_discrete) == [0.5, 0.7]
    assert set(infos["finetune.kd"].domain_discrete) == {"none", "dist"}
    assert infos["finetune.nesterov"].type == api_pb2.DATA_TYPE_BOOL
    assert infos["sparsity.s"].domain_interval.min_value == 1e-3
    assert infos["sparsity.s"].domain_interval.max_value == 3e-2


@pytest.mark.parametrize(("evaluate", "shown"), [("none", False), ("all", True)])
def test_test_accuracy_is_a_column_only_where_every_trial_has_one(
    tmp_path: Path, space_of: Callable[[str], Space], space_text: str, evaluate: str, shown: bool
) -> None:
    evaluated = "" if evaluate == "none" else f"evaluate: {evaluate}\n"
    TensorBoard(tmp_path / "tensorboard", space_of(space_text + evaluated))
    names = [info.display_name for info in columns(tmp_path / "tensorboard").metric_infos]
    assert names[0] == "accuracy"
    assert ("test_accuracy" in names) == shown


def test_every_stage_has_its_curves_at_its_own_epochs(walk: Any, board: TensorBoard) -> None:
    walk.complete()
    assert curve(board.folder, "trial_0000", "sparsity/accuracy") == [(1, 0.25), (2, 0.5)]
    assert curve(board.folder, "trial_0000", "prune/accuracy") == [(0, 0.0)]
    assert curve(board.folder, "trial_0000", "prune/macs") == [(0, 400.0)]
    assert curve(board.folder, "trial_0000", "finetune/accuracy") == [(e, e / 4) for e in (1, 2, 3, 4)]
    assert [step for step, _ in curve(board.folder, "trial_0000", "finetune/lr")] == [1, 2, 3, 4]


def test_a_row_is_there_from_the_start_without_the_settings_that_do_not_matter(
    walk: Any, board: TensorBoard
) -> None:
    trials = [walk.begin() for _ in range(8)]
    assert {trial.params["finetune.kd"] for trial in trials} == {"none", "dist"}
    for trial in trials:
        row = settings(board.folder, f"trial_{trial.number:04d}")
        assert row == trial.params
        assert ("finetune.kd_weight" in row) == (row["finetune.kd"] == "dist")


def test_every_trial_is_in_the_table_however_it_ended(walk: Any, board: TensorBoard) -> None:
    whole, broken, outside, running = (walk.begin() for _ in range(4))
    walk.complete(whole)
    walk.book.record(broken.number, {"kind": "failed", "reason": "the loss is nan"})
    walk.epochs(outside, "sparsity", 2)
    walk.cut(outside, macs=900)
    status = {n: session_end(board.folder, f"trial_{n:04d}").status for n in (0, 1, 2)}
    assert status == {0: api_pb2.STATUS_SUCCESS, 1: api_pb2.STATUS_FAILURE, 2: api_pb2.STATUS_UNKNOWN}
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(board.folder)).Reload()
    rows = multiplexer.PluginRunToTagToContent(metadata.PLUGIN_NAME)
    assert sorted(run for run, tags in rows.items() if metadata.SESSION_START_INFO_TAG in tags) == [
        f"trial_{trial.number:04d}" for trial in (whole, broken, outside, running)
    ]


def test_the_final_metrics_stand_in_the_row(walk: Any, board: TensorBoard) -> None:
    walk.complete()
    last = {
        name: curve(board.folder, "trial_0000", f"trial/{name}") for name in ("accuracy", "macs", "epochs")
    }
    assert last == {"accuracy": [(6, 0.75)], "macs": [(6, 400.0)], "epochs": [(6, 6.0)]}


def test_the_reason_is_told_as_text(walk: Any, board: TensorBoard) -> None:
    walk.fail("the loss is nan")
    read = EventAccumulator(str(board.folder / "trial_0000")).Reload()
    (event,) = read.Tensors("trial/state")
    assert make_ndarray(event.tensor_proto).tolist() == [b"failed: the loss is nan"]


def test_an_epoch_that_is_told_again_by_another_worker_is_written_once(walk: Any, board: TensorBoard) -> None:
    live = walk.begin()
    walk.epochs(live, "sparsity", 1)
    walk.book.record(live.number, {"kind": "begin"})
    walk.epochs(live, "sparsity", 2)
    assert curve(board.folder, "trial_0000", "sparsity/accuracy") == [(1, 0.25), (2, 0.5)]


def test_the_teacher_has_one_run_however_many_tell_of_it(walk: Any, board: TensorBoard, space: Space) -> None:
    one, other = walk.begin(), walk.begin()
    walk.epochs(one, "teacher", 1)
    walk.epochs(other, "teacher", 1, kind="reused")
    again = TensorBoard(board.folder, space)
    again.rebuild(walk.events)
    again.entry(0, walk.epoch("teacher", 1, "t1"), True)
    again.entry(0, walk.epoch("teacher", 2, "t2"), False)
    assert curve(board.folder, "teacher", "teacher/accuracy") == [(1, 0.25), (2, 0.5)]


def test_teachers_that_are_searched_have_a_run_each(
    tmp_path: Path, walk: Any, space_of: Callable[[str], Space], space_text: str
) -> None:
    teachers = "  teacher.model: {choice: [resnet8x4, resnet14x4], when: {finetune.kd: dist}}\n"
    board = TensorBoard(tmp_path / "tb", space_of(space_text + teachers))
    for number, model in enumerate(("resnet8x4", "resnet14x4")):
        asked = {
            "event": "asked",
            "trial": number,
            "params": {"teacher.model": model},
            "time": "2026-01-02T03:04:05Z",
        }
        board.event(asked)
        board.entry(number, walk.epoch("teacher", 1, model), False)
    assert curve(tmp_path / "tb", "teacher_model=resnet14x4", "teacher/accuracy") == [(1, 0.25)]
    assert curve(tmp_path / "tb", "teacher_model=resnet8x4", "teacher/accuracy") == [(1, 0.25)]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_whole_files_are_left_alone_on_resume(walk: Any, board: TensorBoard, space: Space) -> None:
    walk.complete()
    before = bytes_of(board.folder)
    TensorBoard(board.folder, space).rebuild(walk.events)
    assert bytes_of(board.folder) == before


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


@pytest.mark.parametrize("damage", [torn, Path.unlink, lambda file: file.write_bytes(b"")])
def test_a_damaged_or_missing_file_of_an_ended_trial_is_made_again(
    walk: Any, board: TensorBoard, space: Space, damage: Callable[[Path], object]
) -> None:
    walk.complete()
    tags = ["sparsity/accuracy", "prune/macs", "finetune/train_loss", "trial/accuracy"]
    before = {tag: curve(board.folder, "trial_0000", tag) for tag in tags}
    for file in event_file.files(board.folder / "trial_0000"):
        damage(file)
    TensorBoard(board.folder, space).rebuild(walk.events)
    assert {tag: curve(board.folder, "trial_0000", tag) for tag in tags} == before
    assert session_end(board.folder, "trial_0000").status == api_pb2.STATUS_SUCCESS


def test_an_unfinished_trial_begins_anew_on_resume_under_a_later_name(
    walk: Any, board: TensorBoard, space: Space
) -> None:
    live = walk.begin()
    walk.epochs(live, "sparsity", 2)
    (old,) = event_file.files(board.folder / "trial_0000")
    board = TensorBoard(board.folder, space)
    board.rebuild(walk.events)
    board.entry(0, walk.epoch("sparsity", 1, "s1"), True)
    (new,) = event_file.files(board.folder / "trial_0000")
    assert new.name > old.name
    assert curve(board.folder, "trial_0000", "sparsity/accuracy") == [(1, 0.25)]


def test_a_torn_end_is_cut_off_before_more_is_written(tmp_path: Path) -> None:
    file = event_file.create(tmp_path, [event_file.scalars({"a": n}, step=n) for n in range(3)])
    whole = file.read_bytes()
    _, size = event_file.read(file)
    assert size == len(whole)
    for cut in itertools.chain(range(1, 20), [len(whole) - 1]):
        file.write_bytes(whole[:-cut])
        protos, size = event_file.read(file)
        assert size <= len(whole) - cut
        assert len(protos) < 4
        assert file.read_bytes()[:size] == whole[:size]


def test_a_flipped_byte_anywhere_makes_an_ended_trials_file_again(
    walk: Any, board: TensorBoard, space: Space
) -> None:
    walk.complete()
    run = board.folder / "trial_0000"
    before = curve(board.folder, "trial_0000", "finetune/accuracy")
    whole = event_file.files(run)[0].read_bytes()
    for at in range(0, len(whole), len(whole) // 40):
        (file,) = event_file.files(run)
        content = bytearray(whole)
        content[at] ^= 4
        file.write_bytes(content)
        assert event_file.read(file)[1] < len(whole)
        TensorBoard(board.folder, space).rebuild(walk.events)
        assert curve(board.folder, "trial_0000", "finetune/accuracy") == before


def test_a_file_is_later_than_those_before_it_though_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for now in (2_000, 1_000, 3_000):
        monkeypatch.setattr(event_file.time, "time_ns", lambda now=now: now * 10**9)
        names.append(event_file.create(tmp_path).name)
    assert names == sorted(set(names))
    assert [file.name for file in event_file.files(tmp_path)] == names[-1:]


def test_a_disk_that_takes_nothing_is_remembered_and_stops_no_one(walk: Any, board: TensorBoard) -> None:
    live = walk.begin()
    for file in event_file.files(board.folder / "trial_0000"):
        file.unlink()
        file.mkdir()
    walk.complete(live)
    assert walk.book.ended[0]["state"] == "complete"
    assert "Is a directory" in str(board.trouble)


def test_neither_torch_nor_tensorflow_is_needed() -> None:
    code = "import sys, sweeper.tensorboard; print({'torch', 'tensorflow', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_place_that_can_hold_nothing_is_trouble_and_no_error(tmp_path: Path, space: Space) -> None:
    (tmp_path / "tensorboard").touch()
    board = TensorBoard(tmp_path / "tensorboard", space)
    assert "tensorboard: File exists" in str(board.trouble)


def test_the_runs_of_a_confirmation_have_curves_and_names_but_no_row(
    walk: Any, space: Space, tmp_path: Path
) -> None:
    walk.complete()
    about = {"role": "baseline", "of": 7, "seed": 1, "data": "train"}
    asked, end = ({**event, **about} for event in walk.events if event["event"] in ("asked", "end"))
    folder = tmp_path / "confirmed"
    board = TensorBoard(folder, space)
    board.event(asked)
    board.entry(0, walk.epoch("finetune", 1), reused=False)
    assert curve(folder, "confirm-baseline-7-seed1", "finetune/accuracy") == [(1, 0.25)]
    board.event(end)
    first = event_file.files(folder / "confirm-baseline-7-seed1")
    board.rebuild([asked, end])
    assert event_file.files(folder / "confirm-baseline-7-seed1") == first  # it is whole
    with pytest.raises(KeyError, match="session_start_info"):
        settings(folder, "confirm-baseline-7-seed1")
    first[0].unlink()
    board.rebuild([asked, end])
    points = curve(folder, "confirm-baseline-7-seed1", "finetune/accuracy")
    assert points == [(epoch, epoch / 4) for epoch in range(1, 5)]
    assert run_name(end | {"data": "train+val"}) == "confirm-baseline-7-seed1-train+val"
