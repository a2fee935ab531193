"""What is known of a trial before it begins: the epochs that it will ask for, by their addresses.

With it the book begins first what would not wait for an epoch that another trial is training, and answers a
recipe at once that this run has finished already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainables.addresses import DataIdentity, Segment, chain, digest, teacher_address, teacher_segment
from trainables.recipe import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Path:
    """What one recipe leads through."""

    epochs: tuple[str, ...]
    """Addresses of all epochs to train, in the order in which they are asked for; the teacher's too."""
    asked: frozenset[str]
    """The same, without order."""
    end: str
    """Name of the network at the end: equal for recipes that are one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ahead:
    """The paths of a sweep's trials, and which epochs of them are there."""

    identity: DataIdentity
    arithmetic: Mapping[str, Any]
    taught: DataIdentity | None = None
    """Identity of the images that the teacher was trained on; None: the same."""
    trained: set[str] = field(default_factory=set)
    """Addresses of epochs that were seen in this session."""
    finished: dict[str, int] = field(default_factory=dict)
    """Name of a network -> the trial that ended with it."""
    stored: Callable[[str], bool] = lambda _: False
    """Whether the store has the state of an address."""
    known: dict[int, Path] = field(default_factory=dict)
    """Trial -> its path, of trials that have not ended."""

    def path(self, number: int, recipe: Recipe) -> Path:
        """The epochs of a trial. Those of a finetune that depends on the cut (scratch_b) are not among them."""
        if number not in self.known:
            self.known[number] = self._path(recipe)
        return self.known[number]

    def _path(self, recipe: Recipe) -> Path:
        segments, teacher = self._segments(recipe)
        taught = self._taught(recipe)
        epochs: list[str] = []
        for segment in segments:
            if segment.rates and taught and recipe.kd_of(segment.stage) != "none":
                epochs += taught
                taught = ()
            epochs += segment.addresses[1:] if segment.rates else ()
        end = segments[-1].end
        if recipe.finetune is not None and segments[-1].stage != "finetune":
            end = digest([end, teacher, recipe.finetune.model_dump(mode="json")])
        return Path(epochs=tuple(epochs), asked=frozenset(epochs), end=end)

    def _segments(self, recipe: Recipe) -> tuple[Sequence[Segment], str | None]:
        """The student's stages, and the teacher that they learn from."""
        teacher = teacher_address(recipe, self.taught or self.identity, self.arithmetic)
        return chain(recipe, data=self.identity, arithmetic=self.arithmetic, teacher=teacher), teacher

    def _taught(self, recipe: Recipe) -> tuple[str, ...]:
        """Addresses of the teacher's epochs; none where there is no teacher, or it comes from a file."""
        if recipe.teacher is None or recipe.teacher.checkpoint is not None:
            return ()
        return teacher_segment(recipe, self.taught or self.identity, self.arithmetic).addresses[1:]

    def left_before_last(self, recipe: Recipe) -> int:
        """Epochs, the teacher's too, that neither this session has seen nor the store has, before the last stage."""
        segments, _ = self._segments(recipe)
        before = [segment for segment in segments if segment.rates and segment.stage != recipe.last_stage]
        epochs = [address for segment in before for address in segment.addresses[1:]]
        return self._left(epochs) + (self._left(self._taught(recipe)) if recipe.needs_teacher else 0)

    def _left(self, epochs: Sequence[str]) -> int:
        """How many come after the furthest one that is there."""
        there = (n for n in range(len(epochs), 0, -1) if self._is_there(epochs[n - 1]))
        return len(epochs) - next(there, 0)

    def _is_there(self, address: str) -> bool:
        return address in self.trained or self.stored(address)

    def remember(self, number: int, recipe: Recipe) -> None:
        """A trial has come to its end: complete, or outside a constraint, which it will be again."""
        self.finished.setdefault(self.path(number, recipe).end, number)

    def forget(self, number: int) -> None:
        """A trial has ended, however."""
        self.known.pop(number, None)

    def original(self, number: int, recipe: Recipe) -> int | None:
        """The trial that has finished the same recipe before."""
        return self.finished.get(self.path(number, recipe).end)

    def first_free(self, waiting: Mapping[int, Recipe], live: Mapping[int, Recipe]) -> int:
        """The first trial of a queue that need not wait for one under way; if all must, the first of all."""
        if len(waiting) == 1:
            return next(iter(waiting))
        ahead = [self.path(number, recipe).asked for number, recipe in live.items()]
        for number, recipe in waiting.items():
            epochs = self.path(number, recipe).epochs
            missing = next((address for address in epochs if address not in self.trained), None)
            if missing is None or not any(missing in asked for asked in ahead):
                return number
        return next(iter(waiting))
