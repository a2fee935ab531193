import json
import os
import re
from pathlib import Path

from trainables.ledger import Ledger


def test_every_epoch_is_a_line_of_the_process_that_trained_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    assert not (tmp_path / "ledger").exists()
    ledger.add(stage="sparsity", epoch=1, address="a", macs=7, seconds=0.123456, trial=3)
    Ledger(tmp_path / "ledger").add(stage="finetune", epoch=2, address="b", macs=8, seconds=1, trial=None)
    (file,) = (tmp_path / "ledger").iterdir()
    assert re.fullmatch(rf".+-{os.getpid()}-[0-9a-f]{{8}}\.jsonl", file.name)
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
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
    assert json.loads(file.read_text()) == {"kind": "views", **about, "seconds": 0.1235}
