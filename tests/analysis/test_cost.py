import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.answer import answer
from analysis.cost import Macs, Seconds, cost
from analysis.records import read_run
from analysis.select import baseline, best


def test_epochs_alone_are_those_trained_and_reused_by_ended_trials(make_run: Callable[..., Path]) -> None:
    spent = cost(read_run(make_run()))
    assert (spent.trained, spent.reused, spent.alone) == (7 * 11 + 4 * 2 + 3, 13 * 14, 88 + 182)
    assert (spent.executed, spent.teacher) == (None, 0)


def test_the_ledger_counts_what_ran_the_teacher_apart(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    (folder / "ledger").mkdir()
    for process, stages in {"1": ["teacher"] * 3, "2": ["sparsity"] * 2 + ["finetune"] * 4}.items():
        lines = "".join(json.dumps({"stage": stage, "epoch": 1}) + "\n" for stage in stages)
        (folder / "ledger" / f"{process}.jsonl").write_text(lines)
    spent = cost(read_run(folder))
    assert (spent.executed, spent.teacher) == (6, 3)


def test_the_store_counts_if_its_size_was_written_down(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    assert cost(read_run(folder)).store_bytes is None
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"store_bytes": 1_234_567_890}))
    run = read_run(folder)
    assert cost(run).store_bytes == 1_234_567_890
    assert answer(run, best(run), baseline(run), cost(run)).epochs.endswith("The store holds 1.23 GB.")


def test_views_that_a_teacher_looked_at_are_counted_beside_the_epochs(make_run: Callable[..., Path]) -> None:
    folder = make_run()
    (folder / "ledger").mkdir()
    lines = [
        {"stage": "finetune", "epoch": 1},
        {"kind": "views", "stage": "finetune", "epoch": 1, "computed": 100, "again": 0, "live": ""},
        {"kind": "views", "stage": "finetune", "epoch": 1, "computed": 25, "again": 25, "live": ""},
        {"kind": "views", "stage": "finetune", "epoch": 2, "computed": 50, "again": 0, "live": "no room"},
    ]
    (folder / "ledger" / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    spent = cost(read_run(folder))
    assert (spent.executed, spent.teacher) == (1, 0)
    assert (spent.views, spent.views_again, spent.views_live, spent.live) == (175, 25, 50, "no room")
    assert spent.views_ratio == 1.25


def test_without_a_table_there_is_no_ratio_of_views(make_run: Callable[..., Path]) -> None:
    spent = cost(read_run(make_run()))
    assert (spent.views, spent.views_ratio) == (0, None)


def test_macs_and_seconds_are_told_alone_shared_and_executed(
    make_run: Callable[..., Path], complete: Callable[..., list[dict[str, Any]]]
) -> None:
    events: list[dict[str, Any]] = []
    for number in (0, 1):  # the same sparsity training, another finetuning
        told = complete(number, 0.9, 0.5)
        told[-1]["curve"] = [
            {"stage": "sparsity", "address": "s", "macs_trained": 100, "macs_teacher": 50},
            {"stage": "prune", "address": "p"},
            {"stage": "finetune", "address": f"f{number}", "macs_trained": 10},
        ]
        told[-1] |= {"seconds": 10.0, "seconds_waiting": 2.0}
        events += told
    folder = make_run(events)
    (folder / "ledger").mkdir()
    lines = [
        {"stage": "teacher", "address": "t", "macs": 7, "seconds": 3.0},
        {"stage": "sparsity", "address": "s", "macs": 100, "seconds": 5.0},
        {"stage": "finetune", "address": "f0", "macs": 10, "seconds": 1.0},
        {"stage": "finetune", "address": "f1", "macs": 10, "seconds": 1.0},
        {"stage": "finetune", "address": "f1", "macs": 10, "seconds": 1.0},
        {"kind": "views", "computed": 5, "again": 0, "live": "", "macs": 25, "seconds": 0.5},
    ]
    (folder / "ledger" / "1.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = read_run(folder)
    spent = cost(run)
    assert spent.macs == Macs(alone=2 * 160, shared=150 + 20, executed=130 + 25)
    assert spent.seconds == Seconds(training=8.0, teacher=3.5, waiting=4.0, engine=20 - 8 - 3.5 - 4)
    assert (spent.executed, spent.distinct) == (4, 3)
    said = answer(run, best(run), baseline(run), spent).epochs
    assert "4 executed by the ledger, 1.33 times each" in said
    assert "320 MACs alone, 170 if epochs are shared, 155 executed: 2.1 times fewer." in said
    assert "training 40 %, the teacher 18 %, waiting for each other 20 %, the engine 22 %." in said
