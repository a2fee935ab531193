"""The LCBench surrogate of YAHPO Gym (slds-lmu/yahpo_data): validation accuracy by settings and epoch, 34 tasks."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
from simulated import Course

from sweeper.knobs import Knob, Params

EPOCHS = 52
DEVELOPED_ON = ("3945", "7593", "34539", "126025", "126026", "126029", "146212", "167104")
KNOBS = (
    Knob(key="batch_size", values=None, low=16, high=512, log=True),
    Knob(key="learning_rate", values=None, low=1e-4, high=1e-1, log=True),
    Knob(key="momentum", values=None, low=0.1, high=0.99),
    Knob(key="weight_decay", values=None, low=1e-5, high=1e-1),
    Knob(key="num_layers", values=None, low=1, high=5, integer=True),
    Knob(key="max_units", values=None, low=64, high=1024, log=True),
    Knob(key="max_dropout", values=None, low=0.0, high=1.0),
)
WHOLE = ("batch_size", "max_units")
"""Whole numbers on a logarithmic scale: rounded where they are used."""


class LcBench:
    """The surrogate, one thread."""

    def __init__(self, folder: Path) -> None:
        """Load it; ``folder`` holds model.onnx, encoding.json and config_space.json."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(folder / "model.onnx", options)
        self._codes = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
        space = json.loads((folder / "config_space.json").read_text())["hyperparameters"]
        (self.tasks,) = (one["choices"] for one in space if one["name"] == "OpenML_task_id")

    def _ask(self, task: str, rows: np.ndarray) -> np.ndarray:
        category = np.full((len(rows), 1), self._codes[task], np.int32)
        return np.asarray(
            self._session.run(None, {"x_cat": category, "x_cont": rows.astype(np.float32)})[0],
            dtype=np.float64,
        )

    def course(self, task: str, params: Params) -> Course:
        """Accuracy (%) and seconds after every epoch."""
        row = [round(params[knob.key]) if knob.key in WHOLE else params[knob.key] for knob in KNOBS]
        rows = np.column_stack([np.arange(1, EPOCHS + 1), np.tile(row, (EPOCHS, 1))])
        answer = self._ask(task, rows)
        return Course(values=answer[:, 1], seconds=np.maximum.accumulate(answer[:, 0]))

    @cache  # noqa: B019  one surrogate a process
    def best(self, task: str) -> float:
        """The greatest final accuracy of 20,000 random settings and 6,000 near the best of them."""
        rng = np.random.default_rng(0)
        units = rng.random((20_000, len(KNOBS)))
        values = self._finals(task, units)
        for width in (0.1, 0.05, 0.02):
            top = np.repeat(units[np.argsort(-values)[:50]], 40, axis=0)
            near = np.clip(top + width * rng.standard_normal(top.shape), 0, 1)
            units, values = np.concatenate([units, near]), np.concatenate([values, self._finals(task, near)])
        return float(values.max())

    def _finals(self, task: str, units: np.ndarray) -> np.ndarray:
        columns = [np.full(len(units), EPOCHS)]
        for knob, unit in zip(KNOBS, units.T, strict=True):
            low, high = (np.log([knob.low, knob.high])) if knob.log else (knob.low, knob.high)
            values = low + unit * (high - low)
            values = np.exp(values) if knob.log else values
            columns.append(np.round(values) if knob.integer or knob.key in WHOLE else values)
        return self._ask(task, np.column_stack(columns))[:, 1]
