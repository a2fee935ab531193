"""Whatever a file of settings is made into: it is valid, or every fault is one line, and the exit code 2."""

import random
import time
from pathlib import Path

import pytest

from sweeper.faults import Faults
from sweeper.space import load
from sweeper.strict_yaml import MAX_BYTES

SHIPPED = sorted((Path(__file__).parents[2] / "search_spaces").rglob("*.yaml"))
TEXTS = [file.read_text("utf-8") for file in SHIPPED]
TOKENS = [
    "null", "~", "true", "no", "nan", ".inf", "-1", "0", "1e999", "1e-400", "010", "0x1F", "12:30:45", "2026-11-24",
    "''", '"', "'", "[", "]", "{", "}", ":", ": ", ",", "#", "&a", "*a", "!!python/object:os.system", "!!binary", "|",
    ">", "%YAML 1.1", "---", "...", "<<: *a", "? ", "- ", "\t", "\r", "\r\n", "\0", "\x1b[31m", "\u2028", "\ufeff", "é", "学",
    "\ud800", "9" * 400, "a" * 3000, "[" * 60, "{a: " * 60, "../../etc/passwd", "$(reboot)", "\\", "finetune", "search", "warmup",
]  # fmt: skip
"""What people and machines put in the wrong place."""


def mutated(rng: random.Random) -> bytes:
    """A shipped space after up to five changes of characters, tokens, lines or sections; at times of bytes, too."""
    text = rng.choice(TEXTS)
    for _ in range(rng.randint(1, 5)):
        lines = text.splitlines(keepends=True) or [""]
        at, line = rng.randrange(len(text) + 1), rng.randrange(len(lines))
        match rng.randrange(9):
            case 0:
                text = text[:at] + rng.choice(TOKENS) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randint(1, 20) :]
            case 2:
                text = (
                    text[:at]
                    + chr(rng.choice([rng.randrange(32, 127), rng.randrange(0x500)]))
                    + text[at + 1 :]
                )
            case 3:
                text = "".join([*lines[:line], *lines[line + 1 :]])
            case 4:
                text = "".join([*lines[:line], lines[line], *lines[line:]])
            case 5:
                lines.insert(rng.randrange(len(lines)), lines.pop(line))
                text = "".join(lines)
            case 6:  # another value
                head, colon, _ = lines[line].partition(":")
                lines[line] = f"{head}{colon} {rng.choice(TOKENS)}\n"
                text = "".join(lines)
            case 7:
                lines[line] = " " * rng.randint(1, 5) + lines[line]
                text = "".join(lines)
            case 8:
                text = text[:at] + text[: rng.randrange(200)]
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(rng.randint(1, 3) if data and rng.random() < 0.2 else 0):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def refused(file: Path) -> bool:
    """Whether a file is refused, as it must be if it is: in printable lines that begin with its name."""
    found: Faults | None = None
    try:
        load(str(file))
    except Faults as faults:
        found = faults
    if found is not None:
        lines = str(found).splitlines()
        assert found.exit_code == 2
        assert len(lines) == len(found.faults) >= 1
        assert all(line.startswith(f"{file}:") and line.isprintable() for line in lines)
    return found is not None


@pytest.mark.timeout(0)
@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.chaos)])
def test_no_mutated_space_leads_to_more_than_lines(tmp_path: Path, count: int) -> None:
    rng, file, bad = random.Random(0), tmp_path / "s.yaml", 0
    for number in range(count):
        file.write_bytes(mutated(rng))
        try:
            bad += refused(file)
        except BaseException as error:
            (tmp_path / "culprit.yaml").write_bytes(file.read_bytes())
            raise AssertionError(f"number {number}, see {tmp_path}/culprit.yaml") from error
    assert count * 0.5 < bad < count


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(12)
)
HOSTILE = {
    "alias bomb": BOMB.encode(),
    "an alias to itself": b"a: &a [*a]\n",
    "merge keys": b"a: &a {b: 1}\nc: {<<: *a}\n",
    "nested lists": b"a: " + b"[" * 5000 + b"]" * 5000,
    "nested maps": b"a: " + b"{a: " * 5000 + b"1" + b"}" * 5000,
    "nested blocks": b"\n".join(b" " * i + b"a:" for i in range(3000)),
    "nested sequences": b"- " * 20000 + b"1",
    "a huge scalar": b"name: " + b"a" * (MAX_BYTES - 100),
    "a huge number": b"seed: " + b"9" * 100_000,
    "a huge file": b"#" * (MAX_BYTES + 1),
    "many keys": b"".join(b"k%d: 1\n" % i for i in range(5000)),
    "UTF-16": "name: a\n".encode("utf-16"),
    "UTF-32": "name: a\n".encode("utf-32"),
    "Latin-1": "name: é\n".encode("latin-1"),
    "GB18030": "name: 学习\n".encode("gb18030"),
    "a zip": b"PK\x03\x04" + bytes(range(256)),
    "an ELF": b"\x7fELF\x02\x01\x01" + bytes(64),
    "a pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93.",
    "a tag": b"a: !!python/object/apply:os.system ['true']\n",
    "nothing": b"",
    "a byte-order mark": b"\xef\xbb\xbf",
    "zeros": bytes(1000),
    "two documents": b"name: a\n---\nname: b\n",
    "carriage returns": b"name: a\rdata: 1\r",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_in_lines_within_seconds(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "s.yaml").write_bytes(data)
    began = time.monotonic()
    assert refused(tmp_path / "s.yaml")
    assert time.monotonic() - began < 20


def test_a_byte_order_mark_before_a_good_space_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_bytes(b"\xef\xbb\xbf" + TEXTS[1].encode())
    assert not refused(tmp_path / "s.yaml")
