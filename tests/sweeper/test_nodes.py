"""What a node is asked and what becomes of its answers, with the node played by this process."""

from pathlib import Path
from typing import Any

import pytest

from sweeper import nodes
from sweeper.cluster import Cluster
from sweeper.node_check import Answer, Question, look
from sweeper.nodes import check
from sweeper.resources import Machine
from trainables.arithmetic import describe, pick_device
from trainables.errors import InputError

HERE = describe(threads=1, device=pick_device(0))


def machine(name: str) -> Machine:
    return Machine(name=name, cpus=4, gpus=0, node=f"id-{name}")


class Played:
    """A cluster whose nodes answer here, after ``change`` has had its way with the question or the answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str, private: bool = False) -> None:
        self.cluster = Cluster(address="a:1", private=private, machines=[machine(name) for name in names])
        self.asked: list[str] = []
        self.before: Any = lambda question, one: question
        self.after: Any = lambda answer, one: answer
        monkeypatch.setattr(nodes, "_asked", self.ask)

    def ask(self, question: Question, able: list[Machine]) -> dict[Machine, Answer]:
        self.asked = [one.name for one in able]
        return {one: self.after(look(self.before(question, one), one.node), one) for one in able}

    def check(
        self, folder: Path, store: Path | None, files: tuple[str, ...] = (), gpus: float = 0
    ) -> nodes.Checked:
        for place in (folder, store):
            if place is not None:
                place.mkdir(exist_ok=True)
        return check(self.cluster, folder=folder, store=store, files=files, cpus=1, gpus=gpus)


def changed(thing: Any, **fields: Any) -> Any:
    from dataclasses import replace

    return replace(thing, **fields)


def test_nodes_that_share_all_are_fine_and_leave_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, "a", "b")
    found = played.check(tmp_path / "run", tmp_path / "store")
    assert (found.arithmetic, found.warnings) == (HERE, ())
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_node_that_reads_another_word_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, "a", "b")
    played.before = lambda question, one: changed(question, key="other") if one.name == "b" else question
    with pytest.raises(
        InputError, match=r"/run: must be on storage that every node shares, b sees another folder"
    ):
        played.check(tmp_path / "run", tmp_path / "store")
    assert list(tmp_path.iterdir()) == [], "a sweep that is refused leaves no trace"


def test_a_node_whose_word_does_not_come_home_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, "a")

    def lost(answer: Answer, one: Machine) -> Answer:
        for file in (tmp_path / "store").glob("*.id-a"):
            file.unlink()
        return answer

    played.after = lost
    with pytest.raises(InputError, match=r"/store: must be on storage that every node shares, a sees"):
        played.check(tmp_path / "run", tmp_path / "store")


def test_a_disk_whose_locks_end_at_the_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, "a")
    played.after = lambda answer, one: changed(answer, unlocked=True)
    with pytest.raises(
        InputError, match=r"/store: must have locks that every node shares, a took one that is held"
    ):
        played.check(tmp_path / "run", tmp_path / "store")


def test_a_lock_that_the_driver_holds_is_held_for_a_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, seen = Played(monkeypatch, "a"), []
    played.after = lambda answer, one: seen.append(answer) or answer
    played.check(tmp_path / "run", tmp_path / "store")
    assert [answer.unlocked for answer in seen] == [False]


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, "a", private=True)
    (tmp_path / "file").touch()
    with pytest.raises(
        InputError, match=r"/file/store: must be writable on every node, a can't write it: Not a dir"
    ):
        check(
            played.cluster,
            folder=tmp_path / "run",
            store=tmp_path / "file" / "store",
            files=(),
            cpus=1,
            gpus=0,
        )


def test_a_file_that_a_node_has_not_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    played = Played(monkeypatch, "a")
    (tmp_path / "there.npz").touch()
    played.check(tmp_path / "run", None, files=("there.npz",))
    with pytest.raises(InputError, match=r"teacher\.pth: must be on every node, a has no such file\."):
        played.check(tmp_path / "run", None, files=("there.npz", "teacher.pth"))


def test_with_private_stores_nothing_is_shared_and_the_node_makes_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, asked = Played(monkeypatch, "a", private=True), []
    played.before = lambda question, one: (
        asked.append(question) or changed(question, own=str(tmp_path / "node"))
    )
    played.check(tmp_path / "run", tmp_path / "store")
    assert (asked[0].shared, asked[0].locked, asked[0].own) == ((), None, str(tmp_path / "store"))
    assert list((tmp_path / "node").iterdir()) == []


def test_nodes_that_compute_otherwise_are_warned_of_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = Played(monkeypatch, "a", "b", "c", "d")
    other = {**HERE, "torch": "2.13.0"}
    played.after = lambda answer, one: changed(answer, arithmetic=other) if one.name in "bd" else answer
    played.cluster.machines = [*played.cluster.machines, machine("e")]
    found = played.check(tmp_path / "run", None)
    assert found.arithmetic == HERE
    (warning,) = found.warnings
    assert warning.startswith(
        f"b, d: computes otherwise than most nodes (torch 2.13.0 for {HERE['torch']}): "
    )


def test_only_nodes_that_can_take_a_trial_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch, "a")
    played.cluster.machines = [machine("a"), Machine(name="g", cpus=4, gpus=1, node="id-g")]
    played.check(tmp_path / "run", None, gpus=1.0)
    assert played.asked == ["g"]
