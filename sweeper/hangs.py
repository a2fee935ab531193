"""Which trials hang: no record, and no batch gone by, for ``resources.hang_after`` seconds.

Waiting for another trial is a sign of life; the one that it waits for shows none. Time counts only while the driver
looks, so a driver that was stopped itself, or a machine that slept, blames no one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sweeper.live import Live
from trainables.pulse import last_beat

LOOKS = 20
"""In the time after which a trial is said to hang."""

BEGINNING = 300.0
"""Seconds that a worker may take at least to its first word: a busy machine imports torch in minutes."""

Signs = tuple[float, int | None]


@dataclass(kw_only=True)
class Watch:
    """Counts the silence of every trial under way."""

    seconds: float | None
    """Silence after which a trial hangs; None: none ever does."""
    hung: dict[int, float] = field(default_factory=dict)
    """Trials whose worker is being killed for it -> the seconds."""
    _clock: float = 0.0
    _looked: float | None = None
    _signs: dict[int, tuple[Signs, float]] = field(default_factory=dict)
    """Trial -> its last signs of life, and since when they are the last."""

    def look(self, live: Mapping[int, Live], now: float) -> dict[int, float]:
        """The trials that hang, and the seconds for which they may be silent.

        One that died, or is begun again, is counted anew.

        Args:
            live: all that are under way.
            now: ``time.monotonic()``.
        """
        if self.seconds is None:
            return {}
        pause = self.seconds / LOOKS
        passed = pause if self._looked is None else now - self._looked
        if passed < pause:
            return {}
        self._looked = now
        self._clock += min(passed, 2 * pause)
        before, self._signs, found = self._signs, {}, {}
        for number, one in live.items():
            signs = (one.heard, None if one.pulse is None else last_beat(one.pulse))
            known, since = before.get(number, (None, self._clock))
            since = since if signs == known else self._clock
            limit = max(self.seconds, BEGINNING if one.pulse is None else 0.0)
            if self._clock - since >= limit:
                found[number] = limit  # after another such silence it is killed again
            else:
                self._signs[number] = (signs, since)
        return found

    def died(self, number: int) -> str | None:
        """Why a trial's worker died, if it was killed from here."""
        seconds = self.hung.pop(number, None)
        return None if seconds is None else f"no sign of life for {seconds:g} s (resources.hang_after)"
