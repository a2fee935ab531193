"""Tables of the damage: every test set, and the classes that pay."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.damage.classes import ClassDamage, ClassLine
from analysis.damage.sets import SetLine
from analysis.grids.words import bases, reach
from analysis.tables import Table, label_of
from analysis.text import percent, plain, signed

ROWS, LEAST = 24, 8
"""The most classes of the table, and how many it has where fewer are discoveries."""


def sets_table(run: str, lines: Sequence[SetLine], *, what: str, seeds: int) -> Table:
    """A row a test set: accuracy before the cut, right after it, at the end, and what is lost.

    Args:
        run: its name.
        lines: the sets.
        what: the recipe, in words.
        seeds: of the pruned network.
    """
    cut = any(line.pruned is not None for line in lines)
    beyond = any(line.beyond is not None for line in lines)
    rows = tuple(
        (
            plain(line.name),
            f"{line.images:,}",
            percent(line.unpruned),
            *((percent(line.pruned),) if cut else ()),
            percent(line.final),
            signed(line.change.value) + ("*" if line.q <= 0.05 else ""),
            reach(line.change),
            *(("–" if line.beyond is None else signed(line.beyond),) if beyond else ()),
            _q(line.q),
        )
        for line in lines
    )
    by = bases([line.change for line in lines])
    return Table(
        caption=(
            f"Every test set in {plain(run)}: accuracy (%) of {what}, {_runs(seeds)}. Unpruned is the "
            "network before its cut. Δ: final "
            f"minus unpruned in points, with its 95 % interval{f' ({by})' if by else ''}. "
            + ("Beyond clean: how much more than on the clean set. " if beyond else "")
            + "q is the p of Δ adjusted over all sets (Benjamini–Hochberg); a star marks q ≤ 0.05."
        ),
        label=label_of(run, "damage-sets"),
        header=(
            "Test set",
            "Images",
            "Unpruned",
            *(("After the cut",) if cut else ()),
            "Final",
            "Δ",
            "95 % interval",
            *(("Beyond clean",) if beyond else ()),
            "q",
        ),
        rows=rows,
        align="l" + "r" * (6 + cut + beyond),
    )


def shown_classes(found: ClassDamage) -> tuple[ClassLine, ...]:
    """The discoveries, at most `ROWS`; where they are fewer than `LEAST` the likeliest others after them."""
    ranked = sorted(found.lines, key=lambda line: (not line.found, line.p, line.change))
    return tuple(ranked[: min(ROWS, max(LEAST, len(found.found)))])


def classes_table(run: str, found: ClassDamage, *, what: str, seeds: int) -> Table:
    """The classes that pay, of all sets; where few do, the likeliest others too, without a star."""
    lines = shown_classes(found)
    cut = any(line.pruned is not None for line in lines)
    rows = tuple(
        (
            plain(line.name),
            plain(line.set),
            str(line.images),
            percent(line.unpruned),
            *((percent(line.pruned),) if cut else ()),
            percent(line.final),
            signed(line.change) + ("*" if line.found else ""),
            f"±{percent(line.chance)}",
            _q(line.q),
        )
        for line in lines
    )
    return Table(
        caption=(
            f"Classes of {what} in {plain(run)}, {_runs(seeds)}: {len(found.found)} of {len(found.lines)} differences "
            "between final and unpruned are discoveries at a false discovery rate of 5 % (Benjamini–Hochberg over all "
            f"classes and sets; a star). {null_words(found)} One standard error of a class's accuracy by its images "
            f"alone ({found.images:.0f} a class) is {percent(found.error)} points."
        ),
        label=label_of(run, "damage-classes"),
        header=(
            "Class",
            "Test set",
            "Images",
            "Unpruned",
            *(("After the cut",) if cut else ()),
            "Final",
            "Δ",
            "By chance",
            "q",
        ),
        rows=rows,
        align="ll" + "r" * (6 + cut),
    )


def null_words(found: ClassDamage) -> str:
    """What the differences are measured against, one or two sentences."""
    if found.seeds:
        return (
            f"Measured against {found.seeds} seeds of the unpruned network: by chance 95 % of the differences of two "
            "seeds stay within ±."
        )
    return (
        "The run has not two seeds of the unpruned network that differ: Fisher's exact test of the two counts, as if "
        "the networks had seen other images, which finds rather too little; ± is 1.96 standard errors."
    )


def _q(q: float) -> str:
    return "<0.001" if q < 0.001 else f"{q:.3f}"


def _runs(seeds: int) -> str:
    return "a single run" if seeds == 1 else f"means of {seeds} seeds"
