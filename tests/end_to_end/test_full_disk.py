"""A disk that is full ends a sweep in one line, loses nothing, and is no trouble once there is room again."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)
Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mounts an empty disk of a size on a folder; again on the same folder: makes it larger, or read-only."""
    mounted: list[Path] = []

    def make(folder: Path, option: str) -> None:
        folder.mkdir(exist_ok=True)
        again = ["-o", f"remount,{option}"] if folder in mounted else ["-t", "tmpfs", "-o", option]
        try:
            done = subprocess.run(
                ["mount", *again, "tmpfs", folder], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            pytest.skip("there is no mount on this machine")
        if done.returncode:
            pytest.skip(f"mounting is not permitted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield make
    for folder in dict.fromkeys(mounted):
        subprocess.run(["umount", folder], capture_output=True, check=False)


def full(sweeper: Any, *arguments: str) -> str:
    """The one line with which a command ends that meets a full disk."""
    process = sweeper.start(*arguments)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 1, f"exit {process.returncode}\n{out}\n{err}"
    (line,) = err.splitlines()
    return str(line)


def resumed(sweeper: Any, trials: int) -> None:
    """What was done stays, what was asked for is done, each once."""
    before = sweeper.ends()
    sweeper("resume", "runs/small")
    after = sweeper.ends()
    assert sorted(after) == list(range(trials))
    assert len([event for event in sweeper.events() if event["event"] == "asked"]) == trials
    assert all(after[number] == end for number, end in before.items())


@pytest.mark.parametrize("size", ["100k", pytest.param("40k", marks=pytest.mark.slow)])
def test_under_the_run_folder(sweeper: Any, mount: Mount, size: str) -> None:
    runs = sweeper.folder / "runs"
    mount(runs, f"size={size}")
    line = full(sweeper, "run", "small.yaml", "--trials", "4")
    assert line.startswith("runs/small: ")
    assert "No space left on device" in line
    assert line.endswith("ree space, then sweeper resume runs/small.")
    mount(runs, "size=50m")
    resumed(sweeper, 4)


def test_under_the_store(sweeper: Any, mount: Mount) -> None:
    store = sweeper.folder / "store"
    mount(store, "size=1m")
    line = full(sweeper, "run", "small.yaml", "--trials", "4")
    assert line == (
        f"runs/small: {store}: No space left on device. "
        "What is done is kept: free space, then sweeper resume runs/small."
    )
    assert not list(store.glob("*/*.tmp"))
    mount(store, "size=50m")
    resumed(sweeper, 4)


def test_a_store_on_a_small_disk_is_warned_of_before_the_sweep_starts(sweeper: Any, mount: Mount) -> None:
    mount(sweeper.folder / "store", "size=200k")
    assert re.search(r"^  warning: the store may need [\d.]+ MB, and 0\.2 MB are free: lower store\.max_gb, or give --store another disk$",
                     sweeper("plan", "small.yaml"), re.MULTILINE)  # fmt: skip
    process = sweeper.start("run", "small.yaml", "--trials", "4")
    out, err = process.communicate(timeout=240)
    assert process.returncode == 1, out + err
    first = next(line for line in out.splitlines() if "may need" in line)
    assert first.startswith("warning: the store may need ")
    assert len(err.splitlines()) == 1


@pytest.mark.chaos
@pytest.mark.parametrize("level", range(20))
def test_on_one_disk_of_any_size(sweeper: Any, mount: Mount, level: int) -> None:
    """From one that does not take the folders to one that nearly takes all; what is done stays, and resume ends right."""
    disk = sweeper.folder / "runs"
    size = 8 + round(4000 * (level / 19) ** 2)
    mount(disk, f"size={size}k")
    arguments = ("small.yaml", "--trials", "4", "--store", "runs/store")
    process = sweeper.start("run", *arguments)
    out, err = process.communicate(timeout=480)
    assert process.returncode in (0, 1), f"exit {process.returncode}\n{out}\n{err}"
    assert len(err.splitlines()) == process.returncode, err
    assert process.returncode == 0 or "No space left on device" in err or "no room" in err, err
    mount(disk, "size=50m")
    begun = (disk / "small" / "space.yaml").exists() or (disk / "small" / "manifest.json").exists()
    before = sweeper.ends()
    sweeper(*(("resume", "runs/small") if begun else ("run", *arguments)))
    after = sweeper.ends()
    assert sorted(after) == list(range(4))
    assert len([event for event in sweeper.events() if event["event"] == "asked"]) == 4
    assert all(after[number] == end for number, end in before.items())
    assert not list(disk.rglob("*.tmp"))
    print(f"\n{size} kB: exit {process.returncode}, {len(before)} trials kept; {err.strip()}")


def test_a_disk_that_is_read_only_is_told_and_left_as_it_is(sweeper: Any, mount: Mount) -> None:
    runs = sweeper.folder / "runs"
    mount(runs, "size=1m")
    mount(runs, "ro")
    line = full(sweeper, "run", "small.yaml", "--trials", "4")
    assert line == "runs/small: can't be made: Read-only file system. Give --out another folder."
    assert list(runs.iterdir()) == []
    assert not list((sweeper.folder / "store").rglob("*.state"))
