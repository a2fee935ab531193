"""The runs of a confirmation: a queue of given recipes. The truth is ``confirm.jsonl``."""

from collections.abc import Iterable, Mapping
from typing import Any

from analysis.events import EventLog
from sweeper.confirm import Planned, key_of
from sweeper.knobs import Params
from sweeper.live import Event
from sweeper.space import Space
from sweeper.trials import Listener, Trials, Watcher


class ConfirmBook(Trials):
    """Runs each planned run once, whatever session it was begun in; no one is judged, no one is told."""

    word = "confirm run"

    def __init__(
        self,
        space: Space,
        log: EventLog,
        runs: Iterable[Planned],
        *,
        listeners: Iterable[Listener] = (),
        watchers: Iterable[Watcher] = (),
    ) -> None:
        """Begin empty; ``runs`` are those that are planned, the other arguments those of ``Trials``."""
        super().__init__(space, log, listeners=listeners, watchers=watchers)
        self._planned = list(runs)

    def replay(self, events: Iterable[Event]) -> None:
        """Take in the events of earlier sessions; of what is planned, all that has no end is queued.

        Runs of former finalists stay in the file. Those that ended answer equal ones, as long as they had the
        same images; those that did not are not begun again.
        """
        trained_on = {one.data for one in self._planned}
        for event in events:
            if event["event"] == "asked":
                self._asked[event["trial"]] = event
            elif event["event"] == "end" and event["data"] in trained_on:
                self.ended[event["trial"]] = event
        wanted = {key_of(one.about) for one in self._planned}
        begun = {key_of(event) for event in self._asked.values()}
        self._planned = [one for one in self._planned if key_of(one.about) not in begun]
        self._waiting = {
            number: self.space.recipe(asked["params"])
            for number, asked in self._asked.items()
            if number not in self.ended and key_of(asked) in wanted
        }

    @property
    def budget(self) -> int:
        """All that ended, are under way or have yet to be begun."""
        return len(self.ended) + len(self.live) + len(self._waiting) + len(self._planned)

    @property
    def asks(self) -> bool:
        """Whether one was never begun."""
        return bool(self._planned)

    def _point(self, number: int) -> tuple[Params, Mapping[str, Any]]:
        one = self._planned.pop(0)
        return one.params, one.about
