import io
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.events import EventLog
from sweeper.budget import Meter
from sweeper.confirm import plan_runs
from sweeper.confirm_book import ConfirmBook
from sweeper.progress import Progress
from sweeper.progress_lines import ended_line, heartbeat
from sweeper.progress_table import Board
from sweeper.progress_view import clock, duration, role, short, snapshot
from sweeper.space import Space


def drawn(walk: Any, width: int = 80, height: int = 24, workers: int = 2) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    view = snapshot(walk.book, name="small", began=time.monotonic() - 134, workers=workers)
    with console.capture() as capture:
        console.print(Board(view))
    return capture.get()


def line_of(text: str, beginning: str) -> str:
    return next(line for line in text.splitlines() if line.split()[:1] == [beginning])


def test_at_the_start_nothing_is_guessed(walk: Any) -> None:
    text = drawn(walk)
    assert text.splitlines()[0].split() == ["small", "2:14", "elapsed", "–", "left", "2", "workers"]
    assert line_of(text, "best").split() == ["best", "–"]
    assert "0 of 12" in line_of(text, "trials")


def test_a_running_trial_shows_its_stage_epoch_accuracy_and_both_kinds_of_epochs(walk: Any) -> None:
    live = walk.begin()
    assert "starting" in line_of(drawn(walk), "0")
    walk.epochs(live, "sparsity", 2, kind="reused")
    walk.cut(live)
    walk.epochs(live, "finetune", 1)
    line = line_of(drawn(walk), "0")
    assert "finetune ━━──────    1/4     0.250     1+2" in line
    assert line_of(drawn(walk, width=120), "0").split()[-4:] == ["1/4", "0.250", "1", "2"]


def test_a_trial_that_waits_says_for_what(walk: Any) -> None:
    live = walk.begin()
    walk.book.record(live.number, {"kind": "waiting", "stage": "teacher", "epoch": 3})
    assert "waits for teacher epoch 3" in line_of(drawn(walk), "0")


def test_the_teacher_has_no_accuracy_of_the_student(walk: Any) -> None:
    live = walk.begin()
    walk.epochs(live, "sparsity", 2)
    walk.epochs(live, "teacher", 5)
    text = drawn(walk)
    assert "teacher  ━━━━────   5/10         –     2+0" in line_of(text, "0")
    assert "5 teacher" in line_of(text, "epochs")


def test_the_footer_counts_every_way_to_end_and_names_the_best(walk: Any) -> None:
    walk.complete(accuracy=0.94)
    best = walk.complete(accuracy=0.96)
    walk.fail()
    walk.infeasible()
    text = drawn(walk, width=120)
    assert f"trial {best}   accuracy 0.960   macs 40 %   params 1.23 M" in line_of(text, "best")
    assert "4 of 12   2 complete   1 infeasible   1 failed" in line_of(text, "trials")
    assert "10 trained   4 reused (29 %)" in line_of(text, "epochs")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_every_line_fits_the_terminal(walk: Any, width: int) -> None:
    walk.complete()
    for _ in range(3):
        walk.epochs(walk.begin(), "sparsity", 1)
    lines = drawn(walk, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) == 10


def test_more_trials_than_lines_are_counted(walk: Any) -> None:
    for _ in range(10):
        walk.begin()
    lines = drawn(walk, height=14).splitlines()
    assert len(lines) <= 14
    assert any("and 4 more running" in line for line in lines)


def test_the_time_left_follows_from_what_trials_took(walk: Any) -> None:
    walk.complete()
    walk.book.ended[0]["seconds"] = 60.0
    assert snapshot(walk.book, name="small", began=0, workers=2).left == pytest.approx(11 * 60 / 2)
    walk.begin().began -= 45
    assert snapshot(walk.book, name="small", began=0, workers=2).left == pytest.approx(
        (10 * 60 + 15) / 2, abs=1
    )
    assert "~5 min left" in drawn(walk)


def test_without_a_number_of_trials_the_budget_that_is_used_up_first_tells_how_far_all_is(
    walk_of: Callable[..., Any], space_of: Callable[[str], Space], space_text: str, tmp_path: Path
) -> None:
    text = space_text.replace("trials: 12", "epochs: 400, hours: 2")
    walk = walk_of(space_of(text), meter=Meter(None, seconds=1800.0))
    walk.complete()
    view = snapshot(walk.book, name="small", began=time.monotonic(), workers=2)
    assert (view.budget, view.ended, round(view.share, 2)) == (None, 1, 0.25)
    assert view.left == pytest.approx(5400, abs=5)
    assert view.standing.startswith("1, 0 of 400 epochs, 0.5")
    assert "1, 0 of 400 epochs, 0.5" in line_of(drawn(walk, width=120), "trials")
    assert "━━━━────" in line_of(drawn(walk, width=120), "trials")
    line = heartbeat(view)
    assert line.startswith("0:00  1 trials, 0 of 400 epochs, 0.5")
    assert line.endswith("~1 h 30 min left")
    assert ended_line(walk.book.ended[0], None).startswith("trial  0  complete")


def test_where_less_is_better_the_least_is_best(
    walk_of: Callable[..., Any], space_of: Callable[[str], Space], space_text: str
) -> None:
    walk = walk_of(space_of(space_text + "objective: {minimize: loss}\n"))
    for _ in range(2):
        walk.complete()
    walk.book.ended[1]["metrics"]["loss"] = 0.25
    assert "trial 1   loss 0.250   accuracy 0.750" in line_of(drawn(walk, width=120), "best")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"sparsity.s": 0.0031072, "prune.percent": 0.7, "finetune.kd": "dist"}, "70 % · s 3.1e-3 · dist"),
        ({"finetune.kd": "none", "finetune.lr": 0.0125}, "no kd · lr 0.0125"),
        ({"finetune.kd": "dist", "finetune.kd_weight": 0.5, "finetune.epochs": 12}, "dist · w 0.5 · 12 ep"),
        ({"sparsity.epochs": 8, "finetune.epochs": 12}, "sparsity.epochs 8 · finetune.epochs 12"),
        ({"finetune.lr": 0.001, "finetune.nesterov": True}, "lr 1e-3 · nesterov True"),
        ({"teacher.model": "a\x1b[31mb\n"}, "model ab"),
    ],
)
def test_a_point_is_told_in_a_few_words(params: dict[str, Any], words: str) -> None:
    assert short(params) == words


def test_times_are_rough_or_exact() -> None:
    assert [duration(s) for s in (0.1, 40, 55, 130, 7800)] == ["1 s", "40 s", "1 min", "2 min", "2 h 10 min"]
    assert [clock(s) for s in (0, 134.9, 3734)] == ["0:00", "2:14", "1:02:14"]


def test_a_pipe_gets_a_line_an_ended_trial(walk: Any) -> None:
    stream = io.StringIO()
    with Progress(walk.book, name="small", stream=stream, workers=2) as progress:
        walk.book.listen(progress.event)
        walk.complete()
        walk.fail("sparsity epoch 2: \x1b[31mthe loss is nan")
    first, second = stream.getvalue().splitlines()
    params = "  ".join(["accuracy 0.750", "macs  40 %", "params 1.23 M"])
    assert first.startswith(f"trial  0  complete    {params}  sparsity.s=")
    assert "prune.percent=0." in first
    assert "  4 trained + 2 reused epochs  " in first
    assert second.startswith("trial  1  failed      sparsity.s=")
    assert second.endswith("  sparsity epoch 2: the loss is nan")
    assert "\x1b" not in stream.getvalue()


def test_a_pipe_is_told_of_the_teacher_and_that_all_goes_on(
    walk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeper.progress.LOOK_SECONDS", 0.01)
    monkeypatch.setattr("sweeper.progress.HEARTBEAT_SECONDS", 0.1)
    stream = io.StringIO()
    live = walk.begin()
    with Progress(walk.book, name="small", stream=stream):
        walk.epochs(live, "teacher", 10)
        until(lambda: "teacher: 10 epochs, in trial 0" in stream.getvalue())
        walk.epochs(live, "sparsity", 1)
        until(lambda: "teacher: 10 epochs trained" in stream.getvalue())
        until(lambda: "0 of 12 trials  trial 0 sparsity 1/2" in stream.getvalue())


def test_a_teacher_from_the_store_was_not_trained(walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.progress.LOOK_SECONDS", 0.01)
    stream = io.StringIO()
    live = walk.begin()
    with Progress(walk.book, name="small", stream=stream):
        walk.epochs(live, "teacher", 10, kind="reused")
        until(lambda: "teacher: 10 epochs, in trial 0" in stream.getvalue())
        walk.epochs(live, "sparsity", 1)
        until(lambda: "teacher: read from the store" in stream.getvalue())


def until(holds: Any) -> None:
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_heartbeat_names_the_best_and_the_time_left(walk: Any) -> None:
    walk.complete()
    walk.book.ended[0]["seconds"] = 60.0
    walk.begin().began -= 5
    line = heartbeat(snapshot(walk.book, name="small", began=time.monotonic() - 61, workers=2))
    assert re.fullmatch(
        r"1:01  1 of 12 trials  trial 1 start  best accuracy 0\.75 \(trial 0\)  ~[56] min left", line
    )


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_is_gone_stops_no_sweep(walk: Any) -> None:
    with Progress(walk.book, name="small", stream=Gone()) as progress:
        walk.book.listen(progress.event)
        walk.complete()
    assert walk.book.ended[0]["state"] == "complete"


def test_quiet_is_quiet(walk: Any) -> None:
    stream = io.StringIO()
    with Progress(walk.book, name="small", stream=stream, quiet=True) as progress:
        walk.book.listen(progress.event)
        walk.complete()
    assert stream.getvalue() == ""


def test_a_terminal_gets_the_table_and_failures_above_it(walk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")
    stream = io.StringIO()
    with Progress(walk.book, name="small", stream=stream, interactive=True, workers=1) as progress:
        walk.book.listen(progress.event)
        walk.complete()
        walk.fail("the [red]loss[/red] is nan")
    text = stream.getvalue()
    assert "trial 1 failed: the [red]loss[/red] is nan" in text
    plain = " ".join(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).split())
    assert "2 of 12 1 complete 1 failed" in plain
    assert "\x1b[31m" not in text
    assert "\x1b[32m" not in text


def test_a_table_may_be_drawn_while_the_book_changes(walk: Any) -> None:
    stop, errors = threading.Event(), []

    def draw() -> None:
        try:
            while not stop.is_set():
                drawn(walk)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=draw)
    thread.start()
    while walk.book.left:
        walk.complete()
    stop.set()
    thread.join()
    assert errors == []
    assert ended_line(walk.book.ended[11], 12).startswith("trial 11  complete")


def test_a_layer_that_keeps_its_last_channel_is_told(walk: Any) -> None:
    walk.complete()
    event = walk.book.ended[0]
    assert "channel" not in ended_line(event, 8)
    cut = {"stage": "prune", "channels": [4, 1, 2, 1], "rescued": [1, 2]}
    assert "  1 layer keeps its last channel" in ended_line(event | {"curve": [cut]}, 8)
    both = ended_line(event | {"curve": [cut, cut | {"rescued": [1, 3]}]}, 8)
    assert "  2 layers keep their last channel" in both


def test_a_run_of_a_confirmation_says_whom_it_stands_for_and_what_it_was_tested_with(walk: Any) -> None:
    walk.complete()
    about = {"role": "baseline", "of": 7, "seed": 1, "data": "train"}
    event = walk.book.ended[0] | about
    event["metrics"] = event["metrics"] | {"test_accuracy": 0.5}
    line = ended_line(event, 8, word="confirm run")
    assert line.startswith("confirm run 0  complete    accuracy 0.750  baseline of 7  test accuracy 0.500")
    assert role(about | {"role": "finalist"}) == "finalist 7"
    assert role({}) == ""


def test_a_confirmation_has_a_word_of_its_own_and_no_best(
    space_of: Callable[[str], Space], space_text: str, tmp_path: Path
) -> None:
    space = space_of(space_text + "confirm: {top: 1, seeds: 2}\n")
    with EventLog(tmp_path / "confirm.jsonl") as log:
        book = ConfirmBook(space, log, plan_runs(space, [(7, {"prune.percent": 0.5, "finetune.kd": "none"})]))
        live = book.next()
        assert live is not None
        book.record(live.number, {"kind": "epoch", "stage": "finetune", "epoch": 1, "address": "a"})
        view = snapshot(book, name="small", began=time.monotonic(), workers=1)
        assert (view.word, view.judged, view.budget, view.best) == ("confirm run", False, 4, None)
        (row,) = view.rows
        assert (row.params.split(" · ")[0], row.accuracy) == ("finalist 7", None)
        book.record(live.number, {"kind": "done", "metrics": {"test_accuracy": 0.5}})
        view = snapshot(book, name="small", began=time.monotonic(), workers=1)
        assert "1 of 4 confirm runs" in heartbeat(view)
        console = Console(width=100, file=io.StringIO())
        console.print(Board(view))
        assert isinstance(console.file, io.StringIO)
        assert "confirm runs" in console.file.getvalue()
        assert "best" not in console.file.getvalue()
