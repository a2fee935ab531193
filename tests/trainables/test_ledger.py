import json
import os
import re
import resource
from collections.abc import Generator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from trainables.ledger import Ledger, with_lines, write_lines


def lines(file: Path) -> list[dict[str, object]]:
    """What a file holds, after a check of each line's checksum."""
    found, total = [], 0
    for line in file.read_bytes().splitlines(keepends=True):
        body, seal = line.rsplit(b', "sum": "', 1)
        assert int(seal[:8], 16) == crc32(body, total)
        found.append(json.loads(body + b"}"))
        total = crc32(line, total)
    return found


def test_every_epoch_is_a_line_of_the_process_that_trained_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    assert not (tmp_path / "ledger").exists()
    ledger.add(stage="sparsity", epoch=1, address="a", macs=7, seconds=0.123456, trial=3)
    Ledger(tmp_path / "ledger").add(stage="finetune", epoch=2, address="b", macs=8, seconds=1, trial=None)
    (file,) = (tmp_path / "ledger").iterdir()
    assert re.fullmatch(rf".+-{os.getpid()}-[0-9a-f]{{8}}\.jsonl", file.name)
    assert lines(file) == [
        {"stage": "sparsity", "epoch": 1, "address": "a", "macs": 7, "seconds": 0.1235, "trial": 3},
        {"stage": "finetune", "epoch": 2, "address": "b", "macs": 8, "seconds": 1, "trial": None},
    ]


def test_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    Ledger(None).add(stage="sparsity", epoch=1, address="a", macs=0, seconds=0, trial=None)
    assert list(tmp_path.iterdir()) == []


def test_views_have_lines_of_their_own(tmp_path: Path) -> None:
    about = {"stage": "finetune", "epoch": 2, "computed": 64, "again": 0, "live": "", "macs": 640, "trial": 1}
    Ledger(tmp_path).views(**about, seconds=0.123456)
    (file,) = tmp_path.iterdir()
    assert lines(file) == [{"kind": "views", **about, "seconds": 0.1235}]


def test_lines_that_are_carried_come_with_the_next_record_and_once() -> None:
    ledger = Ledger(None, carried=True)

    def trained() -> Generator[dict[str, Any], None, None]:
        yield {"kind": "waiting"}
        for epoch in (1, 2):
            ledger.add(stage="finetune", epoch=epoch, address=f"a{epoch}", macs=1, seconds=1, trial=0)
        yield {"kind": "epoch"}
        ledger.add(stage="finetune", epoch=3, address="a3", macs=1, seconds=1, trial=0)
        raise RuntimeError

    records = with_lines(trained(), ledger)
    assert next(records) == {"kind": "waiting", "ledger": []}
    told = next(records)
    assert [json.loads(line)["address"] for line in told["ledger"]] == ["a1", "a2"]
    with pytest.raises(RuntimeError):
        next(records)
    assert [json.loads(line)["address"] for line in ledger.taken()] == ["a3"], "for the trial after it"
    assert ledger.taken() == []


def test_a_trial_that_is_stopped_closes_what_it_was_doing() -> None:
    closed = []

    def trained() -> Generator[dict[str, Any], None, None]:
        try:
            yield {"kind": "waiting"}
        finally:
            closed.append(True)

    records = with_lines(trained(), Ledger(None, carried=True))
    next(records)
    records.close()
    assert closed == [True]


def test_lines_that_came_home_are_written_as_they_were(tmp_path: Path) -> None:
    write_lines(tmp_path / "ledger", ['{"epoch": 1}', '{"epoch": 2}'])
    write_lines(tmp_path / "ledger", ['{"epoch": 3}'])
    (file,) = (tmp_path / "ledger").iterdir()
    assert [json.loads(line)["epoch"] for line in file.read_text().splitlines()] == [1, 2, 3]


def test_a_disk_that_is_full_in_the_middle_of_a_line_leaves_whole_lines(tmp_path: Path) -> None:
    look = {"stage": "finetune", "epoch": 1, "address": "a", "macs": 7, "seconds": 0.1, "trial": 3}
    ledger = Ledger(tmp_path)
    ledger.add(**look)  # type: ignore[arg-type]
    (file,) = tmp_path.iterdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 20, hard))
    try:
        with pytest.raises(OSError, match=r"No space left on device|File too large"):
            ledger.add(**look)  # type: ignore[arg-type]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    ledger.add(**look)  # type: ignore[arg-type]
    assert len(lines(file)) == 2
