"""What a sweep knows: which trials were asked for, how far each is, what was decided. No Ray in here.

The truth is ``trials.jsonl``: an event is written there before it takes effect, and a book that is made from
a run folder's events goes on exactly where the last one was.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from analysis.events import EventLog
from sweeper import asha
from sweeper.knobs import Params
from sweeper.search import Search
from sweeper.settings import violation
from sweeper.space import Space, compare_within, last_stage
from trainables.recipe import Recipe, Training, canonical
from trainables.summary import CUT, summary

Record = Mapping[str, Any]
Event = dict[str, Any]
Listener = Callable[[Event], None]
"""Is told every event after it is written."""
Watcher = Callable[[int, Record, bool], None]
"""Is told every epoch of a trial, and whether it was reused."""


@dataclass(kw_only=True)
class Live:
    """A trial under way, as far as its records tell."""

    number: int
    params: Params
    recipe: Recipe
    began: float
    started: str
    curve: list[dict[str, Any]] = field(default_factory=list)
    epochs_trained: int = 0
    epochs_reused: int = 0
    teacher_epochs_trained: int = 0
    stage: str = "start"
    epoch: int = 0
    waiting: bool = False
    rungs: dict[int, float] = field(default_factory=dict)
    violations: dict[str, float] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Epochs of the present stage."""
        training: Training | None = getattr(self.recipe, self.stage, None)
        return training.epochs if isinstance(training, Training) else 0


class Book:
    """The driver's side of every trial."""

    def __init__(
        self,
        space: Space,
        log: EventLog,
        *,
        listeners: Iterable[Listener] = (),
        watchers: Iterable[Watcher] = (),
    ) -> None:
        """Begin empty.

        Args:
            space: what is searched.
            log: where events are written.
            listeners: who is told of each new event.
            watchers: who is told of each epoch.
        """
        sweep = space.settings.sweep
        assert sweep is not None
        self.space = space
        self.search = Search(space)
        self.live: dict[int, Live] = {}
        self.ended: dict[int, Event] = {}
        self.fatal: str | None = None
        """Why the sweep can't go on at all, such as a full disk."""
        self._log = log
        self._listeners = list(listeners)
        self._watchers = list(watchers)
        self._asha = sweep.asha
        self._within = compare_within(space) if sweep.asha else ()
        self._stage = last_stage(space.settings)
        self._asked: dict[int, Params] = {}
        self._waiting: list[int] = []
        self._peers: dict[str, dict[str, float]] = {}
        self._decided: dict[tuple[int, str], asha.Decision] = {}
        judged = [one for one in self.search.directions if one[0] in ("accuracy", "loss")]
        self._metric, side = judged[0] if judged else ("accuracy", "maximize")
        self._sign = -1.0 if side == "minimize" else 1.0

    # --- trials in --------------------------------------------------------------------------------

    def replay(self, events: Iterable[Event]) -> None:
        """Take in the events of an earlier session; trials without an end are queued again."""
        rungs: dict[int, dict[int, float]] = {}
        for event in events:
            number = event["trial"]
            match event["event"]:
                case "asked":
                    self._asked[number] = self.search.replay(number, event["params"])
                case "rung":
                    self._peers.setdefault(event["rung"], {})[event["address"]] = event["value"] * self._sign
                    self._decided[number, event["rung"]] = event["decision"]
                    rungs.setdefault(number, {})[event["epoch"]] = event["value"]
                case "end":
                    self.ended[number] = event
                    self.search.tell(
                        number,
                        event["state"],
                        event["metrics"],
                        rungs=rungs.get(number, {}),
                        violations=event["violations"],
                    )
        self._waiting = [number for number in self._asked if number not in self.ended]

    @property
    def left(self) -> bool:
        """Whether any trial has yet to be begun."""
        return self.fatal is None and (bool(self._waiting) or len(self._asked) < self.search.budget)

    def next(self) -> Live:
        """Begin a trial: one that an earlier session left, or a new one."""
        if self._waiting:
            number = self._waiting.pop(0)
            params = self._asked[number]
        else:
            number = len(self._asked)
            params = self.search.ask(number)
            self._write({"event": "asked", "trial": number, "params": params, "time": now()})
            self._asked[number] = params
        recipe = self.space.recipe(params)
        self.live[number] = Live(
            number=number,
            params=params,
            recipe=recipe,
            began=time.monotonic(),
            started=now(),
        )
        return self.live[number]

    # --- records in -------------------------------------------------------------------------------

    def record(self, number: int, record: Record) -> asha.Decision:
        """Take in what a trial says; the answer is whether it goes on."""
        if number in self.ended:
            return "stop"
        live = self.live[number]
        kind = record["kind"]
        live.waiting = kind == "waiting"
        if kind == "begin":  # a worker begins, or begins again after another one died
            live.curve.clear()
            live.epochs_trained = live.epochs_reused = live.teacher_epochs_trained = 0
        elif kind == "waiting":
            live.stage, live.epoch = record["stage"], record["epoch"]
        elif kind in ("epoch", "reused", "prune"):
            entries = (
                record["epochs"] if kind == "reused" else [{k: v for k, v in record.items() if k != "kind"}]
            )
            for entry in entries:
                if self._entry(live, entry, reused=kind == "reused" or entry.get("reused", False)) == "stop":
                    return "stop"
        elif kind == "failed":
            if record.get("fatal"):
                self.fatal = record["reason"]
                self.live.pop(number)
            else:
                self._end(live, "failed", reason=record["reason"])
            return "stop"
        elif kind == "done":
            self._done(live, record["metrics"])
            return "stop"
        return "continue"

    def died(self, number: int, reason: str) -> None:
        """A trial's worker is gone for good."""
        if number in self.live:
            self._end(self.live[number], "failed", reason=reason)

    def _entry(self, live: Live, entry: Record, *, reused: bool) -> asha.Decision:
        """One epoch, or the cut."""
        stage = entry["stage"]
        live.stage, live.epoch = stage, entry["epoch"]
        for watch in self._watchers:
            watch(live.number, entry, reused)
        if stage == "teacher":
            live.teacher_epochs_trained += not reused
            return "continue"
        live.curve.append({**entry, "reused": reused})
        if stage == "prune":
            return self._judge_constraints(
                live, {key: entry[key] for key in CUT} | {"accuracy_pruned": entry["accuracy"]}
            )
        live.epochs_reused += reused
        live.epochs_trained += not reused
        if stage != self._stage or self._asha is None:
            return "continue"
        return self._judge_rung(live, entry)

    def _judge_rung(self, live: Live, entry: Record) -> asha.Decision:
        assert self._asha is not None
        epoch = entry["epoch"]
        training: Training = getattr(live.recipe, self._stage)
        name = asha.rung(self._asha, training, epoch)
        if name is None:
            return "continue"
        value = entry[self._metric]
        rung = asha.group(name, self._within, {**self.space.fixed, **live.params})
        live.rungs[epoch] = value
        decision = self._decided.get((live.number, rung))
        if decision is None:
            peers = self._peers.setdefault(rung, {})
            address = entry["address"]
            peers[address] = value * self._sign
            decision = asha.decide(
                peers, address, reduction=self._asha.reduction, min_peers=self._asha.min_peers
            )
            self._decided[live.number, rung] = decision
            self._write(
                {
                    "event": "rung",
                    "trial": live.number,
                    "rung": rung,
                    "epoch": epoch,
                    "address": address,
                    "value": value,
                    "peers": len(peers),
                    "decision": decision,
                }
            )
        if decision == "stop":
            place = 1 + sum(other > value * self._sign for other in self._peers[rung].values())
            reason = f"{place} of {len(self._peers[rung])} at rung {rung} after epoch {epoch}"
            self._end(live, "stopped", reason=reason)
        return decision

    def _judge_constraints(self, live: Live, metrics: Mapping[str, Any]) -> asha.Decision:
        """End the trial if what is known by now is outside a bound."""
        for metric, bound in self.space.settings.constraints.items():
            if metric in metrics:
                amount = violation(bound, metric, metrics[metric], metrics.get(f"{metric}_unpruned"))
                live.violations[metric] = amount
        outside = [key for key in self.space.settings.constraints if live.violations.get(key, 0) > 0]
        if not outside:
            return "continue"
        metric = outside[0]
        unpruned = metrics.get(f"{metric}_unpruned")
        share = f" ({metrics[metric] / unpruned:.3f} of the unpruned)" if unpruned else ""
        bound = self.space.settings.constraints[metric]
        self._end(live, "infeasible", reason=f"{metric} {metrics[metric]:g}{share} is not {bound}")
        return "stop"

    # --- trials out -------------------------------------------------------------------------------

    def _done(self, live: Live, metrics: Mapping[str, Any]) -> None:
        if self._judge_constraints(live, metrics) == "continue":
            self._end(live, "complete", metrics=metrics)

    def _end(
        self, live: Live, state: str, *, reason: str | None = None, metrics: Mapping[str, Any] | None = None
    ) -> None:
        told = dict(metrics) if metrics is not None else summary(live.curve)
        if state in ("infeasible", "failed"):  # no accuracy that could be compared with a finished trial's
            told = {
                key: value
                for key, value in told.items()
                if key not in ("accuracy", "accuracy_best_epoch", "loss")
            }
        event: Event = {
            "event": "end",
            "trial": live.number,
            "state": state,
            "params": live.params,
            "settings": canonical(live.recipe),
            "metrics": {key: value for key, value in told.items() if not _broken(value)},
            "violations": live.violations,
            "epochs_trained": live.epochs_trained,
            "epochs_reused": live.epochs_reused,
            "teacher_epochs_trained": live.teacher_epochs_trained,
            "seconds": round(time.monotonic() - live.began, 3),
            "reason": reason,
            "curve": live.curve,
            "started": live.started,
            "time": now(),
        }
        self._write(event)
        self.ended[live.number] = event
        del self.live[live.number]
        self.search.tell(live.number, state, told, rungs=live.rungs, violations=live.violations)

    def listen(self, listener: Listener) -> None:
        """Tell one more of each new event."""
        self._listeners.append(listener)

    def _write(self, event: Event) -> None:
        try:
            self._log.append(event)
        except OSError as error:
            self.fatal = f"trials.jsonl can't be written: {error.strerror or error}"
            raise
        for listener in self._listeners:
            listener(event)


def _broken(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def now() -> str:
    """The time of day, for people; durations come from a monotonic clock."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
