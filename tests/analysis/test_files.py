import json
from pathlib import Path

import pytest

from analysis.files import shown, write_bytes, write_json, write_text


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.json"
    write_json(path, {"名": 1e-5})
    write_json(path, {"名": [1, None]})
    assert json.loads(path.read_text("utf-8")) == {"名": [1, None]}
    assert [file.name for file in path.parent.iterdir()] == ["a.json"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_reader_with_the_old_file_open_keeps_reading_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with (tmp_path / "a").open() as file:
        write_text(tmp_path / "a", "new")
        assert file.read() == "old"


def test_nan_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    write_json(tmp_path / "a", 1)
    with pytest.raises(ValueError, match="nan"):
        write_json(tmp_path / "a", {"loss": float("nan")})
    assert (tmp_path / "a").read_text() == "1\n"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError, match="a"):
        write_bytes(tmp_path / "a", b"x")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_a_path_is_shown_from_here_and_quoted_for_a_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shown(tmp_path / "here" / "runs" / "a b") == "'runs/a b'"
    assert shown(Path("runs")) == "runs"
    assert shown(tmp_path / "there") == str(tmp_path / "there")
