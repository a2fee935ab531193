"""A book as people see it while it runs: one snapshot of all that is shown, and the words for it."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.text import counted, human, plain
from sweeper.budget import Use
from sweeper.knobs import Params
from sweeper.live import Live
from sweeper.trials import Trials

STATES = ("complete", "stopped", "infeasible", "failed")
"""How a trial can end."""

_SHORT = {
    "percent": "{} %",
    "s": "s {}",
    "kd": "{}",
    "kd_weight": "w {}",
    "kd_tau": "τ {}",
    "epochs": "{} ep",
}
"""The user's knobs in a table cell, in this order; any other shows its name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A running trial."""

    number: int
    params: str
    stage: str
    epoch: int
    epochs: int
    """Of the stage; 0 where it has none."""
    waiting: bool
    accuracy: float | None
    trained: int
    reused: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Best:
    """The ended trial that leads by the first objective."""

    number: int
    metric: str
    metrics: Mapping[str, Any]
    params: str


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Everything that is shown, at one moment."""

    name: str
    word: str
    """What a trial is called."""
    judged: bool
    """Whether there is a best trial, once one is complete."""
    elapsed: float
    """Seconds."""
    left: float | None
    """Seconds to the end, None while there is nothing to tell it by."""
    workers: int
    budget: int | None
    """Trials at the end, at most; None: as many as ``uses`` allow."""
    uses: Sequence[Use]
    """How much is used of other budgets."""
    states: Mapping[str, int]
    rows: Sequence[Row]
    best: Best | None
    trained: int
    reused: int
    teacher: int
    """Teacher epochs trained; ``trained`` and ``reused`` are the student's."""

    @property
    def ended(self) -> int:
        """Trials that ended, however."""
        return sum(self.states.values())

    @property
    def share(self) -> float:
        """How much is done, by the budget that will be used up first; 0 where no one knows, at most 1."""
        shares = [use.share for use in self.uses]
        shares += [self.ended / self.budget] if self.budget else []
        return min(1.0, max(shares, default=0.0))

    @property
    def standing(self) -> str:
        """``3 of 12``; ``3, 120 of 400 epochs``."""
        return ", ".join([counted(self.ended, self.budget), *(use.words for use in self.uses)])


def snapshot(book: Trials, *, name: str, began: float, workers: int) -> View:
    """What the book says now; another thread may be writing in it.

    Args:
        book: the sweep.
        name: of the run.
        began: ``time.monotonic()`` at the start of this session.
        workers: trials at a time.
    """
    live = sorted(book.live.copy().values(), key=lambda one: one.number)
    ended = list(book.ended.copy().values())
    counts = Counter(event["state"] for event in ended)
    return View(
        name=name,
        word=book.word,
        judged=bool(book.directions),
        elapsed=time.monotonic() - began,
        left=_left(book, ended, live, workers),
        workers=workers,
        budget=book.budget,
        uses=book.uses,
        states={state: counts[state] for state in STATES},
        rows=[_row(one) for one in live],
        best=_best(book, ended),
        trained=sum(event["epochs_trained"] for event in ended) + sum(one.epochs_trained for one in live),
        reused=sum(event["epochs_reused"] for event in ended) + sum(one.epochs_reused for one in live),
        teacher=sum(event["teacher_epochs_trained"] for event in ended)
        + sum(one.teacher_epochs_trained for one in live),
    )


def _left(
    book: Trials, ended: Sequence[Mapping[str, Any]], live: Sequence[Live], workers: int
) -> float | None:
    """Seconds until the first budget is used up; None while there is nothing to tell it by."""
    known = [max(book.seconds * (1 / use.share - 1), 0.0) for use in book.uses if use.share]
    trials = None if book.budget is None else _left_of(book.budget - len(ended), ended, live, workers)
    return min([*known, *([] if trials is None else [trials])], default=None)


def _left_of(
    to_do: int, ended: Sequence[Mapping[str, Any]], live: Sequence[Live], workers: int
) -> float | None:
    """Seconds to the end if trials take what the last ones took: early ones train what later ones reuse."""
    recent = [event["seconds"] for event in ended[-max(8, 2 * workers) :]]
    if not recent:
        return None
    mean: float = sum(recent) / len(recent)
    now = time.monotonic()
    under_way: float = sum(max(mean - (now - one.began), 0.0) for one in live)
    return (max(to_do - len(live), 0) * mean + under_way) / workers


def _row(live: Live) -> Row:
    curve = live.curve.copy()
    return Row(
        number=live.number,
        params=" · ".join(filter(None, (role(live.about), short(live.params)))),
        stage=live.stage,
        epoch=live.epoch,
        epochs=live.epochs,
        waiting=live.waiting,
        accuracy=curve[-1].get("accuracy") if curve and live.stage != "teacher" else None,
        trained=live.epochs_trained,
        reused=live.epochs_reused,
    )


def _best(book: Trials, ended: Iterable[Mapping[str, Any]]) -> Best | None:
    complete = [event for event in ended if event["state"] == "complete"]
    if not complete or not book.directions:
        return None
    metric, side = book.directions[0]
    sign = 1 if side == "maximize" else -1
    event = max(complete, key=lambda one: (sign * one["metrics"][metric], -one["trial"]))
    return Best(number=event["trial"], metric=metric, metrics=event["metrics"], params=short(event["params"]))


def role(about: Mapping[str, Any]) -> str:
    """Whom a run of a confirmation stands for; nothing for a trial of the search."""
    if "role" not in about:
        return ""
    return f"{about['role']}{'' if about['role'] == 'finalist' else ' of'} {about['of']}"


def short(params: Params) -> str:
    """A point in a few words: ``70 % · s 3.2e-3 · dist · 12 ep``."""
    names = Counter(key.split(".")[-1] for key in params)
    order = list(_SHORT)
    words = []
    for key, value in sorted(
        params.items(),
        key=lambda item: order.index(n) if (n := item[0].split(".")[-1]) in order else len(order),
    ):
        name = key.split(".")[-1]
        if names[name] > 1:
            words.append(f"{key} {_number(value)}")
        elif name == "percent":
            words.append(f"{100 * value:.3g} %")
        elif name == "kd" and value == "none":
            words.append("no kd")
        else:
            words.append(_SHORT.get(name, f"{name} {{}}").format(_number(value)))
    return " · ".join(words)


def _number(value: Any) -> str:
    """Two digits are enough to tell trials apart: 0.0031072 -> 3.1e-3."""
    if isinstance(value, float) and value != 0:
        if abs(value) < 0.01:
            digits, power = f"{value:.1e}".split("e")
            return f"{digits.removesuffix('.0')}e{int(power)}"
        return f"{value:.3g}"
    return plain(value)


def duration(seconds: float) -> str:
    """Roughly: 40 s, 3 min, 2 h 10 min."""
    if seconds < 50:
        return f"{max(seconds, 1):.0f} s"
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float) -> str:
    """Exactly: 2:14, 1:02:14."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def cost(metrics: Mapping[str, Any]) -> tuple[str, str]:
    """MACs, as a share of the unpruned network's where there is one, and parameters."""
    macs, whole = metrics.get("macs"), metrics.get("macs_unpruned")
    return f"{100 * macs / whole:.0f} %" if macs is not None and whole else human(macs), human(
        metrics.get("params")
    )
