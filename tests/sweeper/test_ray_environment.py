import os
import stat
import threading
from pathlib import Path

import pytest

from sweeper.errors import CannotFinishError
from sweeper.ray_environment import LOCAL, prepare, private_token


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    return tmp_path


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_the_token_is_for_the_user_alone_from_its_creation(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    link = os.link

    def watched(source: str, target: Path) -> None:
        seen.append(mode(Path(source)))
        link(source, target)

    monkeypatch.setattr("os.link", watched)
    before = os.umask(0)
    try:
        private_token()
    finally:
        os.umask(before)
    file = home / ".ray" / "auth_token"
    assert seen == [0o600] == [mode(file)]
    assert mode(file.parent) == 0o700
    assert len(bytes.fromhex(file.read_text())) == 32
    assert list(file.parent.iterdir()) == [file]


def test_a_token_that_is_there_is_kept_and_closed(home: Path) -> None:
    file = home / ".ray" / "auth_token"
    file.parent.mkdir()
    file.write_text("mine")
    file.chmod(0o644)
    private_token()
    assert (file.read_text(), mode(file)) == ("mine", 0o600)


def test_an_empty_token_is_no_token(home: Path) -> None:
    file = home / ".ray" / "auth_token"
    file.parent.mkdir()
    file.touch(0o644)
    private_token()
    assert len(file.read_text()) == 64
    assert mode(file) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_of_many_that_make_it_at_once_all_have_the_same(home: Path) -> None:
    found: list[str] = []

    def make() -> None:
        private_token()
        found.append((home / ".ray" / "auth_token").read_text())

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1


@pytest.mark.parametrize("name", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"])
def test_a_token_of_the_users_own_is_left_alone(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "/elsewhere")
    private_token()
    assert not (home / ".ray").exists()


def test_a_home_that_takes_no_token_is_said_in_one_line(home: Path) -> None:
    (home / ".ray").write_text("a file")
    with pytest.raises(
        CannotFinishError, match=r"auth_token: Ray's token can't be written: .*RAY_AUTH_TOKEN_PATH"
    ):
        private_token()


def test_only_a_ray_of_this_machine_is_bound_to_loopback(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"HOME": str(home), "RAY_USAGE_STATS_ENABLED": "1"})
    prepare(local=False)
    assert not LOCAL.keys() & os.environ.keys()
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "1"
    assert not (home / ".ray").exists()
    prepare(local=True)
    assert os.environ.items() >= LOCAL.items()
    assert (home / ".ray" / "auth_token").exists()
