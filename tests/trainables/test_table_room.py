import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trainables.store import NoStore, State, Store
from trainables.table_room import evict, refusal
from trainables.teacher_table import Contents, Table

CONTENTS = Contents(about={}, images=100, views=162, classes=10)  # 0.72 MB
OTHER = Contents(about={"another": True}, images=100, views=162, classes=10)


def test_a_table_takes_at_most_half_of_a_store(tmp_path: Path) -> None:
    assert refusal(CONTENTS, tmp_path / "not" / "yet", max_bytes=2 * CONTENTS.bytes) == ""
    told = refusal(CONTENTS, tmp_path, max_bytes=1_000_000)
    assert told == "it needs 0.72 MB, and a store of 1.00 MB leaves 0.50 MB to tables"
    assert list(tmp_path.iterdir()) == []


def test_tables_in_use_count_and_others_do_not(tmp_path: Path) -> None:
    other = Table(tmp_path, OTHER)
    told = refusal(CONTENTS, tmp_path, max_bytes=2_000_000)
    assert told == "it needs 0.72 MB, and tables in use take 0.72 MB of 1.00 MB"
    assert refusal(OTHER, tmp_path, max_bytes=2_000_000) == ""
    del other
    assert refusal(CONTENTS, tmp_path, max_bytes=2_000_000) == ""


def test_the_disk_must_hold_what_is_not_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=300_000))
    told = refusal(CONTENTS, tmp_path, max_bytes=10**9)
    assert told == "it needs 0.72 MB more, and 0.30 MB are free"
    everything = np.arange(CONTENTS.entries)
    Table(tmp_path, CONTENTS).write(everything, np.ones((CONTENTS.entries, 10), np.float32))
    assert refusal(CONTENTS, tmp_path, max_bytes=10**9) == ""


def test_a_table_in_use_is_never_evicted(tmp_path: Path) -> None:
    table = Table(tmp_path, CONTENTS)
    path = table.path
    assert not evict(path)
    assert path.exists()
    del table
    assert evict(path)
    assert not path.exists()
    assert evict(path)


def age(folder: Path) -> None:
    """Nothing was used lately; what was used first is oldest."""
    for file in folder.rglob("*"):
        if file.is_file():
            os.utime(file, (file.stat().st_atime - 60, file.stat().st_mtime - 60))


def test_a_store_evicts_the_least_recently_used_table_or_state(tmp_path: Path) -> None:
    store = Store(tmp_path, max_bytes=2_000_000)
    table = store.table(CONTENTS)
    assert isinstance(table, Table)
    table.write(np.arange(CONTENTS.entries), np.ones((CONTENTS.entries, 10), np.float32))
    for number in range(3):
        store.put(f"{number:040d}", State(header={"pad": "x" * 600_000}, tensors={}))
        age(tmp_path)
    store.put(f"{5:040d}", State(header={"pad": "x" * 600_000}, tensors={}))
    assert table.path.exists()  # it is oldest, but in use
    assert store.get(f"{0:040d}") is None
    path = table.path
    del table
    age(tmp_path)
    store.put(f"{4:040d}", State(header={"pad": "x" * 600_000}, tensors={}))
    assert not path.exists()
    assert store.get(f"{4:040d}") is not None


def test_without_a_store_there_is_no_table() -> None:
    assert NoStore().table(CONTENTS) == "no store is used"
