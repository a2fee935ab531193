import json
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from trainables.upkeep import IN_USE_SECONDS, LEFT_OVER_SECONDS, entries, size_of, stage_of, trim

SPAWN = multiprocessing.get_context("spawn")


def write(folder: Path, name: str, *, size: int = 10, age: float = 1000.0) -> Path:
    """A file of a store that was used so many seconds ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"0" * size)
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_the_least_recently_used_files_go_first(tmp_path: Path) -> None:
    files = [write(tmp_path, f"{number:02d}/{number}.state", age=1000 - number) for number in range(6)]
    assert [entry.path for entry in trim(tmp_path, 30)] == files[:3]
    assert [path.exists() for path in files] == [False] * 3 + [True] * 3
    assert trim(tmp_path, 30) == []


def test_mapped_images_count_and_go_like_states(tmp_path: Path) -> None:
    images = write(tmp_path, "data/abc.images", size=1000, age=2000)
    state = write(tmp_path, "ab/abc.state")
    assert [entry.path for entry in trim(tmp_path, 100)] == [images]
    assert state.exists()


def test_what_is_in_use_stays_however_small_the_limit(tmp_path: Path) -> None:
    old = write(tmp_path, "ab/old.state")
    fresh = write(tmp_path, "ab/fresh.state", age=IN_USE_SECONDS / 2)
    assert [entry.path for entry in trim(tmp_path, 0)] == [old]
    assert fresh.exists()


def test_a_clock_that_was_set_back_keeps_nothing_for_ever(tmp_path: Path) -> None:
    old, ahead = write(tmp_path, "ab/old.state"), write(tmp_path, "ab/ahead.state", age=-1e8)
    fresh = write(tmp_path, "ab/fresh.state", age=0)
    left_over = write(tmp_path, "ab/a.tmp", age=-1e8)
    assert [entry.path for entry in trim(tmp_path, 10)] == [old, ahead]
    assert fresh.exists()
    assert not left_over.exists()


def test_a_file_that_is_to_be_kept_stays_and_counts(tmp_path: Path) -> None:
    kept, other = write(tmp_path, "ab/kept.state", age=2000), write(tmp_path, "ab/other.state")
    assert [entry.path for entry in trim(tmp_path, 10, keep=kept)] == [other]
    assert kept.exists()


def test_what_another_process_is_writing_is_neither_counted_nor_deleted(tmp_path: Path) -> None:
    state = write(tmp_path, "ab/abc.state")
    fresh = write(tmp_path, "ab/fresh.tmp", size=1000)
    left_over = [write(tmp_path, f"{name}.tmp", age=2 * LEFT_OVER_SECONDS) for name in ("ab/a", "data/b")]
    assert trim(tmp_path, 10) == []
    assert state.exists()
    assert fresh.exists()
    assert not any(path.exists() for path in left_over)  # their processes were killed long ago


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    table = write(tmp_path, "tables/abc/logits.npy", size=1000)
    lock = write(tmp_path, "locks/000.lock")
    assert trim(tmp_path, 0) == []
    assert table.exists()
    assert lock.exists()
    assert size_of(tmp_path) == 1010


def test_the_files_of_a_folder_that_is_not_there_are_none(tmp_path: Path) -> None:
    assert list(entries(tmp_path / "none", "??/*.state")) == []
    assert size_of(tmp_path / "none") == 0


def test_a_state_says_its_stage(tmp_path: Path) -> None:
    path = tmp_path / "one.state"
    history = [{"stage": "sparsity"}, {"stage": "prune"}]
    path.write_bytes(b"{}\n" + json.dumps({"history": history}).encode() + b"\n\x00\xff")
    assert stage_of(path) == "prune"


@pytest.mark.parametrize(
    "content", [b"", b"{}\n[]\n", b"{}\n{}\n", b'{}\n{"history": []}\n', b"\xff\n\xff\n"]
)
def test_a_file_without_a_stage_has_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "one.state"
    path.write_bytes(content)
    assert stage_of(path) is None
    assert stage_of(tmp_path / "none.state") is None


def _trim(folder: Path) -> None:
    trim(folder, 1000)


def test_many_processes_that_trim_at_once_delete_no_more_than_one_would(tmp_path: Path) -> None:
    for number in range(500):
        write(tmp_path, f"{number % 100:02d}/{number}.state", age=1000 - number)
    trimmers = [SPAWN.Process(target=_trim, args=(tmp_path,)) for _ in range(3)]
    for one in trimmers:
        one.start()
    for one in trimmers:
        one.join()
    assert [one.exitcode for one in trimmers] == [0] * 3
    assert sum(entry.size for entry in entries(tmp_path, "??/*.state")) == 1000
