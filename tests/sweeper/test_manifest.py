import json
from pathlib import Path

import pytest

from analysis.errors import OtherFormatError
from sweeper.errors import CannotFinishError
from sweeper.manifest import Manifest, kept_store, usual_store
from sweeper.space import Space
from trainables.errors import InputError


def on_disk(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "manifest.json").read_text())
    return found


@pytest.fixture(autouse=True)
def space_file(tmp_path: Path, space: Space) -> Path:
    """The run's own copy of its space."""
    (tmp_path / "space.yaml").write_text(space.text())
    return tmp_path / "space.yaml"


def test_a_new_run_says_with_what_it_was_made(tmp_path: Path, space: Space) -> None:
    manifest = Manifest.new(tmp_path, space, command=["sweeper", "run"], store=tmp_path / "store")
    assert not (tmp_path / "manifest.json").exists()
    manifest.write("running", workers=2)
    facts = on_disk(tmp_path)
    assert (facts["format"], facts["name"], facts["status"]) == (1, "small", "running")
    assert (facts["command"], facts["workers"], facts["ended"]) == (["sweeper", "run"], 2, None)
    assert {"torch", "ray", "optuna", "python"} <= set(facts["versions"])  # type: ignore[call-overload]
    manifest.write("done")
    assert on_disk(tmp_path)["status"] == "done"
    assert on_disk(tmp_path)["ended"] is not None


def test_a_run_that_ends_says_how_large_its_store_is(tmp_path: Path, space: Space) -> None:
    manifest = Manifest.new(tmp_path, space, command=[], store=tmp_path / "store")
    manifest.write("running")
    assert "store_bytes" not in on_disk(tmp_path)
    (tmp_path / "store" / "ab").mkdir(parents=True)
    (tmp_path / "store" / "ab" / "abc.state").write_bytes(b"0" * 77)
    manifest.write("done")
    assert on_disk(tmp_path)["store_bytes"] == 77
    Manifest.new(tmp_path, space, command=[], store=None).write("done")
    assert on_disk(tmp_path)["store_bytes"] is None


def test_a_resumed_run_keeps_its_facts_and_has_one_session_more(tmp_path: Path, space: Space) -> None:
    Manifest.new(tmp_path, space, command=["first"], store=None).write("interrupted")
    for command in ("second", "third"):
        Manifest.resumed(tmp_path, space, command=[command], store=tmp_path).write("interrupted")
    facts = on_disk(tmp_path)
    assert facts["command"] == ["first"]
    assert [session["command"] for session in facts["sessions"]] == [["second"], ["third"]]  # type: ignore[attr-defined]
    assert kept_store(tmp_path) == tmp_path


@pytest.mark.parametrize("content", ["damaged", "[]", None])
def test_a_damaged_or_missing_one_is_made_anew(tmp_path: Path, space: Space, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    Manifest.resumed(tmp_path, space, command=["again"], store=None).write("running")
    assert on_disk(tmp_path)["name"] == "small"


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        ("trials: 12", "trials: 24"),
        ("  epochs: null\n  hours: null", "  epochs: 100\n  hours: 0.5"),
        ("patience: null", "patience: 9"),
        ("cpus_per_trial: 1", "cpus_per_trial: 2"),
        ("max_gb: 20.0", "max_gb: 5.0"),
        ("resources:", "confirm: {top: 1}\nresources:"),
    ],
)
def test_budget_confirmation_resources_and_store_may_change(
    tmp_path: Path, space: Space, space_file: Path, there: str, instead: str
) -> None:
    Manifest.new(tmp_path, space, command=["first"], store=None).write("interrupted")
    text = space_file.read_text()
    assert there in text
    space_file.write_text(text.replace(there, instead))
    Manifest.resumed(tmp_path, space, command=["second"], store=None)


def test_a_study_that_was_changed_is_not_resumed(tmp_path: Path, space: Space, space_file: Path) -> None:
    Manifest.new(tmp_path, space, command=["first"], store=None).write("interrupted")
    space_file.write_text(space_file.read_text().replace("lr: 0.02", "lr: 0.03"))
    with pytest.raises(
        InputError, match=r"space\.yaml: was changed since the run began, .* only sweep\.trials"
    ):
        Manifest.resumed(tmp_path, space, command=["second"], store=None)


def test_that_of_another_format_is_refused(tmp_path: Path, space: Space) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 99}')
    with pytest.raises(OtherFormatError, match=r"manifest\.json: format: this version reads 1, got 99"):
        Manifest.resumed(tmp_path, space, command=[], store=None)


def test_a_disk_that_does_not_take_it_is_told(tmp_path: Path, space: Space) -> None:
    (tmp_path / "manifest.json").mkdir()
    manifest = Manifest.new(tmp_path, space, command=[], store=None)
    with pytest.raises(CannotFinishError, match=r"can't be written: Is a directory"):
        manifest.write("running")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"format": 1, "store": "/kept"}', Path("/kept")),
        ('{"format": 1, "store": null}', None),
        ("damaged", Path("usual")),
    ],
)
def test_a_run_knows_where_its_states_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, expected: Path | None
) -> None:
    monkeypatch.setenv("SWEEPER_STORE", "usual")
    (tmp_path / "manifest.json").write_text(content)
    assert kept_store(tmp_path) == expected


def test_states_are_in_store_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEPER_STORE", raising=False)
    assert usual_store() == Path("store")
    monkeypatch.setenv("SWEEPER_STORE", "elsewhere")
    assert usual_store() == Path("elsewhere")


def test_why_a_run_has_ended_is_told_until_it_goes_on(tmp_path: Path, space: Space) -> None:
    manifest = Manifest.new(tmp_path, space, command=[], store=None)
    manifest.write("done", ended_by="patience")
    assert on_disk(tmp_path)["ended_by"] == "patience"
    again = Manifest.resumed(tmp_path, space, command=["again"], store=None)
    again.session["budget"] = {"patience": [3, 9]}
    again.write("running")
    facts = on_disk(tmp_path)
    assert facts["ended_by"] is None
    assert facts["sessions"][0]["budget"] == {"patience": [3, 9]}  # type: ignore[index]
