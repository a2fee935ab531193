from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper import room
from sweeper.bench import Bench
from sweeper.foreseen import Foreseen, foresee
from sweeper.room import free_bytes, kept, may_be_tight, too_little_room
from sweeper.space import Space

TEXT = Path(__file__).with_name("grid.yaml").read_text()


@pytest.fixture(scope="module")
def grid() -> tuple[Space, list[Foreseen]]:
    from sweeper.space import check
    from sweeper.strict_yaml import parse

    space = check(parse(TEXT, "f.yaml"), default_name="f")
    return space, foresee(space, Bench.of(space).place)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Says how many bytes every disk has."""
    return lambda count: monkeypatch.setattr(room, "free_bytes", lambda folder: count)


def test_what_is_free_is_asked_of_the_disk_that_a_folder_will_be_on(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0


def test_a_disk_with_room_for_a_full_store_takes_any_sweep(
    grid: tuple[Space, list[Foreseen]], free: Callable[[float], None], tmp_path: Path
) -> None:
    space, _ = grid
    free(30e9)
    assert not may_be_tight(space, store=tmp_path, out=tmp_path)
    free(20e9)
    assert may_be_tight(space, store=tmp_path, out=tmp_path)
    assert not may_be_tight(space, store=None, out=tmp_path)


def test_too_small_a_disk_is_told_for_the_store_and_the_run(
    grid: tuple[Space, list[Foreseen]], free: Callable[[float], None], tmp_path: Path
) -> None:
    space, trials = grid
    states = kept(space, trials)
    free(1e5)
    store, run = too_little_room(space, trials, store=tmp_path, out=tmp_path)
    assert store.startswith(f"the store may need {sum(states.values()) / 1e6:.1f} MB, and ")
    assert store.endswith(" MB are free: lower store.max_gb, or give --store another disk")
    assert run.startswith("the run folder may need ")
    assert run.endswith(" MB are free: free space, or give --out another disk")
    free(1e9)
    assert too_little_room(space, trials, store=tmp_path, out=tmp_path) == []


def test_what_the_store_has_needs_no_room_and_its_limit_is_the_most(
    grid: tuple[Space, list[Foreseen]], free: Callable[[float], None], tmp_path: Path
) -> None:
    space, trials = grid
    states = kept(space, trials)
    free(sum(states.values()) * 0.5)
    (told,) = too_little_room(space, trials, store=tmp_path, out=None, table_gb=1e9)
    assert f"the store may need {space.settings.store.max_gb:.1f} GB" in told
    for address in states:
        file = tmp_path / address[:2] / f"{address}.state"
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert too_little_room(space, trials, store=tmp_path, out=None) == []
