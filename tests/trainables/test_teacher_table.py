import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainables.teacher_table import PAGE, Contents, Table

SMALL = Contents(about={"teacher": "t"}, images=2000, views=9, classes=10)
Numbers = np.ndarray


def rows(entries: Numbers, contents: Contents = SMALL) -> Numbers:
    """What a teacher would say: a function of the entry alone."""
    return (entries[:, None] + np.arange(contents.classes) / 7).astype(contents.dtype)


def some(count: int = 50, seed: int = 0) -> Numbers:
    return np.random.default_rng(seed).permutation(SMALL.entries)[:count]


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("classes", [1, 10, 100])
def test_rows_come_back_to_the_bit_and_others_are_not_there(
    tmp_path: Path, precision: str, classes: int
) -> None:
    contents = Contents(about={}, images=30, views=162, classes=classes, precision=precision)
    entries = np.array([0, 5, 161, 162, 30 * 162 - 1])
    Table(tmp_path, contents).write(entries, rows(entries, contents))
    found, there, damaged = Table(tmp_path, contents).read(np.append(entries, [1, 4000]))
    assert there.tolist() == [True] * 5 + [False] * 2
    assert damaged == 0
    assert found.dtype == contents.dtype
    assert np.array_equal(found[:5], rows(entries, contents))


def test_a_table_takes_only_the_room_that_is_filled(tmp_path: Path) -> None:
    contents = Contents(about={}, images=50_000, views=162, classes=100)
    table = Table(tmp_path, contents)
    stat = table.path.stat()
    assert stat.st_size == contents.bytes == 4096 + 32_403_456 + 3_240_000_000
    assert stat.st_blocks * 512 < 100_000


def test_a_table_says_what_it_is(tmp_path: Path) -> None:
    table = Table(tmp_path, SMALL)
    head = table.path.read_bytes().partition(b"\n")[0].decode()
    assert SMALL.address in head
    assert '"classes": 10' in head
    assert len(head) == PAGE - 1


def test_another_table_has_another_address() -> None:
    other = {"about": {"teacher": "u"}, "images": 2001, "views": 81, "classes": 11, "precision": "float16"}
    plain = {name: getattr(SMALL, name) for name in other}
    addresses = {Contents(**(plain | {name: value})).address for name, value in other.items()}
    assert len(addresses | {SMALL.address}) == 6


@pytest.mark.parametrize("where", ["row", "mark"])
def test_a_flipped_bit_is_found_and_written_over(tmp_path: Path, where: str) -> None:
    table, entries = Table(tmp_path, SMALL), some()
    table.write(entries, rows(entries))
    at = SMALL.rows_at + 40 * int(entries[7]) + 3 if where == "row" else PAGE + 4 * int(entries[7])
    with table.path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 4]))
    _, there, damaged = table.read(entries)
    assert (there.sum(), there[7], damaged) == (49, False, 1)
    table.write(entries[7:8], rows(entries[7:8]))
    found, there, damaged = table.read(entries)
    assert there.all()
    assert np.array_equal(found, rows(entries))


def test_a_row_of_another_place_or_table_does_not_count(tmp_path: Path) -> None:
    table, entries = Table(tmp_path, SMALL), np.array([3])
    table.write(entries, rows(entries))
    with table.path.open("r+b") as file:
        for start, width in ((PAGE, 4), (SMALL.rows_at, 40)):
            file.seek(start + 3 * width)
            content = file.read(width)
            file.seek(start + 4 * width)
            file.write(content)
    _, there, damaged = table.read(np.array([3, 4]))
    assert (there.tolist(), damaged) == ([True, False], 1)
    other = Contents(about={"teacher": "u"}, images=2000, views=9, classes=10)
    table.path.rename(tmp_path / f"{other.address}.table")
    assert not Table(tmp_path, other).read(entries)[1].any()


@pytest.mark.parametrize("length", [0, 10, PAGE + 100, SMALL.rows_at + 100])
def test_a_file_that_was_cut_off_is_mended_by_opening_it(tmp_path: Path, length: int) -> None:
    table, entries = Table(tmp_path, SMALL), some()
    table.write(entries, rows(entries))
    path = table.path
    del table
    os.truncate(path, length)
    table = Table(tmp_path, SMALL)
    assert not table.read(entries)[1][entries > 10].any()
    table.write(entries, rows(entries))
    assert table.read(entries)[1].all()


def test_a_table_whose_file_is_gone_goes_on_and_a_new_one_is_empty(tmp_path: Path) -> None:
    table, entries = Table(tmp_path, SMALL), some()
    table.path.unlink()
    table.write(entries, rows(entries))
    assert table.read(entries)[1].all()
    assert not Table(tmp_path, SMALL).read(entries)[1].any()


def test_a_block_is_filled_by_one_at_a_time(tmp_path: Path) -> None:
    one, other = Table(tmp_path, SMALL), Table(tmp_path, SMALL)
    with one.lock(0) as mine, other.lock(0) as its, other.lock(1) as another:
        assert (mine, its, another) == (True, False, True)
    with other.lock(0) as free:
        assert free


FILL = """
import sys
from pathlib import Path
import numpy as np
from trainables.teacher_table import Contents, Table
contents = Contents(about={"teacher": "t"}, images=2000, views=9, classes=10)
table, rng = Table(Path(sys.argv[1]), contents), np.random.default_rng(int(sys.argv[2]))
print("begun", flush=True)
while True:
    entries = rng.permutation(contents.entries)[:200]
    table.write(entries, entries[:, None] + np.arange(10) / 7)
"""


def test_processes_that_are_killed_while_they_fill_leave_only_right_rows(tmp_path: Path) -> None:
    def start(seed: int) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", FILL, str(tmp_path), str(seed)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    fillers = [start(0), start(1)]
    for filler in fillers:
        assert filler.stdout is not None
        assert filler.stdout.readline() == "begun\n"
    table, everything = Table(tmp_path, SMALL), np.arange(SMALL.entries)
    while not table.read(everything)[1].any():
        pass
    for filler in fillers:
        filler.send_signal(signal.SIGKILL)
        filler.communicate()
    found, there, _ = table.read(everything)
    assert there.any()
    assert np.array_equal(found[there], rows(everything[there]))


def test_a_full_disk_is_an_error_that_names_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "store" / "tables"
    table = Table(folder, SMALL)
    full = os.open("/dev/full", os.O_RDWR)
    monkeypatch.setattr(table, "_fd", full)
    with pytest.raises(OSError, match=rf"No space left on device.*{tmp_path.name}/store'"):
        table.write(np.array([1]), rows(np.array([1])))
    os.close(full)
