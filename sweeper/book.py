"""What a sweep knows: which trials were asked for, how far each is, what was decided. No Ray in here.

The truth is ``trials.jsonl``: a book that is made from a run folder's events goes on exactly where the last
one was.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.events import EventLog
from sweeper.ahead import Ahead
from sweeper.asha import Decision
from sweeper.budget import EndedBy, Improvement, Meter, Spent, Use, used_up, uses
from sweeper.judge import Judge
from sweeper.knobs import Params
from sweeper.live import Event, Live, Rungs
from sweeper.search import Search
from sweeper.space import Space
from sweeper.trials import Listener, Record, Trials, Watcher
from trainables.summary import CUT

EXHAUSTED = 50
"""So many points in a row that brought nothing new: the space has no others, or the sampler finds none."""


class Book(Trials):
    """The trials of a search."""

    def __init__(
        self,
        space: Space,
        log: EventLog,
        *,
        meter: Meter | None = None,
        listeners: Iterable[Listener] = (),
        watchers: Iterable[Watcher] = (),
    ) -> None:
        """Begin empty; ``meter`` tells what is spent (None: only time), the others are those of ``Trials``."""
        super().__init__(space, log, listeners=listeners, watchers=watchers)
        self.search = Search(space)
        self.directions = self.search.directions
        self.free = self.search.free
        self._judge = Judge(space)
        self._meter = Meter(None) if meter is None else meter
        self._spent = Spent()
        self._improvement = Improvement(self.directions)
        self._repeats = 0
        """Points in a row that brought nothing new."""

    def replay(self, events: Iterable[Event]) -> None:
        """Take in the events of an earlier session; trials without an end are queued again."""
        rungs: dict[int, Rungs] = {}
        for event in events:
            number = event["trial"]
            match event["event"]:
                case "asked":
                    self.search.replay(number, event["params"])
                    self._asked[number] = event
                case "rung":
                    self._judge.replay(event)
                    rungs.setdefault(number, {})[event["rung"]] = (event["epoch"], event["value"])
                case "end":
                    self.ended[number] = event
                    self._tell(event, rungs.get(number, {}))
        self._waiting = {
            number: self.space.recipe(asked["params"])
            for number, asked in self._asked.items()
            if number not in self.ended
        }
        self._spent = self._meter.spent()
        self._begun |= self._meter.trials

    @property
    def budget(self) -> int | None:
        """The trials that the space asks for; None: as many as another budget allows."""
        return self.search.budget

    @property
    def uses(self) -> tuple[Use, ...]:
        """How much is used of the other budgets, by the last end."""
        return uses(self.search.sweep, self._spent)

    @property
    def seconds(self) -> float:
        """Wall time of the search, of all sessions, up to the last end."""
        return self._spent.seconds

    @property
    def exhausted(self) -> bool:
        """Whether the sampler has come upon nothing new for so long that it is not asked any more."""
        return self.search.points is None and self._repeats >= EXHAUSTED

    @property
    def asks(self) -> bool:
        """Whether the sampler has another point, and there is a budget for it."""
        room = self.budget is None or len(self._asked) < self.budget
        return room and self._used_up is None and not self.exhausted

    @property
    def ended_by(self) -> EndedBy:
        """Why nothing is left to be begun."""
        if self.budget is None or len(self.ended) < self.budget:
            return self._used_up or "exhausted"
        return "trials" if self.budget == self.search.sweep.trials else "exhausted"

    @property
    def _used_up(self) -> EndedBy | None:
        """The budget, beside that of trials, that is used up.

        A trial that was still under way then may be better than all before: then patience is had again.
        """
        return used_up(self.search.sweep, self._spent, self._improvement.since)

    def look_ahead(self, ahead: Ahead) -> None:
        """The sampler, too, learns which epochs are there."""
        super().look_ahead(ahead)

        def epochs(params: Params) -> float:
            recipe = self.space.recipe(params)
            last = recipe.training(recipe.last_stage)
            return ahead.left_before_last(recipe) + (0 if last is None else last.epochs)

        self.search.weigh(epochs)

    def _may_begin(self, number: int) -> bool:
        """What was under way ends, also in another session; what was only asked for ahead waits for more budget."""
        return self._used_up is None or number in self._begun

    def _more(self) -> dict[str, Any]:
        self._spent = self._meter.spent()
        return {"spent": self._spent.facts}

    def _point(self, number: int) -> tuple[Params, Mapping[str, Any]]:
        return self.search.ask(number), {}

    def _told(self, event: Event, live: Live) -> None:
        super()._told(event, live)
        self._tell(event, live.rungs)

    def _tell(self, event: Event, rungs: Rungs) -> None:
        """The sampler learns what became of a trial."""
        self._repeats = self._repeats + 1 if self._brings_nothing(event) else 0
        self._improvement.take(event["state"], event["metrics"])
        self.search.tell(
            event["trial"], event["state"], event["metrics"], rungs=rungs, violations=event["violations"]
        )

    def _brings_nothing(self, event: Event) -> bool:
        """Whether a trial was finished before or, where no one counts trials, could not even be trained."""
        if event.get("duplicate_of") is not None:
            return True
        untold = event["state"] in ("failed", "infeasible") and not event["epochs_trained"]
        return self.budget is None and untold

    def _judged(self, live: Live, entry: Record) -> Decision:
        """By the constraints after a cut, by its peers at a rung."""
        if entry["stage"] in ("init", "prune"):
            return self._cut(live, entry)
        verdict = self._judge.at_rung(live, entry)
        if verdict is None:
            return "continue"
        if verdict.event is not None:
            self._write(verdict.event)
        return self._end(live, "stopped", reason=verdict.reason) if verdict.reason else "continue"

    def _cut(self, live: Live, entry: Record) -> Decision:
        """A network that is as small as it gets is measured by the constraints."""
        last = live.recipe.cuts - 1
        if (entry["stage"] == "init" and last >= 0) or entry["epoch"] < last:
            return "continue"
        known = {key: entry[key] for key in CUT}
        if entry["stage"] == "prune":
            known["accuracy_pruned"] = entry["accuracy"]
        reason = self._judge.outside(live, known)
        return self._end(live, "infeasible", reason=reason) if reason else "continue"

    def _done(self, live: Live, metrics: Record) -> Decision:
        reason = self._judge.outside(live, metrics)
        if reason:
            return self._end(live, "infeasible", reason=reason)
        return self._end(live, "complete", metrics=metrics)
