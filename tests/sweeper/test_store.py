import io
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sweeper.cli import main
from sweeper.store import say_store
from trainables.errors import InputError
from trainables.place import Place
from trainables.recipe import Data
from trainables.store import State, Store
from trainables.teacher_table import Contents, Table

AGES = {"ab" * 20: 300, "cd" * 20: 200, "ef" * 20: 100}
"""Addresses, and seconds since their use."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of two states of sparsity training and one cut."""
    made = Store(tmp_path / "store", max_bytes=10**9)
    for (address, seconds), stage in zip(AGES.items(), ("sparsity", "sparsity", "prune"), strict=True):
        made.put(address, State(header={"history": [{"stage": stage}]}, tensors={"w": torch.zeros(5000)}))
        then = time.time() - seconds
        os.utime(made.path(address), (then, then))
    return made


def said(store: Store, *, code: int = 0, **options: Any) -> str:
    """What the command says, its spaces made one."""
    stream = io.StringIO()
    how: dict[str, Any] = {"verify": False, "trim_to": None, "as_json": False}
    assert say_store(store.folder, stream, **how | options) == code
    return re.sub(r"[^\S\n]+", " ", stream.getvalue())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)


def left(store: Store) -> list[str]:
    return [address for address in AGES if store.path(address).exists()]


def test_a_store_shows_its_size_states_by_stage_limit_and_use(store: Store) -> None:
    lines = said(store).splitlines()
    assert lines[0].startswith("store /")
    assert lines[1] == "size 0.06 MB; limit 20 GB, unless store.max_gb says otherwise"
    assert lines[2] == "states 0.06 MB: 2 sparsity, 1 prune"
    assert re.match(r"used last \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S+, the oldest \d{4}-", lines[3])
    assert re.match(r"disk [\d,.]+ GB free", lines[4])
    assert len(lines) == 5


def test_prepared_images_and_tables_are_shown_where_there_are_any(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.data.mapped.SMALLEST", 1)
    images, labels = np.arange(4000, dtype=np.uint8).reshape(40, 10, 10), np.arange(40) % 2
    np.savez(
        tmp_path / "set.npz", train_images=images, test_images=images, train_labels=labels, test_labels=labels
    )
    Place.prepare(Data(source="npz", path=str(tmp_path / "set.npz"), val_fraction=0.5), store=store.folder)
    table = store.table(Contents(about={"of": "a test"}, images=100, views=162, classes=10))
    assert isinstance(table, Table)
    table.write(np.arange(16200), np.ones((16200, 10), np.float32))
    text = said(store, verify=True)
    assert "\nimages 0.01 MB: 1 prepared data sets\ntables 0.72 MB of teachers' logits\n" in text
    assert text.startswith("5 files read, 0 damaged\n")
    path = table.path
    flip(path)
    assert "table: 1 damaged rows; in use, they are made again when needed\n" in said(
        store, verify=True, code=3
    )
    del table
    assert "table: 1 damaged rows; removed, they are" in said(store, verify=True, code=3)
    assert not path.exists()
    (file,) = (store.folder / "data").glob("*.images")
    flip(file)
    text = said(store, verify=True, code=3)
    assert "damaged: the images do not have the address that was written with them; removed" in text
    assert not file.exists()


def test_a_damaged_state_is_said_once_and_removed_and_the_exit_code_is_that_of_damage(store: Store) -> None:
    assert said(store, verify=True).startswith("3 files read, 0 damaged\n")
    damaged = list(AGES)[1]
    flip(store.path(damaged))
    text = said(store, verify=True, code=3)
    assert text.count(damaged) == 1
    assert "do not have the checksum that was written with them; removed, it can be made again\n" in text
    assert "3 files read, 1 damaged\n" in text
    assert damaged not in left(store)
    assert said(store, verify=True).startswith("2 files read, 0 damaged\n")


def test_reading_all_is_no_use_of_them(store: Store) -> None:
    before = [store.path(address).stat().st_mtime for address in AGES]
    said(store, verify=True)
    assert before == [store.path(address).stat().st_mtime for address in AGES]


def test_a_trim_keeps_what_was_used_last(store: Store) -> None:
    size = store.path(next(iter(AGES))).stat().st_size
    text = said(store, trim_to=2.5 * size / 1e9)
    assert text.startswith("1 files deleted, 0.02 MB freed\n")
    assert left(store) == list(AGES)[1:]
    said(store, trim_to=1)
    assert left(store) == list(AGES)[1:]
    said(store, trim_to=0)
    assert left(store) == []


def test_a_trim_says_what_is_in_use(store: Store) -> None:
    last = list(AGES)[2]
    store.get(last)
    text = said(store, trim_to=0)
    assert text.startswith(
        "2 files deleted, 0.04 MB freed\n0.02 MB were used within the last seconds, or are in use, and stay\n"
    )
    assert left(store) == [last]


@pytest.mark.parametrize("size", [-1.0, float("nan"), float("inf")])
def test_a_size_below_zero_is_refused(store: Store, size: float) -> None:
    with pytest.raises(
        InputError, match=f"--trim: a size in GB from 0, got {size}. Write --trim 5 for 5 GB."
    ):
        said(store, trim_to=size)


def test_a_folder_that_is_no_store_is_refused_and_not_made_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: is no store. Give --store DIR, or SWEEPER_STORE"):
        say_store(tmp_path / "none", io.StringIO(), verify=False, trim_to=None, as_json=False)
    assert not (tmp_path / "none").exists()


def test_the_command_takes_the_store_of_a_run_and_ends_with_one_json_line(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(store.path(next(iter(AGES))))
    monkeypatch.setenv("SWEEPER_STORE", str(store.folder))
    assert main(["store", "--verify", "--trim", "0", "--json"]) == 3
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert facts["damaged"] == [str(store.path(next(iter(AGES))))]
    assert (facts["deleted"], facts["states"], facts["state_bytes"], facts["bytes"]) == (2, {}, 0, 0)
    assert facts["store"] == str(store.folder)
    assert "3 files read, 1 damaged" in err
    assert main(["store", "--store", str(store.folder / "none")]) == 2
