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

Signs = tuple[float, int | None]


@dataclass(kw_only=True)
class Watch:
    """Counts the silence of every trial under way."""

    seconds: float | None
    """Silence after which a trial hangs; None: none ever does."""
    hung: set[int] = field(default_factory=set)
    """Trials whose worker is being killed for it."""
    _clock: float = 0.0
    _looked: float | None = None
    _signs: dict[int, tuple[Signs, float]] = field(default_factory=dict)
    """Trial -> its last signs of life, and since when they are the last."""

    def look(self, live: Mapping[int, Live], now: float) -> list[int]:
        """The trials that hang since this look; one that died, or is begun again, is counted anew.

        Args:
            live: all that are under way.
            now: ``time.monotonic()``.
        """
        if self.seconds is None:
            return []
        pause = self.seconds / LOOKS
        passed = pause if self._looked is None else now - self._looked
        if passed < pause:
            return []
        self._looked = now
        self._clock += min(passed, 2 * pause)
        before, self._signs = self._signs, {}
        for number, one in live.items():
            signs = (one.heard, None if one.pulse is None else last_beat(one.pulse))
            known, since = before.get(number, (None, self._clock))
            self._signs[number] = (signs, since if signs == known else self._clock)
        found = [number for number, (_, since) in self._signs.items() if self._clock - since >= self.seconds]
        for number in found:
            del self._signs[number]  # another such silence, and it is killed again
        return found

    def died(self, number: int) -> str | None:
        """Why a trial's worker died, if it was killed from here."""
        if number not in self.hung:
            return None
        self.hung.discard(number)
        assert self.seconds is not None
        return f"no sign of life for {self.seconds:g} s (resources.hang_after)"
