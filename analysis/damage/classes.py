"""Which classes pay: final minus unpruned of every class on every set, false discoveries controlled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analysis.damage.null import Null, null, smoothed_error
from analysis.damage.recorded import FINAL, PRUNED, UNPRUNED, Damage
from analysis.damage.sets import RATE
from analysis.damage.subject import Subject
from analysis.select import Z95
from analysis.significance import benjamini_hochberg, fisher_p, mean


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassLine:
    """One class on one set: means over seeds, fractions; `chance`: 95 % of differences by chance are smaller.

    `q` is the adjusted p over all classes and sets.
    """

    set: str
    name: str
    images: int
    unpruned: float
    pruned: float | None
    final: float
    chance: float
    p: float
    q: float = 1.0

    @property
    def change(self) -> float:
        """Final minus unpruned."""
        return self.final - self.unpruned

    @property
    def found(self) -> bool:
        """Is the change a discovery at `RATE`?"""
        return self.q <= RATE


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassDamage:
    """Every test that was made; `seeds` of the unpruned network made the null, 0 where images had to.

    `error` is one standard error of a class's accuracy by its images alone: the mean over the first set.
    """

    lines: tuple[ClassLine, ...]
    seeds: int
    error: float
    images: float

    @property
    def found(self) -> tuple[ClassLine, ...]:
        """The discoveries, the greatest loss first."""
        return tuple(sorted((line for line in self.lines if line.found), key=lambda line: line.change))


def class_damage(shown: Subject) -> ClassDamage | None:
    """Test every class on every set; None where not both ends were measured.

    Against the null of the seeds of the unpruned network (`analysis.damage.null`); where there are fewer than two,
    or these agree everywhere, by Fisher's exact test of the two counts. That one takes the networks for independent,
    though they see the same images: it finds rather too little (McNemar's needs answers that are not recorded).
    """
    records, sets = shown.pruned, shown.sets
    lines: list[ClassLine] = []
    seeds = 0
    for name in sets:
        places = [place for place, images in enumerate(records[0].images[name]) if images]
        spread = _null(shown.unpruned, name, places)
        seeds = max(seeds, spread.seeds if spread else 0)
        lines += _lines(records, name, places, spread)
    if not lines:
        return None
    adjusted = benjamini_hochberg([line.p for line in lines])
    first = [line for line in lines if line.set == sets[0]]
    return ClassDamage(
        lines=tuple(replace(line, q=q) for line, q in zip(lines, adjusted, strict=True)),
        seeds=seeds,
        error=mean([smoothed_error(line.unpruned * line.images, line.images) for line in first]),
        images=mean([float(line.images) for line in first]),
    )


def _null(unpruned: Sequence[Damage], name: str, places: Sequence[int]) -> Null | None:
    known = [one.right[UNPRUNED][name] for one in unpruned if name in one.right[UNPRUNED]]
    images = [unpruned[0].images[name][place] for place in places] if known else []
    return null([[row[place] for place in places] for row in known], images)


def _lines(
    records: Sequence[Damage], name: str, places: Sequence[int], spread: Null | None
) -> list[ClassLine]:
    lines = []
    for index, place in enumerate(places):
        images = records[0].images[name][place]
        before = mean([one.right[UNPRUNED][name][place] / images for one in records])
        after = mean([one.right[FINAL][name][place] / images for one in records])
        cut = [
            one.right[PRUNED][name][place] / images for one in records if name in one.right.get(PRUNED, {})
        ]
        if spread:
            p, chance = spread.p(after - before, index, len(records)), spread.reach(index, len(records))
        else:
            p = fisher_p(round(after * images), round(before * images), images)
            chance = Z95 * smoothed_error(before * images, images) * 2**0.5
        lines.append(
            ClassLine(
                set=name,
                name=records[0].classes[place],
                images=images,
                unpruned=before,
                pruned=mean(cut) if cut else None,
                final=after,
                chance=chance,
                p=p,
            )
        )
    return lines
