"""Where a pipeline runs: its images, device, arithmetic, store and ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainables.addresses import DataIdentity
from trainables.arithmetic import describe, pick_device, use_threads
from trainables.data import Dataset, load_data
from trainables.data.dataset import checked_source, trained_on_all, validated_on_test, with_views
from trainables.data.mapped import mapped, used
from trainables.fit import TrainingImages
from trainables.ledger import Ledger
from trainables.models import Architecture
from trainables.recipe import Data
from trainables.store import NoStore, States, Store

GIGABYTE = 10**9


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a run through the pipeline uses but does not depend on, and the images it does depend on."""

    data: Dataset
    images: TrainingImages
    identity: DataIdentity
    device: torch.device
    arithmetic: Mapping[str, Any]
    store: States
    ledger: Ledger
    keep: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Stage -> epochs at which other candidates of the space branch off; their states stay in the store."""
    trial: int | None = None
    """Number of the trial, for the ledger."""
    before: "Place | None" = None
    """Where the search was, if this place's student trains on its validation images too."""

    @property
    def search(self) -> "Place":
        """Where the search is or was: what it has trained, and the split it was trained on, are known by it."""
        return self if self.before is None else self.before

    def architecture(self, model: str) -> Architecture:
        """A whole network of this name for the images, which it normalises with the data set's numbers."""
        return Architecture(
            model=model,
            classes=self.identity.classes,
            channels=self.identity.channels,
            mean=self.data.mean,
            std=self.data.std,
        )

    def put(self, network: nn.Module) -> nn.Module:
        """The network where it is run, in the memory format that it is run in."""
        return network.to(self.device).to(memory_format=torch.channels_last)

    @classmethod
    def prepare(
        cls,
        data: Data,
        *,
        store: Path | None,
        max_gb: float = 20.0,
        ledger: Path | None = None,
        carried: bool = False,
        threads: int = 1,
        gpus: float = 0.0,
        keep: Mapping[str, frozenset[int]] | None = None,
        trial: int | None = None,
        seen: bool = False,
        joined: bool = False,
    ) -> "Place":
        """Load the images (once a process) and open the store.

        Args:
            data: which images, and their split.
            store: folder of the shared states; None: nothing is stored or reused.
            max_gb: size limit of the store, in 10**9 bytes.
            ledger: folder of the ledgers of a run; None: no file is kept.
            carried: whether the ledger's lines are kept for ``with_lines``.
            threads: threads that torch computes with; part of the arithmetic.
            gpus: share of a GPU that this process was given; 0: the CPU.
            keep: see the attribute.
            trial: see the attribute.
            seen: the student comes from outside and has seen all the training images, so halves of the
                test set validate and test.
            joined: the student trains on the training and the validation images, and nothing is validated.
        """
        use_threads(threads)
        device = pick_device(gpus)
        limit = int(max_gb * GIGABYTE)
        dataset, images, file = _images(data, device, seen, store, limit)
        if file is not None:
            used(file)
        place = cls(
            data=dataset,
            images=images,
            identity=identity(dataset),
            device=device,
            arithmetic=describe(threads=threads, device=device),
            store=NoStore() if store is None else _store(store, limit),
            ledger=_carried() if carried else Ledger(ledger),
            keep=keep or {},
            trial=trial,
        )
        return place.joined(*_joined(dataset, device)) if joined else place

    def joined(self, data: Dataset, images: TrainingImages) -> "Place":
        """The place of a student that trains on these images, in which those are that the search validates on."""
        return replace(self, data=data, images=images, identity=identity(data), before=self)


@lru_cache(maxsize=2)
def _store(folder: Path, max_bytes: int) -> Store:
    """One for all trials of a process, so that what they write adds up and the store is trimmed in time."""
    return Store(folder, max_bytes=max_bytes)


@cache
def _carried() -> Ledger:
    """One for all trials of a process: what a trial that failed could not say is said by the next."""
    return Ledger(None, carried=True)


@lru_cache(maxsize=1)
def _joined(dataset: Dataset, device: torch.device) -> tuple[Dataset, TrainingImages]:
    joined = trained_on_all(dataset)
    return joined, TrainingImages.of(joined, device)


_Loaded = tuple[Dataset, TrainingImages, Path | None]
"""The images, those of them that are trained on, and the file from which they are mapped, if they are."""
_LOADED: dict[tuple[Data, torch.device, bool], _Loaded] = {}
"""The last two data sets of this process; whether they were mapped is no part of what they are."""


def _images(data: Data, device: torch.device, seen: bool, store: Path | None, limit: int) -> _Loaded:
    """Load a data set, if this process did not lately."""
    key = (data, device, seen)
    if key not in _LOADED:
        for oldest in list(_LOADED)[:-1]:
            del _LOADED[oldest]
        _LOADED[key] = _load(data, device, seen, store, limit)
    return _LOADED[key]


def _load(data: Data, device: torch.device, seen: bool, store: Path | None, limit: int) -> _Loaded:
    source = checked_source(data.source, None if data.path is None else Path(data.path), data.download)

    def read() -> Dataset:
        return _read(data, seen)

    if store is None:
        dataset, file = read(), None
    else:
        dataset, file = mapped(data, seen=seen, folder=store / "data", max_bytes=limit, make=read)
        dataset = with_views(dataset, source, pad=data.pad, flip=data.flip)
    return dataset, TrainingImages.of(dataset, device), file


def _read(data: Data, seen: bool) -> Dataset:
    """The images that a data section names, from their source."""
    dataset = load_data(
        data.source,
        path=None if data.path is None else Path(data.path),
        val_fraction=data.val_fraction,
        split_seed=data.split_seed,
        pad=data.pad,
        flip=data.flip,
        download=data.download,
    )
    return validated_on_test(dataset, seed=data.split_seed) if seen else dataset


def identity(data: Dataset) -> DataIdentity:
    """What addresses hold of a data set."""
    return DataIdentity(
        address=data.address,
        classes=data.classes,
        channels=data.train.pixels.shape[1],
        pad=data.pad,
        flip=data.flip,
        mean=data.mean,
        std=data.std,
    )
