"""One thing varied, all else equal: distillation in a stage, the start of finetuning, the pruning method."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from analysis.grids.baselines import difference
from analysis.grids.cells import Cell, Cut, Grid, Settings
from analysis.grids.labels import (
    KD_NUMBERS,
    START_WORDS,
    kd_pair,
    kd_words,
    names,
    recipe_order,
)
from analysis.significance import Difference

METHOD_KEYS = ("prune.method", "prune.scope", "prune.like")


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """What is varied: its keys, the name of a level, and which level the others are measured against.

    `first` sorts the levels; the reference is the least. `pruned`: it says nothing of a network that is not cut.
    """

    name: str
    owns: Callable[[str], bool]
    level: Callable[[Settings], str]
    first: Callable[[Settings], object]
    pruned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Networks that differ in the factor only: `cells` by the name of the level, at least two."""

    context: Settings
    cut: Cut
    cells: Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """All rows of a factor, by cut; `levels` in order, the reference first."""

    factor: Factor
    levels: tuple[str, ...]
    rows: tuple[Row, ...]

    def change(self, grid: Grid, row: Row, level: str) -> Difference | None:
        """`level` minus the reference in one row; None where it has not both."""
        one, reference = row.cells.get(level), row.cells.get(self.levels[0])
        return None if one is None or reference is None else difference(grid, one, reference)


def contrast(grid: Grid, factor: Factor) -> Contrast | None:
    """Cells of `grid` that differ in `factor` only, side by side; None where there are none."""
    groups: dict[Hashable, list[tuple[Settings, Settings, Cell]]] = {}
    for cell in grid.cells:
        if factor.pruned and cell.cut.uncut:
            continue
        owned = {key: value for key, value in cell.settings.items() if factor.owns(key)}
        context = {key: value for key, value in cell.settings.items() if key not in owned}
        key = (cell.cut, _key(context))
        groups.setdefault(key, []).append((owned, context, cell))
    pairs = [group for group in groups.values() if len(group) > 1]
    if not pairs:
        return None
    levels = {_key(owned): owned for group in pairs for owned, _, _ in group}
    ordered = sorted(levels.values(), key=lambda owned: (factor.first(owned), str(sorted(owned.items()))))
    labels = dict(zip(map(_key, ordered), names(ordered, factor.level), strict=True))
    rows = [
        Row(
            context=group[0][1],
            cut=group[0][2].cut,
            cells={labels[_key(owned)]: cell for owned, _, cell in group},
        )
        for group in pairs
    ]
    return Contrast(
        factor=factor,
        levels=tuple(labels.values()),
        rows=tuple(sorted(rows, key=lambda row: (row.cut, recipe_order(row.context)))),
    )


def square(grid: Grid) -> Contrast | None:
    """The combinations of distillation in sparsity training and in finetuning; None unless both vary."""
    found = contrast(grid, BOTH)
    pairs = {kd_pair(cell.settings) for row in (found.rows if found else ()) for cell in row.cells.values()}
    return found if all(len({pair[stage] for pair in pairs}) > 1 for stage in (0, 1)) else None


def _key(settings: Settings) -> Hashable:
    return frozenset(settings.items())


def _kd(*stages: str) -> Callable[[str], bool]:
    """Keys of the distillation of `stages`, their teacher's among them."""
    keys = {f"{stage}.{key}" for stage in stages for key in ("kd", *KD_NUMBERS)}
    return lambda key: key in keys or key.startswith(tuple(f"{stage}.teacher." for stage in stages))


def _loss(stage: int) -> Callable[[Settings], str]:
    return lambda owned: kd_pair(owned)[stage]


def _none_first(owned: Settings) -> tuple[object, ...]:
    return tuple((kd != "none", kd) for kd in kd_pair(owned))


def _start(owned: Settings) -> str:
    start = str(owned.get("finetune.start"))
    return START_WORDS.get(start, start)


def _method(owned: Settings) -> str:
    """The method and its scope: "slimming", "l1, layer", "random like slimming"."""
    method, like = str(owned.get("prune.method", "slimming")), owned.get("prune.like")
    scope = owned.get("prune.scope", "global")
    return method + (f" like {like}" if like else "") + ("" if scope == "global" else f", {scope}")


BOTH = Factor(name="combinations", owns=_kd("sparsity", "finetune"), level=kd_words, first=_none_first)
IN_SPARSITY = Factor(name="distillation-sparsity", owns=_kd("sparsity"), level=_loss(0), first=_none_first)
IN_FINETUNING = Factor(name="distillation-finetune", owns=_kd("finetune"), level=_loss(1), first=_none_first)
START = Factor(
    name="scratch",
    owns=lambda key: key == "finetune.start",
    level=_start,
    first=lambda owned: (_start(owned) != START_WORDS["pruned"], _start(owned)),
    pruned=True,
)
METHOD = Factor(
    name="methods",
    owns=lambda key: key in METHOD_KEYS,
    level=_method,
    first=lambda owned: (
        not _method(owned).startswith("slimming"),
        _method(owned).startswith("random"),
        _method(owned),
    ),
    pruned=True,
)
