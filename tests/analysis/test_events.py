import resource
from pathlib import Path

import pytest

from analysis.errors import ResultsError
from analysis.events import EventLog, read_events

ASKED = {"event": "asked", "trial": 3, "params": {"prune.percent": 0.5, "名": "é"}}


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    with EventLog(tmp_path / "trials.jsonl") as log:
        log.append(ASKED)
        log.append(ASKED | {"trial": 4})
    assert read_events(tmp_path / "trials.jsonl") == ([ASKED, ASKED | {"trial": 4}], False)


def test_every_append_is_on_the_disk_before_the_next_while_others_read(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log") as log:
        for count in range(1, 4):
            log.append(ASKED)
            assert len(read_events(tmp_path / "log")[0]) == count


@pytest.mark.parametrize("cut", [1, 10, 40])
def test_a_torn_last_line_is_dropped_by_readers_and_cut_off_by_the_next_writer(
    tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "log"
    with EventLog(path) as log:
        log.append(ASKED)
        log.append(ASKED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert read_events(path) == ([ASKED], True)
    with EventLog(path) as log:
        assert log.torn
        log.append(ASKED)
    assert path.read_bytes() == whole


def test_a_file_of_nothing_but_a_torn_line_becomes_empty(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b'{"event": "as')
    with EventLog(tmp_path / "log") as log:
        assert log.torn == '{"event": "as'
    assert (tmp_path / "log").read_bytes() == b""


def test_a_whole_file_is_not_called_torn(tmp_path: Path) -> None:
    for _ in range(2):
        with EventLog(tmp_path / "log") as log:
            assert log.torn == ""
            log.append(ASKED)
    assert len(read_events(tmp_path / "log")[0]) == 2


@pytest.mark.parametrize(
    "line", [b"{", b"", b"[1]", b'{"loss": NaN}', b'{"loss": -Infinity}', b"\xff\xfe", b"\0\0"]
)
def test_a_damaged_line_that_ends_is_an_error_with_its_number(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "log").write_bytes(b'{"event": "asked"}\n' + line + b'\n{"event": "asked"}\n')
    with pytest.raises(ResultsError, match=r"log:2: damaged, .*object") as caught:
        read_events(tmp_path / "log")
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_is_refused_and_leaves_no_trace(tmp_path: Path, value: float) -> None:
    with EventLog(tmp_path / "log") as log:
        with pytest.raises(
            ValueError, match=rf"end of trial 7: a finite number, got curve.0.accuracy={value}"
        ):
            log.append({"event": "end", "trial": 7, "curve": [{"accuracy": value}]})
        log.append(ASKED)
    assert read_events(tmp_path / "log") == ([ASKED], False)


def test_an_unknown_event_is_refused(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log") as log, pytest.raises(ValueError, match=r"event: .*asked.* got 'began'"):
        log.append({"event": "began"})


def test_a_disk_that_is_full_in_the_middle_of_a_line_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: it too lets a part of the line through."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EventLog(tmp_path / "log") as log:
        log.append(ASKED)
        whole = (tmp_path / "log").read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                log.append(ASKED)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert (tmp_path / "log").read_bytes() == whole
        log.append(ASKED)
    assert read_events(tmp_path / "log") == ([ASKED, ASKED], False)
