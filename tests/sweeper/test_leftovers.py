import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sweeper.leftovers import MARK, SESSION, bearing, end_leftovers, marked

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
Start = Callable[..., subprocess.Popen[bytes]]
WORD, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that lasts, with more in its environment."""
    started = []

    def begin(**more: str) -> subprocess.Popen[bytes]:
        code = "import sys, time\nprint(flush=True)\ntime.sleep(60)"
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | more, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_what_bears_the_mark_is_ended_and_nothing_else(tmp_path: Path, start: Start) -> None:
    ours, others, none = start(**{MARK: WORD}), start(**{MARK: OTHER}), start()
    (tmp_path / SESSION).write_text(WORD)
    end_leftovers(tmp_path)
    assert ours.wait(5) == -9
    assert (others.poll(), none.poll()) == (None, None)
    assert not (tmp_path / SESSION).exists()
    end_leftovers(tmp_path)


def test_what_is_started_inside_does_not_outlive_it(tmp_path: Path, start: Start) -> None:
    with marked(tmp_path):
        word = (tmp_path / SESSION).read_text()
        inside = start()
        assert list(bearing(word)) == [inside.pid]
    assert inside.wait(5) == -9
    assert MARK not in os.environ
    assert not (tmp_path / SESSION).exists()


@pytest.mark.parametrize("text", ["", "0", WORD + "0", WORD.upper(), "é" * 32, f"{WORD}\n"])
def test_a_mark_that_is_none_of_ours_ends_nothing(tmp_path: Path, start: Start, text: str) -> None:
    process = start(**{MARK: text.strip()})
    (tmp_path / SESSION).write_text(text)
    end_leftovers(tmp_path)
    assert process.poll() is None
