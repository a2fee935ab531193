import json
import random
import re
from pathlib import Path

import pytest

from analysis.errors import ResultsError
from analysis.events import EventLog, read_events, read_log
from analysis.lines import Lines, parse_object, seal


def log_of(path: Path, count: int = 6) -> bytes:
    with EventLog(path) as log:
        for trial in range(count):
            log.append({"event": "end", "trial": trial, "metrics": {"accuracy": 0.9 + trial / 100}})
    return path.read_bytes()


def test_an_object_is_parsed_with_its_place_in_the_message() -> None:
    assert parse_object(b'{"a": 1}', "x") == {"a": 1}
    with pytest.raises(ResultsError, match="here:9: damaged, a JSON object expected, got int"):
        parse_object(b"3", "here:9")


def test_a_sealed_line_is_one_of_json_and_reads_back_without_its_seal() -> None:
    line, total = seal(b'{"a": 1}', 0)
    assert re.fullmatch(rb'{"a": 1, "sum": "[0-9a-f]{8}"}\n', line)
    assert json.loads(line)["a"] == 1
    reader = Lines(file="x")
    assert reader.take(line[:-1]) == {"a": 1}
    assert (reader.total, reader.unsealed) == (total, 0)


def test_any_flipped_bit_of_a_file_is_found_and_named(tmp_path: Path) -> None:
    """But of the last newline: then the line is torn. And of a lone line's seal: then it has none."""
    whole = log_of(tmp_path / "log")
    before = read_events(tmp_path / "log")[0]
    rng = random.Random(0)
    for at in rng.sample(range(len(whole) - 1), 300):
        content = bytearray(whole)
        content[at] ^= 1 << rng.randrange(8)
        (tmp_path / "log").write_bytes(content)
        number = whole.count(b"\n", 0, at) + 1
        with pytest.raises(ResultsError, match=rf"log:({number}|{number + 1}): damaged, ") as caught:
            read_events(tmp_path / "log")
        assert "sweeper resume RUN --accept-loss" in str(caught.value)
    (tmp_path / "log").write_bytes(whole[:-1] + b"\x0b")
    assert read_events(tmp_path / "log") == (before[:-1], True)


@pytest.mark.parametrize("gone", range(5))
def test_a_line_that_is_gone_is_found_at_the_next(tmp_path: Path, gone: int) -> None:
    lines = log_of(tmp_path / "log").splitlines(keepends=True)
    (tmp_path / "log").write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    with pytest.raises(ResultsError, match=rf"log:{gone + 1}: damaged, its checksum is not the one that was"):
        read_events(tmp_path / "log")


def test_lines_of_an_earlier_version_are_read_and_counted(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"event": "asked", "trial": 0}\n' * 2)
    assert read_log(tmp_path / "log").unsealed == 2
    with EventLog(tmp_path / "log") as log:
        log.append({"event": "asked", "trial": 1})
    read = read_log(tmp_path / "log")
    assert (len(read.events), read.unsealed) == (3, 0)  # the new line's checksum is of the old ones, too
    content = (tmp_path / "log").read_bytes().replace(b"0}", b"7}", 1)
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(ResultsError, match=r"log:3: .* is not the one that was written, or one of the 2 bef"):
        read_events(tmp_path / "log")


def test_a_line_without_a_seal_behind_one_with_it_is_damage(tmp_path: Path) -> None:
    log_of(tmp_path / "log", 2)
    with (tmp_path / "log").open("a") as file:
        file.write('{"event": "asked", "trial": 9}\n')
    with pytest.raises(ResultsError, match=r"log:3: damaged, it has lost its checksum"):
        read_events(tmp_path / "log")
