from pathlib import Path
from typing import Any

import pytest

from analysis.errors import ResultsError
from analysis.events import EventLog, read_events
from sweeper.manifest import Manifest
from sweeper.recovery import accept_loss, whole_events, whole_space
from sweeper.space import Space
from trainables.errors import DamagedFileError

Said = list[str]


@pytest.fixture
def folder(walk: Any, tmp_path: Path, space: Space) -> Path:
    """A run of three complete trials that was interrupted."""
    for _ in range(3):
        walk.complete()
    (tmp_path / "small" / "space.yaml").write_text(space.text())
    Manifest.new(tmp_path / "small", space, command=[], store=None).write("interrupted")
    return tmp_path / "small"


def facts(folder: Path, space: Space) -> dict[str, Any]:
    return Manifest.resumed(folder, space, command=[], store=None).facts


def test_a_space_as_it_was_run_is_nothing_to_speak_of(folder: Path) -> None:
    said: Said = []
    whole_space(folder, said.append)
    assert said == []


@pytest.mark.parametrize("content", [None, b"", b"a: [1", b"\xff\xfe", b"- 1"])
def test_a_damaged_space_is_restored_from_the_manifest_and_said(
    folder: Path, space: Space, content: bytes | None
) -> None:
    said: Said = []
    if content is None:
        (folder / "space.yaml").unlink()
    else:
        (folder / "space.yaml").write_bytes(content)
    whole_space(folder, said.append)
    assert (folder / "space.yaml").read_text() == space.text()
    (line,) = said
    assert line.startswith(f"{folder / 'space.yaml'}:")
    assert line.endswith("; it is restored from the manifest")
    if content:
        assert (folder / "space.yaml.damaged").read_bytes() == content


def test_what_may_change_is_taken_and_said(folder: Path, space: Space) -> None:
    said: Said = []
    text = space.text().replace("trials: 12", "trials: 13").replace("max_gb: 20.0", "max_gb: 70.0")
    (folder / "space.yaml").write_text(text + "confirm: {top: 1}\n")
    whole_space(folder, said.append)
    assert said == [
        f"{folder / 'space.yaml'}: is not what it was when the run was last worked on: "
        "sweep.trials 12 -> 13, store.max_gb 20.0 -> 70.0, confirm.top nothing -> 1"
    ]


def test_a_space_that_makes_no_sense_names_its_line(folder: Path, space: Space) -> None:
    (folder / "space.yaml").write_text(space.text().replace("lr: 0.02", "lr: 0.0x2"))
    with pytest.raises(
        DamagedFileError,
        match=r"space\.yaml:\d+: finetune\.lr: .*got .?0\.0x2.* delete .* resume restores it",
    ):
        whole_space(folder, [].append)


def test_without_a_copy_a_missing_space_is_told(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (folder / "space.yaml").unlink()
    with pytest.raises(DamagedFileError, match=r"space\.yaml: is missing\. Copy the space file"):
        whole_space(folder, [].append)


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_file_with_fewer_lines_than_it_had_is_told(folder: Path, space: Space, left: int) -> None:
    lines = (folder / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "trials.jsonl").write_bytes(b"".join(lines[:left]))
    with pytest.raises(
        ResultsError, match=rf"trials\.jsonl: was cut, {left} of its 6 lines are left\. .*accept-loss"
    ):
        whole_events(folder, facts(folder, space), trained=set(), asked=set())


def test_the_ledger_knows_what_was_lost_since_the_manifest_was_written(folder: Path, space: Space) -> None:
    whole_events(folder, facts(folder, space), trained={0, 2}, asked={0, 1, 2})
    with pytest.raises(ResultsError, match=r"trials\.jsonl: was cut, it knows nothing of trial 7"):
        whole_events(folder, facts(folder, space), trained={0, 9, 7}, asked={0, 1, 2})


def test_who_accepts_a_loss_goes_on_from_before_the_damage(folder: Path, space: Space) -> None:
    file, said = folder / "trials.jsonl", Said()
    whole, before = file.read_bytes(), read_events(file)[0]
    damaged = whole.replace(b'"accuracy": 0.75', b'"accuracy": 0.95', 1)
    file.write_bytes(damaged)
    accept_loss(folder, said.append)
    number = damaged.count(b"\n", 0, damaged.index(b"0.95")) + 1
    assert read_events(file) == (before[: number - 1], False)
    assert (folder / "trials.jsonl.damaged").read_bytes() == damaged
    (line,) = said
    assert line.startswith(f"{file}:{number}: damaged, its checksum is not the one that was written. The")
    with EventLog(file) as log:
        log.append(before[number - 1])
    assert len(read_events(file)[0]) == number


def test_what_is_whole_stays_as_it_is(folder: Path) -> None:
    said: Said = []
    before = (folder / "trials.jsonl").read_bytes()
    accept_loss(folder, said.append)
    assert (said, (folder / "trials.jsonl").read_bytes()) == ([], before)
