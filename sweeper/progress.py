"""What the user sees of a sweep while it runs: a live table on a terminal, plain lines in a pipe or file."""

import os
import sys
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, TextIO

from rich.console import Console
from rich.live import Live as LiveDisplay
from rich.text import Text

from analysis.text import plain
from sweeper.progress_lines import ended_line, heartbeat
from sweeper.progress_table import Board
from sweeper.progress_view import View, snapshot
from sweeper.trials import Trials

REFRESHES = 4
"""Of the table, each second."""
HEARTBEAT_SECONDS = 30.0
"""Plain lines are never further apart than this."""
LOOK_SECONDS = 0.5
"""Between two looks for a teacher's start, where lines are written."""


class Progress:
    """A listener of the book's events and, as a context manager, the display of the book itself."""

    def __init__(
        self,
        book: Trials,
        *,
        name: str,
        interactive: bool | None = None,
        stream: TextIO | None = None,
        workers: int | None = None,
        quiet: bool = False,
    ) -> None:
        """Prepare; nothing is shown before it is entered.

        Args:
            book: the sweep; read, never changed, from a thread of the display.
            name: of the run.
            interactive: a live table, or lines; None: a table on a terminal that can show it.
            stream: where to; None: standard output.
            workers: trials at a time; None: as many as were seen at once.
            quiet: show nothing at all.
        """
        stream = sys.stdout if stream is None else stream
        self.book = book
        self.name = name
        self.quiet = quiet
        self.interactive = _can_draw(stream) if interactive is None else interactive
        self._stream = stream
        self._workers = workers
        self._seen = 1
        self._began = time.monotonic()
        self._last_line = self._began
        self._teaching = False
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._live: LiveDisplay | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        self._began = self._last_line = time.monotonic()
        if self.quiet:
            return self
        if self.interactive:
            console = Console(file=self._stream, force_terminal=True, highlight=False)
            self._live = LiveDisplay(
                console=console, get_renderable=lambda: Board(self.view()), refresh_per_second=REFRESHES
            )
            self._live.start(refresh=True)
        else:
            self._thread = threading.Thread(target=self._look, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show the last state, and end."""
        self._stop.set()
        if self._live is not None:
            self._live.stop()
        if self._thread is not None:
            self._thread.join()

    def view(self) -> View:
        """All that there is to see now."""
        self._seen = max(self._seen, len(self.book.live))
        return snapshot(self.book, name=self.name, began=self._began, workers=self._workers or self._seen)

    def event(self, event: Mapping[str, Any]) -> None:
        """An ended trial's line; on a terminal only why one failed, which stays above the table."""
        if event["event"] != "end" or self.quiet:
            return
        if self._live is None:
            self._write(ended_line(event, self.book.budget, word=self.book.word))
        elif event["state"] == "failed":
            words = f"{self.book.word} {event['trial']} failed: {plain(event['reason'])}"
            self._live.console.print(Text(words, style="red"), soft_wrap=True)

    def _look(self) -> None:
        """Say when a teacher's training starts, and that all goes on when nothing else was said for long."""
        while not self._stop.wait(LOOK_SECONDS):
            view = self.view()
            training = next((row for row in view.rows if row.stage == "teacher" and not row.waiting), None)
            if training is not None and not self._teaching:
                self._write(f"teacher: {training.epochs} epochs, in {view.word} {training.number}")
            if training is None and self._teaching:
                told = f"{view.teacher} epochs trained" if view.teacher else "read from the store"
                self._write(f"teacher: {told}")
            self._teaching = training is not None
            if time.monotonic() - self._last_line >= HEARTBEAT_SECONDS:
                self._write(heartbeat(view))

    def _write(self, line: str) -> None:
        with self._lock:
            self._last_line = time.monotonic()
            if not self.quiet:
                try:
                    self._stream.write(line + "\n")
                    self._stream.flush()
                except OSError:  # whoever read it is gone: the sweep goes on unseen
                    self.quiet = True


def _can_draw(stream: TextIO) -> bool:
    """Whether it is a terminal that moves its cursor and shows more than ASCII."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return stream.isatty() and os.environ.get("TERM") != "dumb" and encoding == "utf8"
