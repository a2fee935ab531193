"""The driver's side of every trial, whoever asks for them: which are under way, how far, how they ended.

The truth is a file of events: an event is written there before it takes effect. A search (``Book``) and the
confirmation of its answer (``ConfirmBook``) say what is tried, and what becomes of it. No Ray in here.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from analysis.events import EventLog
from sweeper.ahead import Ahead
from sweeper.asha import Decision
from sweeper.budget import Use
from sweeper.knobs import Params
from sweeper.live import Event, Live, broken, end_of, now
from sweeper.space import Space
from trainables.recipe import Recipe

RETRIES = 3
"""How often a trial is begun again after its worker died, hung or had no memory."""
QUEUE = 64
"""Trials that are looked at for one that need not wait, where what is asked for does not hang on results."""

Record = Mapping[str, Any]
Listener = Callable[[Event], None]
"""Is told every event after it is written."""
Watcher = Callable[[int, Record, bool], None]
"""Is told every epoch of a trial, and whether it was reused."""


class Trials(ABC):
    """Trials that are begun, listened to and ended, one event file for all of them."""

    word = "trial"
    """What one of them is called."""
    directions: tuple[tuple[str, str], ...] = ()
    """(metric, maximize | minimize) that tell the best of them; none: there is no best one."""
    free = True
    """Whether what is asked for does not hang on what became of earlier trials."""

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
            space: what they are points of.
            log: where events are written.
            listeners: who is told of each new event.
            watchers: who is told of each epoch.
        """
        self.space = space
        self.live: dict[int, Live] = {}
        self.ended: dict[int, Event] = {}
        self.fatal: str | None = None
        """Why nothing can go on at all, such as a full disk."""
        self._ahead: Ahead | None = None
        self._log = log
        self._writable = True
        self._listeners = list(listeners)
        self._watchers = list(watchers)
        self._asked: dict[int, Event] = {}
        self._waiting: dict[int, Recipe] = {}
        self._deaths: dict[int, list[str]] = {}
        self._begun: set[int] = set()

    # --- what is tried ----------------------------------------------------------------------------

    @property
    @abstractmethod
    def budget(self) -> int | None:
        """How many will have been asked for at the end, at most; None: no one knows."""

    @property
    def uses(self) -> Sequence[Use]:
        """How much is used of budgets that do not count trials."""
        return ()

    @property
    def seconds(self) -> float:
        """Wall time, of all sessions, up to the last end."""
        return 0.0

    @property
    @abstractmethod
    def asks(self) -> bool:
        """Whether there is another one to ask for."""

    @abstractmethod
    def _point(self, number: int) -> tuple[Params, Mapping[str, Any]]:
        """The point of trial ``number``, which is the next one, and what else its events say of it."""

    def _may_begin(self, number: int) -> bool:
        """Whether a trial that waits is begun; one that was under way before is in ``_begun``."""
        return True

    def _more(self) -> dict[str, Any]:
        """What the end of a trial says besides."""
        return {}

    def _told(self, event: Event, live: Live) -> None:
        """A trial has ended, and that is written down."""
        self._remember(event)

    def _judged(self, live: Live, entry: Record) -> Decision:
        """Whether a trial goes on after an epoch or a cut."""
        return "continue"

    # --- trials in --------------------------------------------------------------------------------

    @property
    def left(self) -> bool:
        """Whether any trial has yet to be begun."""
        return self.fatal is None and (any(map(self._may_begin, self._waiting)) or self.asks)

    @property
    def finished(self) -> bool:
        """Whether every trial has ended."""
        return self.fatal is None and not self.live and not self.left

    def next(self) -> Live | None:
        """Begin a trial: one that an earlier session left, or a new one; None where all that is left is known.

        Raises:
            OSError: the disk does not take the event; ``fatal`` says so.
        """
        while self.left:
            number = self._pick()
            self._begun.add(number)
            recipe, asked = self._waiting.pop(number), self._asked[number]
            live = Live(number=number, params=asked["params"], recipe=recipe, about=about(asked))
            self.live[number] = live
            original = None if self._ahead is None else self._ahead.original(number, recipe)
            if original is None:
                return live
            self._repeat(live, self.ended[original])
        return None

    def _pick(self) -> int:
        """Which of the queue is begun next; the queue is filled as far as it is looked at."""
        looks = self._ahead is not None and bool(self.live)
        length = QUEUE if looks and self.free else 1
        while len(self._waiting) < length and self.asks:
            self._ask()
        able = ((number, recipe) for number, recipe in self._waiting.items() if self._may_begin(number))
        if self._ahead is None or not looks:
            return next(able)[0]
        queue = dict(islice(able, QUEUE))
        return self._ahead.first_free(queue, {number: live.recipe for number, live in self.live.items()})

    def _ask(self) -> None:
        number = len(self._asked)
        params, more = self._point(number)
        event = {"event": "asked", "trial": number, **more, "params": params, "time": now()}
        self._write(event)
        self._asked[number] = event
        self._waiting[number] = self.space.recipe(params)

    def look_ahead(self, ahead: Ahead) -> None:
        """From here on begin first what need not wait, and answer at once what is finished already."""
        self._ahead = ahead
        for event in self.ended.values():
            self._remember(event)

    def _remember(self, event: Event) -> None:
        """A finished trial answers those that repeat it; a stopped one might be judged otherwise later."""
        if self._ahead is None:
            return
        if event["state"] in ("complete", "infeasible"):
            self._ahead.remember(event["trial"], self.space.recipe(event["params"]))
        self._ahead.forget(event["trial"])

    def _repeat(self, live: Live, original: Event) -> None:
        """End a trial as the one before it that it repeats."""
        live.curve.extend({**entry, "reused": True} for entry in original["curve"])
        live.epochs_reused = original["epochs_trained"] + original["epochs_reused"]
        live.violations.update(original["violations"])
        live.duplicate_of = original["trial"]
        self._end(live, original["state"], reason=original["reason"], metrics=original["metrics"])

    # --- records in -------------------------------------------------------------------------------

    def record(self, number: int, record: Record) -> Decision:
        """Take in what a trial says; the answer is whether it goes on.

        Once the disk has refused an event everyone is stopped and nothing more is decided: what was not
        written has not happened, and is done again when the sweep is resumed.
        """
        if number in self.ended or not self._writable:
            return "stop"
        try:
            return self._record(self.live[number], record)
        except OSError:
            if self._writable:
                raise
            return "stop"

    def _record(self, live: Live, record: Record) -> Decision:
        kind = record["kind"]
        live.hear(kind)
        match kind:
            case "begin":  # a worker begins, or begins again after another one died
                live.begin_again(record.get("pulse"))
            case "waiting":
                live.stage, live.epoch = record["stage"], record["epoch"]
            case "reused":
                return self._entries(live, record["epochs"], reused=True)
            case "epoch" | "init" | "prune":
                entry = {key: value for key, value in record.items() if key != "kind"}
                return self._entries(live, [entry], reused=entry.get("reused", False))
            case "failed" if record.get("fatal"):
                self.fatal = record["reason"]
                del self.live[live.number]
                return "stop"
            case "failed":
                return self._end(live, "failed", reason=record["reason"])
            case "done":
                return self._done(live, record["metrics"])
        return "continue"

    def died(self, number: int, reason: str) -> None:
        """A trial's worker is gone: it is begun again, or failed if that has happened too often."""
        if number not in self.live:
            return
        deaths = self._deaths.setdefault(number, [])
        deaths.append(reason)
        if len(deaths) <= RETRIES:
            self._waiting = {number: self.live.pop(number).recipe} | self._waiting
        else:
            reason = f"{'; then '.join(dict.fromkeys(deaths))}, again after {RETRIES} retries"
            self.record(number, {"kind": "failed", "reason": reason})

    def _entries(self, live: Live, entries: Iterable[Record], *, reused: bool) -> Decision:
        for entry in entries:
            if self._entry(live, entry, reused=reused) == "stop":
                return "stop"
        return "continue"

    def _entry(self, live: Live, entry: Record, *, reused: bool) -> Decision:
        """One epoch, or the cut."""
        stage = entry["stage"]
        live.stage, live.epoch = stage, entry["epoch"]
        if self._ahead is not None:
            self._ahead.trained.add(entry["address"])
        for watch in self._watchers:
            watch(live.number, entry, reused)
        if wrong := [f"{key} is {value}" for key, value in entry.items() if broken(value)]:
            return self._end(live, "failed", reason=f"{stage}: {wrong[0]} after epoch {entry['epoch']}")
        if stage == "teacher":
            live.teacher_epochs_trained += not reused
            return "continue"
        live.curve.append({**entry, "reused": reused})
        if stage not in ("init", "prune"):
            live.epochs_reused += reused
            live.epochs_trained += not reused
        return self._judged(live, entry)

    # --- trials out -------------------------------------------------------------------------------

    def _done(self, live: Live, metrics: Record) -> Decision:
        return self._end(live, "complete", metrics=metrics)

    def _end(
        self, live: Live, state: str, *, reason: str | None = None, metrics: Record | None = None
    ) -> Decision:
        event = end_of(live, state, reason=reason, metrics=metrics) | self._more()
        self._write(event)
        self.ended[live.number] = event
        del self.live[live.number]
        self._told(event, live)
        return "stop"

    def listen(self, listener: Listener) -> None:
        """Tell one more of each new event."""
        self._listeners.append(listener)

    def _write(self, event: Event) -> None:
        try:
            self._log.append(event)
        except OSError as error:
            self._writable = False
            self.fatal = f"{self._log.path.name} can't be written: {error.strerror or error}"
            raise
        for listener in self._listeners:
            listener(event)


def about(asked: Event) -> dict[str, Any]:
    """What an ``asked`` event says of a trial beside its point."""
    return {key: value for key, value in asked.items() if key not in ("event", "trial", "params", "time")}
