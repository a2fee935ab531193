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

from analysis.events import EventLog, read_events
from sweeper import event_file
from sweeper.book import Book, Live
from sweeper.space import Space, load
from sweeper.tensorboard import TensorBoard

SPACE = """
data: {source: digits}
model: preresnet8x4
teacher: {model: resnet8x4, epochs: 2, warmup: 1, decay_every: 1}
sparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}
prune: {}
finetune: {epochs: 3, warmup: 1, decay_every: 1, lr: 0.02}
search:
  sparsity.s: {log_uniform: [1e-3, 3e-2]}
  prune.percent: [0.5, 0.7]
  finetune.kd: [none, dist]
  finetune.kd_weight: {choice: [1, 2], when: {finetune.kd: dist}}
  finetune.nesterov: [false, true]
constraints: {macs: "<= 0.6"}
sweep: {trials: 8, sampler: random}
"""


@pytest.fixture
def space(tmp_path: Path) -> Space:
    file = tmp_path / "small.yaml"
    file.write_text(SPACE)
    return load(str(file))


class Sweep:
    """A real book with a TensorBoard that listens; trials are walked through by hand."""

    def __init__(self, run: Path, space: Space) -> None:
        run.mkdir(exist_ok=True)
        self.folder = run / "tensorboard"
        self.space = space
        self.log = EventLog(run / "trials.jsonl")
        self.board = TensorBoard(self.folder, space)
        self.book = Book(space, self.log, listeners=[self.board.event])

    def events(self) -> list[dict[str, Any]]:
        return read_events(self.log.path)[0]

    def epochs(self, live: Live, stage: str, epochs: int, *, kind: str = "epoch") -> None:
        entries = [epoch(stage, e, f"{live.number}-{stage}-{e}") for e in range(1, epochs + 1)]
        for entry in entries:
            self.board.entry(live.number, entry, kind == "reused")
        if kind == "reused":
            self.book.record(live.number, {"kind": kind, "stage": stage, "epochs": entries})
        else:
            for entry in entries:
                self.book.record(live.number, {"kind": kind, **entry})

    def cut(self, live: Live, macs: int = 400) -> None:
        entry = epoch("prune", 0, f"{live.number}-cut") | {
            "params": 70, "macs": macs, "params_unpruned": 100, "macs_unpruned": 1000, "percent_cut": 0.49,
            "channels": [3, 4], "channels_unpruned": [8, 8],
        }  # fmt: skip
        self.board.entry(live.number, entry, False)
        self.book.record(live.number, {"kind": "prune", **entry})

    def complete(self, live: Live) -> None:
        self.epochs(live, "sparsity", 2, kind="reused")
        self.cut(live)
        self.epochs(live, "finetune", 3)
        metrics = {
            "accuracy": 0.75,
            "accuracy_best_epoch": 0.8,
            "loss": 0.5,
            "macs": 400,
            "macs_unpruned": 1000,
        }
        self.book.record(live.number, {"kind": "done", "metrics": metrics | {"params": 70, "address": "abc"}})


def epoch(stage: str, number: int, address: str) -> dict[str, Any]:
    values = {"lr": 0.1, "train_loss": 1 / (number + 1), "accuracy": number / 4, "loss": 0.5, "seconds": 0.25}
    return {"stage": stage, "epoch": number, **values, "address": address}


@pytest.fixture
def sweep(tmp_path: Path, space: Space) -> Any:
    sweep = Sweep(tmp_path / "run", space)
    yield sweep
    sweep.log.close()


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


def test_the_table_has_one_column_a_searched_setting_with_its_values(sweep: Sweep) -> None:
    infos = {info.name: info for info in columns(sweep.folder).hparam_infos}
    assert list(infos) == [knob.key for knob in sweep.space.knobs]
    assert list(infos["prune.percent"].domain_discrete) == [0.5, 0.7]
    assert set(infos["finetune.kd"].domain_discrete) == {"none", "dist"}
    assert infos["finetune.nesterov"].type == api_pb2.DATA_TYPE_BOOL
    assert infos["sparsity.s"].domain_interval.min_value == 1e-3
    assert infos["sparsity.s"].domain_interval.max_value == 3e-2


@pytest.mark.parametrize(("evaluate", "shown"), [("none", False), ("all", True)])
def test_test_accuracy_is_a_column_only_where_every_trial_has_one(
    tmp_path: Path, evaluate: str, shown: bool
) -> None:
    file = tmp_path / "evaluated.yaml"
    file.write_text(SPACE if evaluate == "none" else SPACE + f"evaluate: {evaluate}\n")
    TensorBoard(tmp_path / "tensorboard", load(str(file)))
    names = [info.display_name for info in columns(tmp_path / "tensorboard").metric_infos]
    assert names[0] == "accuracy"
    assert ("test_accuracy" in names) == shown


def test_every_stage_has_its_curves_at_its_own_epochs(sweep: Sweep) -> None:
    sweep.complete(sweep.book.next())
    assert curve(sweep.folder, "trial_0000", "sparsity/accuracy") == [(1, 0.25), (2, 0.5)]
    assert curve(sweep.folder, "trial_0000", "prune/accuracy") == [(0, 0.0)]
    assert curve(sweep.folder, "trial_0000", "prune/macs") == [(0, 400.0)]
    assert curve(sweep.folder, "trial_0000", "finetune/accuracy") == [(1, 0.25), (2, 0.5), (3, 0.75)]
    assert [step for step, _ in curve(sweep.folder, "trial_0000", "finetune/lr")] == [1, 2, 3]


def test_a_row_is_there_from_the_start_without_the_settings_that_do_not_matter(sweep: Sweep) -> None:
    trials = [sweep.book.next() for _ in range(8)]
    assert {trial.params["finetune.kd"] for trial in trials} == {"none", "dist"}
    for trial in trials:
        row = settings(sweep.folder, f"trial_{trial.number:04d}")
        assert row == trial.params
        assert ("finetune.kd_weight" in row) == (row["finetune.kd"] == "dist")


def test_every_trial_is_in_the_table_however_it_ended(sweep: Sweep) -> None:
    whole, broken, outside, running = (sweep.book.next() for _ in range(4))
    sweep.complete(whole)
    sweep.book.record(broken.number, {"kind": "failed", "reason": "the loss is nan"})
    sweep.epochs(outside, "sparsity", 2)
    sweep.cut(outside, macs=900)
    status = {n: session_end(sweep.folder, f"trial_{n:04d}").status for n in (0, 1, 2)}
    assert status == {0: api_pb2.STATUS_SUCCESS, 1: api_pb2.STATUS_FAILURE, 2: api_pb2.STATUS_UNKNOWN}
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(sweep.folder)).Reload()
    rows = multiplexer.PluginRunToTagToContent(metadata.PLUGIN_NAME)
    assert sorted(run for run, tags in rows.items() if metadata.SESSION_START_INFO_TAG in tags) == [
        f"trial_{trial.number:04d}" for trial in (whole, broken, outside, running)
    ]


def test_the_final_metrics_stand_in_the_row(sweep: Sweep) -> None:
    sweep.complete(sweep.book.next())
    last = {
        name: curve(sweep.folder, "trial_0000", f"trial/{name}") for name in ("accuracy", "macs", "epochs")
    }
    assert last == {"accuracy": [(5, 0.75)], "macs": [(5, 400.0)], "epochs": [(5, 5.0)]}


def test_the_reason_is_told_as_text(sweep: Sweep) -> None:
    sweep.book.record(sweep.book.next().number, {"kind": "failed", "reason": "the loss is nan"})
    read = EventAccumulator(str(sweep.folder / "trial_0000")).Reload()
    (event,) = read.Tensors("trial/state")
    assert make_ndarray(event.tensor_proto).tolist() == [b"failed: the loss is nan"]


def test_an_epoch_that_is_told_again_by_another_worker_is_written_once(sweep: Sweep) -> None:
    live = sweep.book.next()
    sweep.epochs(live, "sparsity", 1)
    sweep.book.record(live.number, {"kind": "begin"})
    sweep.epochs(live, "sparsity", 2)
    assert curve(sweep.folder, "trial_0000", "sparsity/accuracy") == [(1, 0.25), (2, 0.5)]


def test_the_teacher_has_one_run_however_many_tell_of_it(sweep: Sweep, space: Space) -> None:
    one, other = sweep.book.next(), sweep.book.next()
    sweep.epochs(one, "teacher", 1)
    sweep.epochs(other, "teacher", 1, kind="reused")
    again = TensorBoard(sweep.folder, space)
    again.rebuild(sweep.events())
    again.entry(0, epoch("teacher", 1, "t1"), True)
    again.entry(0, epoch("teacher", 2, "t2"), False)
    assert curve(sweep.folder, "teacher", "teacher/accuracy") == [(1, 0.25), (2, 0.5)]


def test_teachers_that_are_searched_have_a_run_each(tmp_path: Path) -> None:
    file = tmp_path / "teachers.yaml"
    file.write_text(SPACE.replace("search:", "search:\n  teacher.model: [resnet8x4, resnet14x4]"))
    board = TensorBoard(tmp_path / "tb", load(str(file)))
    for number, model in enumerate(("resnet8x4", "resnet14x4")):
        asked = {
            "event": "asked",
            "trial": number,
            "params": {"teacher.model": model},
            "time": "2026-01-02T03:04:05Z",
        }
        board.event(asked)
        board.entry(number, epoch("teacher", 1, model), False)
    assert curve(tmp_path / "tb", "teacher_model=resnet14x4", "teacher/accuracy") == [(1, 0.25)]
    assert curve(tmp_path / "tb", "teacher_model=resnet8x4", "teacher/accuracy") == [(1, 0.25)]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_whole_files_are_left_alone_on_resume(sweep: Sweep, space: Space) -> None:
    sweep.complete(sweep.book.next())
    before = bytes_of(sweep.folder)
    TensorBoard(sweep.folder, space).rebuild(sweep.events())
    assert bytes_of(sweep.folder) == before


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


@pytest.mark.parametrize("damage", [torn, Path.unlink, lambda file: file.write_bytes(b"")])
def test_a_damaged_or_missing_file_of_an_ended_trial_is_made_again(
    sweep: Sweep, space: Space, damage: Callable[[Path], object]
) -> None:
    sweep.complete(sweep.book.next())
    tags = ["sparsity/accuracy", "prune/macs", "finetune/train_loss", "trial/accuracy"]
    before = {tag: curve(sweep.folder, "trial_0000", tag) for tag in tags}
    for file in event_file.files(sweep.folder / "trial_0000"):
        damage(file)
    TensorBoard(sweep.folder, space).rebuild(sweep.events())
    assert {tag: curve(sweep.folder, "trial_0000", tag) for tag in tags} == before
    assert session_end(sweep.folder, "trial_0000").status == api_pb2.STATUS_SUCCESS


def test_an_unfinished_trial_begins_anew_on_resume_under_a_later_name(sweep: Sweep, space: Space) -> None:
    live = sweep.book.next()
    sweep.epochs(live, "sparsity", 2)
    (old,) = event_file.files(sweep.folder / "trial_0000")
    board = TensorBoard(sweep.folder, space)
    board.rebuild(sweep.events())
    board.entry(0, epoch("sparsity", 1, "s1"), True)
    (new,) = event_file.files(sweep.folder / "trial_0000")
    assert new.name > old.name
    assert curve(sweep.folder, "trial_0000", "sparsity/accuracy") == [(1, 0.25)]


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


def test_a_disk_that_takes_nothing_is_remembered_and_stops_no_one(sweep: Sweep) -> None:
    live = sweep.book.next()
    for file in event_file.files(sweep.folder / "trial_0000"):
        file.unlink()
        file.mkdir()
    sweep.complete(live)
    assert sweep.book.ended[0]["state"] == "complete"
    assert "Is a directory" in str(sweep.board.trouble)


def test_neither_torch_nor_tensorflow_is_needed() -> None:
    code = "import sys, sweeper.tensorboard; print({'torch', 'tensorflow', 'ray'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
