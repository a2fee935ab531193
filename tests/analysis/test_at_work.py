import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from analysis.at_work import LOCK, at_work


def test_a_folder_is_at_work_while_a_process_holds_it(tmp_path: Path) -> None:
    assert not at_work(tmp_path)
    with FileLock(tmp_path / LOCK):
        assert at_work(tmp_path)
    assert not at_work(tmp_path)


def test_a_holder_that_is_killed_is_not_at_work(tmp_path: Path) -> None:
    code = "import sys, time\nfrom filelock import FileLock\nlock = FileLock(sys.argv[1])\nlock.acquire()\nprint()\nsys.stdout.flush()\ntime.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / LOCK], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert at_work(tmp_path)
        process.kill()
        process.wait()
        assert not at_work(tmp_path)


def test_who_looks_makes_no_file_and_keeps_nothing(tmp_path: Path) -> None:
    at_work(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / LOCK).touch()
    at_work(tmp_path)
    try:
        with FileLock(tmp_path / LOCK, timeout=0):
            pass
    except Timeout:
        pytest.fail("it is still held")


def test_what_only_bears_the_name_stops_no_one(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / LOCK)
    at_work(tmp_path)
    (tmp_path / LOCK).unlink()
    (tmp_path / LOCK).symlink_to(tmp_path / "elsewhere")
    assert at_work(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
