"""Whether a sweep will fit on its disks, told before it starts."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from sweeper.foreseen import Foreseen
from sweeper.keep import branch_points
from sweeper.space import Space

FILLED = 0.9
"""Part of what is free that may be taken without a warning."""
EPOCH_BYTES = 2500
"""Of a run folder for an epoch of a trial: its record, its point in TensorBoard, its line of the ledger."""
TRIAL_BYTES = 60_000
"""Of a run folder for a trial besides: its events, and its rows in ``study.db`` and in Ray's own files."""


def free_bytes(folder: Path) -> int:
    """What is free on the disk on which a folder is, or will be."""
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def kept(space: Space, trials: Sequence[Foreseen]) -> dict[str, float]:
    """Address -> bytes of each state that is kept: weights and momentum in float32."""
    keep = branch_points(space)
    found: dict[str, float] = {}
    for trial in trials:
        for segment in trial.segments:
            params = trial.size["params_unpruned" if segment.stage == "sparsity" else "params"]
            if not segment.rates:
                found[segment.end] = params * 4
            for epoch in keep.get(segment.stage, []) if segment.rates else []:
                if epoch <= len(segment.rates):
                    found[segment.addresses[epoch]] = params * 8
    return found


def may_be_tight(space: Space, *, store: Path | None, out: Path) -> bool:
    """Whether it is worth to foresee the trials: a disk with more than the store's limit to spare takes any sweep."""
    room = space.settings.store.max_gb * 1e9 if store is not None else 0.0
    places = [out] if store is None else [store, out]
    return any(free_bytes(place) * FILLED < room + 1e9 for place in places)


def too_little_room(
    space: Space, trials: Sequence[Foreseen], *, store: Path | None, out: Path | None, table_gb: float = 0.0
) -> list[str]:
    """A sentence for each disk that may be too small; what the store has already needs no room.

    Args:
        space: of the sweep.
        trials: all, as foreseen.
        store: where states are kept; None: nowhere.
        out: where the run folder is made; None: it is not looked at.
        table_gb: what the teacher's table takes.
    """
    needs: dict[str, tuple[Path, float, str]] = {}
    if store is not None:
        states = {
            address: size
            for address, size in kept(space, trials).items()
            if not (store / address[:2] / f"{address}.state").exists()
        }
        need = min(sum(states.values()) + table_gb * 1e9, space.settings.store.max_gb * 1e9)
        needs["the store"] = store, need, "lower store.max_gb, or give --store another disk"
    if out is not None:
        epochs = sum(len(segment.rates) for trial in trials for segment in trial.segments)
        need = epochs * EPOCH_BYTES + len(trials) * TRIAL_BYTES
        needs["the run folder"] = out, need, "free space, or give --out another disk"
    return [
        f"{what} may need {_size(need)}, and {_size(free)} are free: {mend}"
        for what, (place, need, mend) in needs.items()
        if need > (free := free_bytes(place)) * FILLED
    ]


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
