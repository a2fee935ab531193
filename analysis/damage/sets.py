"""What pruning costs on every test set: accuracy before the cut, after it, and at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from analysis.damage.recorded import CLEAN, FINAL, PRUNED, UNPRUNED
from analysis.damage.subject import Subject
from analysis.significance import Difference, benjamini_hochberg, compare, fisher_p, mean, t_p

RATE = 0.05
"""The false discovery rate that is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SetLine:
    """One test set: means over seeds, fractions; `beyond`: how much more than on the clean set is lost.

    `q` is the adjusted p of the change over all sets; `pays`: the loss is a discovery at `RATE`.
    """

    name: str
    images: int
    unpruned: float
    pruned: float | None
    final: float
    change: Difference
    beyond: float | None
    p: float
    q: float = 1.0

    @property
    def pays(self) -> bool:
        """Is a loss found here?"""
        return self.q <= RATE and self.change.value < 0


def set_lines(shown: Subject) -> tuple[SetLine, ...]:
    """All sets of which both ends were measured, the clean one first, the greatest loss next."""
    records = shown.pruned
    lines = []
    for name in shown.sets:
        before = [share for one in records if (share := one.share(UNPRUNED, name)) is not None]
        after = [share for one in records if (share := one.share(FINAL, name)) is not None]
        cut = [share for one in records if (share := one.share(PRUNED, name)) is not None]
        images = sum(records[0].images[name])
        differences = [end - start for start, end in zip(before, after, strict=True)]
        p = t_p(differences)
        lines.append(
            SetLine(
                name=name,
                images=images,
                unpruned=mean(before),
                pruned=mean(cut) if cut else None,
                final=mean(after),
                change=compare(dict(enumerate(after)), dict(enumerate(before)), images=images),
                beyond=None,
                p=fisher_p(round(mean(after) * images), round(mean(before) * images), images)
                if p is None
                else p,
            )
        )
    clean = next((line.change.value for line in lines if line.name == CLEAN), None)
    adjusted = benjamini_hochberg([line.p for line in lines])
    told = [
        replace(line, q=q, beyond=None if clean is None or line.name == CLEAN else line.change.value - clean)
        for line, q in zip(lines, adjusted, strict=True)
    ]
    return tuple(sorted(told, key=lambda line: (line.name != CLEAN, line.change.value)))
