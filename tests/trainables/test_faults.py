"""Whatever a disk refuses, and whoever writes at once: in a store there is what was put, whole, or nothing."""

import logging
import multiprocessing
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.checkpoints import load, save
from trainables.data.dataset import Dataset, Images, address_of
from trainables.data.mapped import _write, read, read_whole
from trainables.ledger import Ledger
from trainables.models import Architecture, build
from trainables.store import State, Store
from trainables.teacher_table import Contents, Table

torch.set_num_threads(1)
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["trainables.store"])
Damages = Callable[..., Iterator[tuple[str, bytes | None]]]
ADDRESS = "ab" * 20


def state(value: float = 1.0, size: int = 3000) -> State:
    header = {"history": [{"stage": "sparsity", "accuracy": value}]}
    return State(header=header, tensors={"network.w": torch.full((size,), value)})


def same(one: State | None, other: State) -> bool:
    return (
        one is not None
        and one.header == other.header
        and all(torch.equal(one.tensors[name], tensor) for name, tensor in other.tensors.items())
    )


def a_store(folder: Path) -> Store:
    return Store(folder / "store", max_bytes=10**9)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[int], Path]:
    def make(number: int) -> Path:
        folder = tmp_path / f"fault-{number}"
        folder.mkdir()
        a_store(folder).put(ADDRESS, state(0.5))
        return folder

    return make


def nothing_left_over(folder: Path) -> None:
    assert list(folder.rglob("*.tmp")) == []


def test_a_put_keeps_the_old_state_or_the_new_one_whatever_fails(every_fault: Any, fresh: Any) -> None:
    def check(folder: Path, failed: str) -> None:
        assert same(a_store(folder).get(ADDRESS), state(0.5 if failed else 0.75))
        nothing_left_over(folder)

    count = every_fault(fresh, lambda folder: a_store(folder).put(ADDRESS, state(0.75)), check)
    assert count >= 2  # a write, a rename


def test_a_table_has_a_row_or_has_none_whatever_fails(every_fault: Any, fresh: Any) -> None:
    contents = Contents(about={"of": "a test"}, images=8, views=2, classes=10)
    rows = np.arange(160, dtype=np.float32).reshape(16, 10)

    def check(folder: Path, failed: str) -> None:
        found, there, damaged = Table(folder / "store" / "tables", contents).read(np.arange(16))
        assert np.array_equal(found[there], rows[there])
        assert damaged == 0
        assert failed or there.all()
        Table(folder / "store" / "tables", contents).write(np.arange(16), rows)
        assert Table(folder / "store" / "tables", contents).read(np.arange(16))[1].all()

    def fill(folder: Path) -> None:
        Table(folder / "store" / "tables", contents).write(np.arange(16), rows)

    assert every_fault(fresh, fill, check) >= 34  # its length, its head, 16 rows, 16 marks


def test_a_ledger_has_whole_lines_whatever_fails(every_fault: Any, fresh: Any, tmp_path: Path) -> None:
    look: Any = {"stage": "finetune", "epoch": 1, "address": "a", "macs": 7, "seconds": 0.1, "trial": 3}

    def act(folder: Path) -> None:
        for _ in range(3):
            Ledger(folder / "ledger").add(**look)

    def check(folder: Path, failed: str) -> None:
        Ledger(folder / "ledger").add(**look)  # the disk takes it again
        (file,) = (folder / "ledger").iterdir()
        lines = file.read_bytes().splitlines(keepends=True)
        assert all(line.startswith(b'{"stage"') and line.endswith(b'"}\n') for line in lines)
        assert failed or len(lines) == 4

    assert every_fault(fresh, act, check) == 3


def test_a_checkpoint_is_the_old_one_or_the_new_one_whatever_fails(every_fault: Any, fresh: Any) -> None:
    old, new = (build(Architecture(model="resnet8", classes=2), seed=seed) for seed in (0, 1))

    def before(number: int) -> Path:
        folder: Path = fresh(number)
        save(folder / "net.safetensors", old)
        return folder

    def check(folder: Path, failed: str) -> None:
        found, wanted = load(folder / "net.safetensors"), old if failed else new
        for one, other in zip(found.state_dict().values(), wanted.state_dict().values(), strict=True):
            assert torch.equal(one, other)
        assert [path.name for path in folder.iterdir() if path.is_file()] == ["net.safetensors"]

    assert every_fault(before, lambda folder: save(folder / "net.safetensors", new), check) >= 2


# --- many at once ----------------------------------------------------------------------------------


def writer(folder: str, number: int, rounds: int, met: Any) -> None:
    """Put states of one address, all unlike, and read it after each: what is there is one of those that were put."""
    torch.set_num_threads(1)
    store, partial = Store(Path(folder), max_bytes=10**9), 0
    for count in range(rounds):
        store.put(ADDRESS, state(number + count / 1000))
        found = store.get(ADDRESS)
        partial += found is None or not same(found, state(found.header["history"][0]["accuracy"]))
    met.put(partial)


@pytest.mark.parametrize(
    ("processes", "rounds"), [(3, 30), pytest.param(8, 100, marks=pytest.mark.chaos)], ids=["3", "8"]
)
def test_writers_of_one_address_leave_one_entry_and_no_one_reads_a_part(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, processes: int, rounds: int
) -> None:
    met = SERVER.Queue()
    ones = [SERVER.Process(target=writer, args=(str(tmp_path), n, rounds, met)) for n in range(processes)]
    for one in ones:
        one.start()
    assert [met.get(timeout=120) for _ in ones] == [0] * processes
    for one in ones:
        one.join()
    assert [path.name for path in tmp_path.glob("??/*")] == [f"{ADDRESS}.state"]
    assert Store(tmp_path, max_bytes=10**9).get(ADDRESS) is not None
    assert caplog.records == []


# --- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.chaos)])
def test_every_damaged_entry_is_found_by_its_hash_said_once_and_made_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    store, rng = Store(tmp_path, max_bytes=10**9), random.Random(0)
    addresses = [f"{rng.getrandbits(160):040x}" for _ in range(count)]
    for number, address in enumerate(addresses):
        store.put(address, state(number))
        file = store.path(address)
        content = bytearray(file.read_bytes())
        at = rng.randrange(len(content))
        if number % 2:
            content[at] ^= 1 << rng.randrange(8)
            file.write_bytes(content)
        else:
            file.write_bytes(content[:at])
    for _ in range(2):
        assert [store.get(address) for address in addresses] == [None] * count
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == count
    assert all(str(store.path(address)) in text for address, text in zip(addresses, said, strict=True))
    for number, address in enumerate(addresses):
        store.put(address, state(number))
        assert same(store.get(address), state(number))


MANY = [pytest.param(3, 4), pytest.param(25, 25, marks=pytest.mark.chaos)]


@pytest.mark.parametrize(("cuts", "flips"), MANY)
def test_a_state_that_is_damaged_anyhow_is_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damages: Damages, cuts: int, flips: int
) -> None:
    store = Store(tmp_path, max_bytes=10**9)
    store.put(ADDRESS, state())
    file = store.path(ADDRESS)
    for what, left in damages(file.read_bytes(), cuts=cuts, flips=flips):
        caplog.clear()
        if left is None:
            file.unlink()
        else:
            file.write_bytes(left)
        assert store.get(ADDRESS) is None, what
        assert len(caplog.records) == (left is not None), what
        store.put(ADDRESS, state())


@pytest.mark.parametrize(("cuts", "flips"), MANY)
def test_a_table_that_is_damaged_anyhow_gives_no_wrong_row(
    tmp_path: Path, damages: Damages, cuts: int, flips: int
) -> None:
    contents = Contents(about={"of": "a test"}, images=600, views=2, classes=10)
    every, rows = np.arange(1200), np.random.default_rng(0).normal(size=(1200, 10)).astype(np.float32)
    table = Table(tmp_path, contents)
    table.write(every, rows)
    file, whole = table.path, table.path.read_bytes()
    del table
    for what, left in damages(whole, cuts=cuts, flips=flips):
        file.unlink()
        if left is not None:
            file.write_bytes(left)
        found, there, _ = Table(tmp_path, contents).read(every)
        assert np.array_equal(found[there], rows[there]), what
        assert there.sum() >= (1199 if "flipped" in what else 0), what
        again = Table(tmp_path, contents)
        if not there.all():
            again.write(every[~there], rows[~there])
        assert np.array_equal(again.read(every)[0], rows), what


@pytest.fixture
def images() -> Dataset:
    """1,000 images of 4 x 4."""
    rng = torch.Generator().manual_seed(0)
    parts = [
        Images(
            pixels=torch.randint(0, 256, (count, 3, 4, 4), generator=rng, dtype=torch.uint8),
            labels=torch.randint(0, 2, (count,), generator=rng),
        )
        for count in (600, 200, 200)
    ]
    mean, std = (0.5,) * 3, (0.2,) * 3
    train, validation, test = parts
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        class_names=("a", "b"),
        pad=0,
        flip=False,
        mean=mean,
        std=std,
        address=address_of(parts, 2, mean, std),
    )


@pytest.mark.parametrize(("cuts", "flips"), MANY)
def test_mapped_images_that_are_damaged_anyhow_are_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damages: Damages, images: Dataset, cuts: int, flips: int
) -> None:
    file = tmp_path / "a.images"
    _write(file, images)
    whole = file.read_bytes()
    caplog.set_level(logging.WARNING)
    for what, left in damages(whole, cuts=cuts, flips=flips):
        caplog.clear()
        file.unlink(missing_ok=True)
        if left is not None:
            file.write_bytes(left)
        found = read_whole(file)
        if found is not None:  # a byte that says nothing
            assert (found.address, found.class_names, found.mean) == (images.address, ("a", "b"), images.mean)
            assert torch.equal(found.train.pixels, images.train.pixels), what
        else:
            assert len(caplog.records) == (left is not None), what
            assert not file.exists()


@pytest.mark.parametrize("levels", [3, pytest.param(20, marks=pytest.mark.chaos)])
def test_images_that_do_not_fit_leave_nothing(tmp_path: Path, images: Dataset, levels: int) -> None:
    """A limit on the size of files stands for a full disk: it is met in the middle of a write."""
    _write(tmp_path / "whole", images)
    size = (tmp_path / "whole").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for level in range(levels):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size * level // levels, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                _write(tmp_path / "a.images", images)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert [path.name for path in tmp_path.iterdir()] == ["whole"]
    assert read(tmp_path / "whole").address == images.address
