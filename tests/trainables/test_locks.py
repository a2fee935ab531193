import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trainables.locks import LOCKS, free, held, lock_of

HOLD = """
import sys, time
from pathlib import Path
from trainables.locks import held
with held(Path(sys.argv[1]), 7) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def test_one_at_a_time_holds_a_lock_and_no_one_waits(tmp_path: Path) -> None:
    with held(tmp_path, 3) as mine, held(tmp_path, 3 + LOCKS) as again, held(tmp_path, 4) as other:
        assert (mine, again, other) == (True, False, True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["00003.lock", "00004.lock"]
    with held(tmp_path, 3) as mine:
        assert mine
        assert not free(tmp_path / "00003.lock")
    assert free(tmp_path / "00003.lock")


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    with held(tmp_path, 7) as mine:
        assert not mine
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with held(tmp_path, 7) as mine:
        assert mine


def test_a_disk_without_locks_is_an_error_that_names_the_file_and_no_file_takes_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", without)
    with pytest.raises(OSError, match=r"this disk has no locks \(flock\).*00007\.lock"), held(tmp_path, 7):
        pass
    with pytest.raises(OSError, match="Function not implemented"):
        lock_of(tmp_path / "lock").acquire()


def test_the_chance_that_two_of_a_thousand_meet_is_small() -> None:
    assert 1 - (1 - 1 / LOCKS) ** 999 < 0.016
