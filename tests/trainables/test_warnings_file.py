import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from trainables.store import State, Store
from trainables.warnings_file import Heard, keep_warnings


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    log = logging.getLogger("trainables")
    before = list(log.handlers)
    yield
    for handler in set(log.handlers) - set(before):
        log.removeHandler(handler)
        handler.close()


def test_a_damaged_state_is_a_line_of_the_file_once(tmp_path: Path) -> None:
    file, store = tmp_path / "warnings.log", Store(tmp_path / "store", max_bytes=10**9)
    heard = Heard(file)
    for _ in range(2):
        keep_warnings(file)
    assert heard.lines() == []
    assert not file.exists()
    store.put("ab" * 20, State(header={}, tensors={"w": torch.zeros(3)}))
    store.path("ab" * 20).write_bytes(b"{}")
    assert [store.get("ab" * 20) for _ in range(2)] == [None, None]
    (line,) = heard.lines()
    assert line == f"{store.path('ab' * 20)}: no stored state of this version; it is made again"
    assert heard.lines() == []


def test_equal_lines_of_several_processes_are_one_and_those_of_before_are_none(tmp_path: Path) -> None:
    file = tmp_path / "warnings.log"
    file.write_text("before\n")
    heard = Heard(file)
    with file.open("a") as stream:
        stream.write("a\nb\na\n")
    assert heard.lines() == ["a", "b"]


def test_another_file_takes_the_place_of_the_first(tmp_path: Path) -> None:
    keep_warnings(tmp_path / "one")
    keep_warnings(tmp_path / "two")
    logging.getLogger("trainables.store").warning("two\nlines")
    assert not (tmp_path / "one").exists()
    assert (tmp_path / "two").read_text() == "two lines\n"
