"""RUN/study.db: the sweep as an Optuna study, for optuna-dashboard. A mirror, never the truth.

It is written by a thread of its own, so neither SQLite nor a dashboard that holds its lock can keep the sweep
waiting. Trials have the same numbers here and there, running ones are seen, and settings have their real
values (the sampler works with positions). Whatever goes wrong with the file, it is made again from the run's
events.
"""

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sweeper.space import Space
from sweeper.study_file import StudyFile

Event = Mapping[str, Any]

LOCK_SECONDS = 10.0
"""How long another program's lock is waited for."""
CLOSE_SECONDS = 60.0
"""How long the end of a sweep waits for the file."""


class Mirror:
    """A listener of the book's events."""

    def __init__(self, path: Path, space: Space, *, lock_seconds: float = LOCK_SECONDS) -> None:
        """Prepare; the file is opened when there is something to write.

        Args:
            path: RUN/study.db.
            space: what is searched.
            lock_seconds: how long another program's lock is waited for.
        """
        self.path = path
        self.space = space
        self.trouble: str | None = None
        """Why there is no whole file at the end."""
        self._lock_seconds = lock_seconds
        self._newest: dict[int, Event] = {}
        self._failed = False
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def rebuild(self, run_events: Iterable[Event]) -> None:
        """Take in the events of earlier sessions, before any other: what the file lacks of them is added."""
        assert self._thread is None
        self._start(_newest(run_events))

    def event(self, event: Event) -> None:
        """Take in an ``asked`` or an ``end``; it is written in a moment. A ``rung`` is not shown."""
        if event["event"] != "rung":
            if self._thread is None:
                self._start({})
            self._newest[event["trial"]] = event
            self._queue.put(event)

    def close(self) -> None:
        """Write what is left; if anything could not be written before, the whole file anew."""
        if self._thread is None:
            return
        self._queue.put(None)
        self._thread.join(CLOSE_SECONDS)
        if self._thread.is_alive():
            self.trouble = f"{self.path}: was not written within {CLOSE_SECONDS:.0f} s"
            return
        self._thread = None
        if self._failed:
            try:
                remake(self.path, self.space, self._newest.values())
            except Exception as error:  # no sweep fails for its mirror
                self.trouble = f"{self.path}: {error.__cause__ or error}".splitlines()[0]

    def _start(self, earlier: dict[int, Event]) -> None:
        self._newest = dict(earlier)
        self._thread = threading.Thread(target=self._work, args=(earlier,), name="mirror", daemon=True)
        self._thread.start()

    def _work(self, earlier: Mapping[int, Event]) -> None:
        try:
            if not _belongs(self.path, self.space, earlier, self._lock_seconds):
                remake(self.path, self.space, earlier.values())
            with _opened(self.path, self.space, self._lock_seconds) as study:
                for number in sorted(earlier):
                    study.write(earlier[number])
                while (event := self._queue.get()) is not None:
                    study.write(event)
        except Exception:  # such as "database is locked"
            self._failed = True


def remake(path: Path, space: Space, events: Iterable[Event]) -> None:
    """Make the file from a run's events: aside, then one rename. Nothing is left beside it.

    Raises:
        OSError, sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.OptunaError: the disk does not take it.
    """
    aside = path.with_name(f".{path.name}.new")
    _remove(aside)
    newest = _newest(events)
    try:
        with _opened(aside, space) as study:
            for number in sorted(newest):
                study.write(newest[number])
        _remove(path, but_itself=True)
        aside.replace(path)
    finally:
        _remove(aside)


def _newest(events: Iterable[Event]) -> dict[int, Event]:
    """The last ``asked`` or ``end`` of each trial."""
    return {event["trial"]: event for event in events if event["event"] != "rung"}


def _belongs(path: Path, space: Space, events: Mapping[int, Event], lock_seconds: float) -> bool:
    """Whether a file can be gone on with: it is whole, and says nothing but what the run's events say."""
    if not path.exists():
        return True
    try:
        with _opened(path, space, lock_seconds) as study:
            return study.sound and all(
                number in events and study.agrees(trial, events[number])
                for number, trial in study.trials.items()
            )
    except Exception:  # whatever is wrong with it, it is made again
        return False


@contextlib.contextmanager
def _opened(path: Path, space: Space, lock_seconds: float = LOCK_SECONDS) -> Iterator[StudyFile]:
    study = StudyFile(path, space, lock_seconds)
    try:
        yield study
    finally:
        study.close()


def _remove(path: Path, *, but_itself: bool = False) -> None:
    """A database with its side files: SQLite would play a killed writer's journal back into the next one."""
    for suffix in ("-journal", "-wal", "-shm") if but_itself else ("", "-journal", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
