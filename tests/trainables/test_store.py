import errno
import logging
import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from trainables import upkeep
from trainables.store import TRIMS, NoStore, State, Store, furthest

ONE, OTHER = "ab" * 20, "cd" * 20
SPAWN = multiprocessing.get_context("spawn")


def state(seed: int = 0, numbers: int = 40) -> State:
    generator = torch.Generator().manual_seed(seed)
    return State(
        header={"architecture": {"model": "preresnet8"}, "history": [{"stage": "sparsity", "loss": 0.1}]},
        tensors={
            "network.weight": torch.randn(numbers, generator=generator),
            "network.kernel": torch.randn(2, 3, 3, 3).to(memory_format=torch.channels_last),
            "network.steps": torch.tensor(seed),
        },
    )


def same(one: State, other: State | None) -> bool:
    return (
        other is not None
        and one.header == other.header
        and one.tensors.keys() == other.tensors.keys()
        and all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", max_bytes=10**6)


def test_a_state_comes_back_as_it_was_put(store: Store) -> None:
    assert store.get(ONE) is None
    kept = state(1)
    store.put(ONE, kept)
    assert same(kept, store.get(ONE))
    assert store.get(OTHER) is None


def test_another_store_on_the_folder_sees_it(store: Store) -> None:
    kept = state()
    store.put(ONE, kept)
    assert same(kept, Store(store.folder, max_bytes=1).get(ONE))


def test_a_discarded_state_is_gone_and_discarding_it_again_is_fine(store: Store) -> None:
    store.put(ONE, state())
    store.discard(ONE)
    store.discard(ONE)
    assert store.get(ONE) is None


def assert_noticed(store: Store, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    path = store.path(ONE)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert store.get(ONE) is None
        assert store.get(ONE) is None
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert str(path) in caplog.text
    assert "it is made again" in caplog.text
    assert not path.exists()


def test_a_flipped_byte_is_noticed_wherever_it_is(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put(ONE, state())
    whole = store.path(ONE).read_bytes()
    line = whole.index(b"\n") + 1
    chance = random.Random(0)
    places = [0, line - 1, line, len(whole) - 1, *range(2, line, 7)]
    for place in [*places, *chance.sample(range(len(whole)), 25)]:
        damaged = bytearray(whole)
        damaged[place] ^= chance.randrange(1, 256)
        assert_noticed(store, bytes(damaged), caplog)


def test_white_space_in_the_first_line_is_noticed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put(ONE, state())
    assert_noticed(store, store.path(ONE).read_bytes().replace(b" ", b"\t", 1), caplog)


def test_a_missing_end_and_a_longer_end_are_noticed(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    store.put(ONE, state())
    whole = store.path(ONE).read_bytes()
    line = whole.index(b"\n")
    for length in (0, 1, line, line + 1, len(whole) // 2, len(whole) - 1):
        assert_noticed(store, whole[:length], caplog)
    assert_noticed(store, whole + b"\0", caplog)


def test_the_state_of_another_version_counts_as_absent(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.put(ONE, state())
    assert_noticed(store, store.path(ONE).read_bytes().replace(b"state-1", b"state-0", 1), caplog)


def test_a_put_leaves_nothing_but_the_state(store: Store) -> None:
    store.put(ONE, state())
    assert list(store.folder.glob("*/*.tmp")) == []
    assert [path.name for path in store.path(ONE).parent.iterdir()] == [f"{ONE}.state"]


def test_a_put_that_fails_leaves_nothing(store: Store) -> None:
    store.path(ONE).mkdir(parents=True)  # no file can take the place of a folder
    with pytest.raises(IsADirectoryError, match=r"Is a directory: '.*/store'"):
        store.put(ONE, state())
    assert list(store.folder.glob("*/*.tmp")) == []


def age(store: Store, address: str, seconds: float = 2 * upkeep.IN_USE_SECONDS) -> None:
    """As if a state had been used last so long ago."""
    then = time.time() - seconds
    os.utime(store.path(address), (then, then))


def test_a_read_is_a_use(store: Store) -> None:
    store.put(ONE, state())
    store.put(OTHER, state())
    age(store, ONE, 200)
    age(store, OTHER, 100)
    store.get(ONE)
    assert [entry.path for entry in upkeep.trim(store.folder, 0)] == [store.path(OTHER)]


def test_a_store_that_is_too_small_keeps_what_was_just_put_and_what_is_in_use(tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=1)
    store.put(ONE, state())
    store.put(OTHER, state())
    assert store.get(ONE) is not None  # another process may wait for it
    age(store, ONE)
    store.put(OTHER, state())
    assert store.get(ONE) is None
    assert store.get(OTHER) is not None


def test_a_process_looks_at_the_size_first_and_after_each_part_of_the_limit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(ONE, state())
    size = store.path(ONE).stat().st_size
    looks: list[Path] = []
    monkeypatch.setattr("trainables.store.trim", lambda folder, *_, **__: looks.append(folder))
    other = Store(store.folder, max_bytes=3 * TRIMS * size)
    for _ in range(9):
        other.put(ONE, state())
    assert looks == [store.folder] * 3  # at the first, fifth and ninth


def test_a_store_that_was_deleted_is_made_again(store: Store) -> None:
    shutil.rmtree(store.folder)
    kept = state()
    store.put(ONE, kept)
    assert same(kept, store.get(ONE))
    with store.lock(OTHER) as mine:
        assert mine


def test_a_disk_that_takes_nothing_names_the_store(store: Store) -> None:
    store.path(ONE).parent.touch()
    with pytest.raises(OSError, match=r"File exists: '.*/store'$") as raised:
        store.put(ONE, state())
    assert raised.value.errno == errno.EEXIST


def test_the_furthest_whole_state_is_found(store: Store) -> None:
    addresses = [f"{number:02d}" * 20 for number in range(4)]
    assert furthest(store, addresses) is None
    for number in (0, 1, 3):
        store.put(addresses[number], state(number))
    store.path(addresses[3]).write_bytes(b"{}")
    found = furthest(store, addresses)
    assert found is not None
    assert found[0] == 1
    assert int(found[1].tensors["network.steps"]) == 1


def test_a_lock_is_held_once_and_free_afterwards(store: Store) -> None:
    with store.lock(ONE) as mine, store.lock(ONE) as again, store.lock(OTHER) as further:
        assert (mine, again, further) == (True, False, True)
    with store.lock(ONE) as mine:
        assert mine


def test_a_lock_is_freed_by_an_error(store: Store) -> None:
    with pytest.raises(RuntimeError, match="inside"), store.lock(ONE):
        raise RuntimeError("inside")
    with store.lock(ONE) as mine:
        assert mine


def _hold(folder: Path, held: Connection) -> None:
    with Store(folder, max_bytes=1).lock(ONE) as mine:
        held.send(mine)
        signal.pause()


def test_a_killed_process_frees_its_lock(store: Store) -> None:
    here, there = SPAWN.Pipe()
    holder = SPAWN.Process(target=_hold, args=(store.folder, there))
    holder.start()
    try:
        assert here.recv() is True
        with store.lock(ONE) as mine:
            assert not mine
    finally:
        holder.kill()
        holder.join()
    with store.lock(ONE) as mine:
        assert mine


def _write_and_read(folder: Path, writer: int) -> None:
    torch.set_num_threads(1)
    store = Store(folder, max_bytes=10**9)
    for turn in range(20):
        store.put(ONE, state(100 * writer + turn, numbers=20_000))
        read = store.get(ONE)
        assert read is not None
        expected = state(int(read.tensors["network.steps"]), numbers=20_000)
        assert torch.equal(read.tensors["network.weight"], expected.tensors["network.weight"])


def test_writers_of_one_address_never_show_a_part(store: Store) -> None:
    writers = [SPAWN.Process(target=_write_and_read, args=(store.folder, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert list(store.folder.glob("*/*.tmp")) == []


def test_no_store_keeps_nothing_and_grants_every_lock() -> None:
    store = NoStore()
    store.put(ONE, state())
    store.discard(ONE)
    assert store.get(ONE) is None
    with store.lock(ONE) as mine, store.lock(ONE) as again:
        assert mine
        assert again
