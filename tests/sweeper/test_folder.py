import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from analysis.at_work import LOCK, at_work
from sweeper.errors import BusyError, CannotFinishError
from sweeper.folder import make, owned, refuse_begun, refuse_unbegun, written
from trainables.errors import InputError


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_a_folder_is_owned_by_one_at_a_time_and_free_afterwards(tmp_path: Path) -> None:
    with owned(tmp_path):
        with pytest.raises(BusyError, match=r"process \d+ on .* is running this sweep\."), owned(tmp_path):
            pass
        assert BusyError.exit_code == 4
    assert names(tmp_path) == {".lock"}
    with owned(tmp_path):
        pass


def test_a_process_that_dies_frees_its_folder(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom sweeper.folder import owned\n"
        "with owned(Path(sys.argv[1])): os._exit(9)\n"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code, tmp_path], cwd=root, check=False).returncode == 9
    assert names(tmp_path) == {".lock", ".owner"}
    with owned(tmp_path):
        pass


@pytest.mark.parametrize("begun", ["space.yaml", "trials.jsonl"])
def test_a_begun_folder_is_refused_to_a_new_run_without_a_trace(tmp_path: Path, begun: str) -> None:
    refuse_begun(tmp_path / "none")
    (tmp_path / begun).touch()
    match = r"the run exists already\. Go on with it: sweeper resume .*, or give --name another name"
    with pytest.raises(InputError, match=match):
        refuse_begun(tmp_path)
    assert names(tmp_path) == {begun}


def test_a_begun_folder_in_which_someone_works_is_busy(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").touch()
    with owned(tmp_path), pytest.raises(BusyError, match="is running this sweep"):
        refuse_begun(tmp_path)


def test_a_run_that_was_begun_in_the_meantime_is_not_begun_again(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").touch()
    with pytest.raises(InputError, match="the run exists already"), owned(tmp_path, new=True):
        pass


def test_a_new_folder_in_which_nothing_is_begun_goes_again_with_those_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "small"
    for beginning in (False, True):
        with owned(folder, new=True):
            assert names(folder) == {".lock", ".owner"}
            if beginning:
                (folder / "space.yaml").touch()
        assert folder.exists() == (tmp_path / "runs").exists() == beginning
    assert names(folder) == {".lock", "space.yaml"}


def test_a_folder_that_was_there_stays_and_so_does_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "note.txt").touch()
    with owned(tmp_path, new=True):
        pass
    assert names(tmp_path) == {"note.txt"}


def test_what_a_kill_left_of_a_beginning_is_no_trap(tmp_path: Path) -> None:
    for left in (".lock", ".owner", ".space.yaml.ab12.tmp"):
        (tmp_path / left).touch()
    refuse_begun(tmp_path)
    with owned(tmp_path, new=True):
        assert names(tmp_path) == {".lock", ".owner"}


def test_who_waits_for_a_folder_that_goes_makes_it_anew(tmp_path: Path) -> None:
    folder, held, go = tmp_path / "small", Event(), Event()

    def hold() -> None:
        with owned(folder, new=True):
            held.set()
            go.wait(5)

    other = Thread(target=hold)
    other.start()
    held.wait(5)
    Timer(0.1, go.set).start()
    with owned(folder, new=True):
        other.join()
        assert names(folder) == {".lock", ".owner"}
        with pytest.raises(BusyError, match="is running this sweep"), owned(folder):
            pass


def test_whoever_asks_whether_a_folder_is_free_does_not_disturb_a_beginning(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    asked, done = Event(), Event()

    def ask() -> None:
        while not done.is_set():
            at_work(tmp_path)
            asked.set()

    other = Thread(target=ask)
    other.start()
    asked.wait(5)
    for _ in range(50):
        with owned(tmp_path):
            assert at_work(tmp_path)
    done.set()
    other.join()


def test_a_folder_without_a_run_is_not_resumed_and_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such run folder"):
        refuse_unbegun(tmp_path / "none")
    with pytest.raises(InputError, match=r"has no space\.yaml, so no run was begun in it"):
        refuse_unbegun(tmp_path)
    assert names(tmp_path) == set()


def test_a_file_in_a_folders_place_is_told_with_the_option_that_names_another(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotFinishError, match=r"file: can't be made: File exists\. Give --store another"):
        make(tmp_path / "file", option="--store")
    assert CannotFinishError.exit_code == 1


@pytest.mark.parametrize(
    ("number", "begun", "line"),
    [
        (errno.ENOSPC, False, "No space left on device. Free space, or give --out."),
        (errno.ENOSPC, True, "No space left on device. Free space, then sweeper resume {}."),
        (errno.EROFS, True, "Read-only file system. Make it writable, then sweeper resume {}."),
    ],
)
def test_what_a_disk_refuses_is_one_line_with_its_mend(
    tmp_path: Path, number: int, begun: bool, line: str, error_of: Callable[[int], OSError]
) -> None:
    if begun:
        (tmp_path / "space.yaml").touch()
    with pytest.raises(CannotFinishError) as raised, written(tmp_path):
        raise error_of(number)
    assert str(raised.value) == f"{tmp_path}: can't be written: {line.format(tmp_path)}"


@pytest.fixture
def error_of() -> Callable[[int], OSError]:
    import os

    return lambda number: OSError(number, os.strerror(number))
