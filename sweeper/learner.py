"""What the mfbo sampler remembers of a sweep; everything is told to it again when a sweep is resumed."""

import random
from collections.abc import Callable

import numpy as np

from sweeper.cube import Cube
from sweeper.extrapolation import Curve
from sweeper.knobs import Params, draw
from sweeper.live import Rungs
from sweeper.mfbo import Array, Cost, Observation, propose
from sweeper.samplers import Ask
from sweeper.space import Space
from trainables.recipe import KEY_OF


class Learner:
    """Points by random until there is something to learn from, by ``mfbo.propose`` from then on."""

    def __init__(self, space: Space, *, sign: float) -> None:
        """Know nothing yet; ``sign`` is 1 where the objective should be large, -1 where it should be small."""
        self._space = space
        self._cube = Cube(space.knobs, space.fixed)
        self._sign = sign
        self._open: dict[int, Params] = {}
        self._ended: list[Observation] = []
        self._cost: Cost | None = None

    def weigh(self, epochs: Callable[[Params], float]) -> None:
        """Ask from here on for what improves most for the epochs that a point would take.

        Args:
            epochs: of a point. It is asked once for all candidates that agree in all but settings of the last stage
                that change neither its length nor whether it needs the teacher.
        """
        last = f"{KEY_OF[self._space.settings.last_stage]}."
        apart = [
            side
            for side, knob in enumerate(self._space.knobs)
            if not knob.key.startswith(last) or knob.key in (f"{last}epochs", f"{last}kd")
        ]

        def cost(rows: Array) -> Array:
            _, first, group = np.unique(rows[:, apart], axis=0, return_index=True, return_inverse=True)
            each = np.array([max(1.0, epochs(self._cube.params(rows[position]))) for position in first])
            return each[group]

        self._cost = cost

    def ask(self, ask: Ask) -> Params:
        """A point; it depends on what is asked and what was told."""
        finished = any(one.curve is not None and one.curve.final is not None for one in self._ended)
        if ask.number < ask.startup or not finished:
            return draw(self._space.knobs, self._space.fixed, random.Random(ask.own_seed))
        running = list(self._open.values())
        return propose(self._cube, self._ended, running, np.random.default_rng(ask.own_seed), self._cost)

    def begin(self, number: int, params: Params) -> None:
        """A trial is under way."""
        self._open[number] = params

    def end(self, number: int, state: str, value: float | None, rungs: Rungs) -> None:
        """A trial has ended: complete with a value, stopped, infeasible or failed."""
        params = self._open.pop(number)
        curve = None
        if state in ("complete", "stopped"):
            known = {group: self._sign * reached for group, (_, reached) in rungs.items()}
            curve = Curve(rungs=known, final=None if value is None else self._sign * value)
        self._ended.append(Observation(params=params, curve=curve))
