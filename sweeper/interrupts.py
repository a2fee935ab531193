"""Ctrl-C and SIGTERM as a flag, so that they can't come in the midst of an import or of a lock.

A KeyboardInterrupt that is raised while another thread imports leaves an import lock held for ever, and the
process hangs. So the first signal is only noted, and passed on to Ray Tune where it runs; the second one ends
whatever is under way.
"""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """A context in which signals are noted; outside of the main thread it does nothing."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked = False
        """Whether the user has asked to stop."""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupts":
        """Take the signals over."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
            self._before[signal.SIGUSR1] = signal.getsignal(signal.SIGUSR1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        tune = signal.getsignal(signal.SIGUSR1)  # while it runs, Ray Tune ends its run at this one
        if callable(tune):
            tune(number, frame)
            signal.signal(signal.SIGINT, self._note)  # which it puts back to what it found
