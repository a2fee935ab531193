"""RUN/tensorboard: every trial's curves while it runs, and the HParams table with every trial in it.

One TensorBoard run a trial (``trial_0007``), one for the teacher; those of a confirmation
(``confirm-baseline-7-seed1``) have no row in the table, which is the search's. Steps are epochs of a stage, tags are
``stage/metric``; what the table shows of a trial are its ``trial/...`` scalars, written at its end. The run
folder's ``trials.jsonl`` is the truth: any of these files can be deleted and is made again on ``resume``.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event as Proto
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
from tensorboard.plugins.hparams import summary_v2 as hparams  # not api or summary: they need tensorflow
from tensorboard.plugins.text import metadata as text_metadata
from tensorboard.util.tensor_util import make_tensor_proto

from sweeper import event_file
from sweeper.knobs import Knob, Params
from sweeper.settings import METRICS
from sweeper.space import Space

STATUS = {
    "complete": api_pb2.STATUS_SUCCESS,
    "failed": api_pb2.STATUS_FAILURE,
    "stopped": api_pb2.STATUS_UNKNOWN,
    "infeasible": api_pb2.STATUS_UNKNOWN,
}
"""The page's check boxes: Success leaves the trials that ran to their end, Failure those that broke."""

COLUMNS = {
    "accuracy": METRICS["accuracy"],
    "test_accuracy": "accuracy on the test set, which nothing is chosen by",
    "macs": METRICS["macs"],
    "params": METRICS["params"],
    "accuracy_pruned": METRICS["accuracy_pruned"],
    "epochs": "epochs of the student, trained or reused",
    "accuracy_best_epoch": "the highest validation accuracy of the last stage; never what is searched for",
    "accuracy_unpruned": "validation accuracy at the end of sparsity training",
    "percent_cut": METRICS["percent_cut"],
}
"""The table's metrics, of which the page shows five unasked; test_accuracy only where every trial has one."""

TEACHER = "teacher"
_MANY = 10
"""More numbers than this are filtered by an interval, not each by a check box."""


class TensorBoard:
    """A listener of the book's events, and of each epoch; ``trouble`` says what could not be written."""

    def __init__(self, folder: Path, space: Space) -> None:
        """Write down what the table's columns are, unless an earlier session did.

        Args:
            folder: RUN/tensorboard.
            space: what is searched.
        """
        self.folder = folder
        self.trouble: str | None = None
        """The first error of the disk; the sweep goes on, and ``rebuild`` makes up for it."""
        self._knobs = {knob.key: knob for knob in space.knobs}
        self._params: dict[int, Params] = {}
        self._names: dict[int, str] = {}
        self._written: dict[str, set[tuple[str, int]]] = {}
        self._try(self._table, experiment(space))

    def rebuild(self, run_events: Iterable[Mapping[str, Any]]) -> None:
        """Bring the files in line with a run's events; ``event`` and ``entry`` go on from there.

        A trial that ended keeps its file if that is whole, else it is written again from its ``end``; one
        that did not end begins anew.
        """
        newest = {event["trial"]: event for event in run_events if event["event"] != "rung"}
        for number, event in newest.items():
            self._names[number] = run_name(event)
            if event["event"] == "asked":
                self.event(event)
            else:
                self._try(self._mend, number, event)

    def event(self, event: Mapping[str, Any]) -> None:
        """``asked`` begins a trial's file, ``end`` completes it; a ``rung`` is not shown."""
        if event["event"] == "asked":
            self._params[event["trial"]] = event["params"]
            self._names[event["trial"]] = run_name(event)
            self._try(self._begin, event)
        elif event["event"] == "end":
            self._params.pop(event["trial"], None)
            self._try(self._end, event)

    def entry(self, number: int, entry: Mapping[str, Any], reused: bool) -> None:
        """One epoch of a trial, or its cut. What is there already is not written twice.

        Args:
            number: the trial.
            entry: ``stage``, ``epoch`` (0 for the cut) and metrics, of which the numbers are shown.
            reused: whether it was read from the store; its curve looks the same.
        """
        folder = self._teacher(number) if entry["stage"] == TEACHER else self._run(number)
        self._try(self._record, folder, entry)

    def _try(self, write: Callable[..., None], *args: Any) -> None:
        """Write; a disk that can't take it does not stop the sweep."""
        try:
            write(*args)
        except OSError as error:
            self.trouble = self.trouble or f"{error.filename or self.folder}: {error.strerror or error}"

    def _table(self, columns: Summary) -> None:
        if not _complete(self.folder, metadata.EXPERIMENT_TAG):
            event_file.create(self.folder, [event_file.event(columns)])

    def _run(self, number: int) -> Path:
        return self.folder / self._names.get(number, f"trial_{number:04d}")

    def _teacher(self, number: int) -> Path:
        """The run of a trial's teacher; what is searched of teachers tells them apart."""
        own = {
            key: value for key, value in self._params.get(number, {}).items() if key.startswith("teacher.")
        }
        words = (f"{key.removeprefix('teacher.')}={value}".replace("/", "-") for key, value in own.items())
        return self.folder / "_".join((TEACHER, *words))

    def _begin(self, event: Mapping[str, Any]) -> None:
        folder = self._run(event["trial"])
        self._written[folder.name] = set()
        event_file.create(folder, self._session_start(event, seconds(event["time"])))

    def _record(self, folder: Path, entry: Mapping[str, Any]) -> None:
        written = self._written.get(folder.name)
        if written is None:
            written = self._written[folder.name] = _resume(folder)
        place = (entry["stage"], entry["epoch"])
        if place not in written:
            present = event_file.files(folder)
            file = present[-1] if present else event_file.create(folder)
            event_file.append(file, [curve_point(entry)])
            written.add(place)

    def _end(self, event: Mapping[str, Any]) -> None:
        folder = self._run(event["trial"])
        self._written.pop(folder.name, None)
        present = event_file.files(folder)
        if present:
            event_file.append(present[-1], final(event))
        else:
            self._whole(event)

    def _mend(self, number: int, event: Mapping[str, Any]) -> None:
        if not _complete(self._run(number), metadata.SESSION_END_INFO_TAG):
            self._whole(event)

    def _whole(self, event: Mapping[str, Any]) -> None:
        """A trial's whole file from its end event."""
        number, at = event["trial"], seconds(event["started"])
        protos = self._session_start(event, at)
        for entry in event["curve"]:
            at += 0 if entry["reused"] else entry["seconds"]
            protos.append(curve_point(entry, wall_time=at))
        event_file.create(self._run(number), protos + final(event))

    def _session_start(self, event: Mapping[str, Any], began: float) -> list[Proto]:
        """The trial's row: its settings; those whose condition does not hold stay empty."""
        if "role" in event:
            return []
        params, knobs = event["params"], self._knobs
        row = {key: _as_shown(knobs[key], value) for key, value in params.items() if key in knobs}
        start = hparams.hparams_pb(row, trial_id=run_name(event), start_time_secs=began)
        return [event_file.event(start, wall_time=began)]


def run_name(event: Mapping[str, Any]) -> str:
    """The TensorBoard run of a trial, by one of its events."""
    if "role" not in event:
        return f"trial_{event['trial']:04d}"
    images = "" if event["data"] == "train" else f"-{event['data']}"
    return f"confirm-{event['role']}-{event['of']}-seed{event['seed']}{images}"


def experiment(space: Space) -> Summary:
    """The table's columns: every searched setting with its values, and the metrics."""
    columns = {
        name: text
        for name, text in COLUMNS.items()
        if name != "test_accuracy" or space.settings.evaluate.trials == "all"
    }
    return hparams.hparams_config_pb(
        hparams=[hparams.HParam(knob.key, _domain(knob)) for knob in space.knobs],
        metrics=[
            hparams.Metric(f"trial/{name}", display_name=name, description=text)
            for name, text in columns.items()
        ],
    )


NOT_DRAWN = ("epoch", "macs_trained", "macs_teacher")
"""Numbers of an epoch that make no curve."""


def curve_point(entry: Mapping[str, Any], *, wall_time: float | None = None) -> Proto:
    """The numbers of one epoch under ``stage/metric``, at the epoch of the stage."""
    values = {f"{entry['stage']}/{key}": value for key, value in entry.items() if key not in NOT_DRAWN}
    return event_file.scalars(values, step=entry["epoch"], wall_time=wall_time)


def final(event: Mapping[str, Any]) -> list[Proto]:
    """What completes a trial's row: its metrics, how it ended in words, and the status, which comes last."""
    at = seconds(event["started"]) + event["seconds"]  # not ``time``: the clock may have been set meanwhile
    metrics = {**event["metrics"], "epochs": event["epochs_trained"] + event["epochs_reused"]}
    shown = {f"trial/{name}": metrics[name] for name in COLUMNS if name in metrics}
    words = f"{event['state']}: {event['reason']}" if event["reason"] else event["state"]
    return [
        event_file.scalars(shown, step=metrics["epochs"], wall_time=at),
        event_file.event(_text_summary("trial/state", words), wall_time=at),
        event_file.event(_session_end(STATUS[event["state"]], at), wall_time=at),
    ]


def _text_summary(tag: str, text: str) -> Summary:
    about = text_metadata.create_summary_metadata(display_name=tag, description="")
    return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=make_tensor_proto([text]))])


def _session_end(status: Any, at: float) -> Summary:
    info = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=at)
    about = metadata.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=info))
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=about, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])


def seconds(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 time."""
    return datetime.fromisoformat(text).timestamp()


def _complete(folder: Path, last: str) -> bool:
    """Whether a run is one whole file that ends with this tag."""
    present = event_file.files(folder)
    return len(present) == 1 and event_file.holds(present[0], last)


def _resume(folder: Path) -> set[tuple[str, int]]:
    """What a run's newest file holds already; a torn end is cut off."""
    present = event_file.files(folder)
    if not present:
        return set()
    protos, size = event_file.read(present[-1])
    with present[-1].open("r+b") as stream:
        stream.truncate(size)
    return {(value.tag.split("/")[0], proto.step) for proto in protos for value in proto.summary.value}


def _kind(knob: Knob) -> type[float] | type[bool] | type[str]:
    """The one type that a column has: TensorBoard knows numbers, yes or no, and text."""
    if knob.values is None or not any(isinstance(value, bool | str | None) for value in knob.values):
        return float
    return bool if all(isinstance(value, bool) for value in knob.values) else str


def _as_shown(knob: Knob, value: Any) -> float | bool | str:
    kind = _kind(knob)
    return kind(value) if kind is not str else "null" if value is None else str(value)


def _domain(knob: Knob) -> hparams.Domain:
    """What the page filters a column by."""
    if knob.values is None:
        return hparams.RealInterval(float(knob.low), float(knob.high))
    shown = [_as_shown(knob, value) for value in knob.values]
    if _kind(knob) is float and len(shown) > _MANY:
        return hparams.RealInterval(min(shown), max(shown))
    return hparams.Discrete(shown)
