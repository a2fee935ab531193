import contextlib
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.plain_yaml import dump
from sweeper.faults import Faults
from sweeper.strict_yaml import parse, parse_value, read

SPACE = """\
# a valid space
name: finetune
data: {source: digits, val_fraction: 0.2, split_seed: 0}
sparsity: {s: 1e-2, on: all, epochs: 12, kd: none}
finetune:
  epochs: 12
  note: "it's 5 % \\t better"
  more: &more [1, 2.5, .5, -1E+3]
  again: *more
search:
  prune.percent: [0.3, 0.5,
    0.9]
  sparsity.s: {log_uniform: [1e-3, 3e-2], points: 4}
  finetune.kd: [none, dist]
constraints: {macs: "<= 0.5"}
text: |
  two
  lines
"""

# text -> the one line that it must lead to
BAD = {
    # nothing, or not a mapping
    "": ": is empty. Write a mapping of settings, such as name: finetune.",
    "# only a comment\n": ": is empty. Write a mapping of settings, such as name: finetune.",
    "---\n": ": is empty. Write a mapping of settings, such as name: finetune.",
    "null": ": is empty. Write a mapping of settings, such as name: finetune.",
    "- 1\n- 2": ":1: must be a mapping of settings, got [1, 2]. Write key: value lines.",
    "\n\njust text": ':3: must be a mapping of settings, got "just text". Write key: value lines.',
    "1e-4": ":1: must be a mapping of settings, got 0.0001. Write key: value lines.",
    "a: 1\n---\nb: 2": ":2: a second document begins here. Keep one a file.",
    "a: 1\n...\nb: 2": ":3: is not valid YAML: expected '<document start>', but found "
    "'<block mapping start>', got \"b: 2\".",
    # keys
    "a: 1\nb: 2\na: 3": ":3: a: is given twice, first in line 1. Keep one of them.",
    "a: {x: 1, x: 1}": ":1: a.x: is given twice, first in line 1. Keep one of them.",
    "a:\n  b:\n    - c: 1\n      c: 2": ":4: a.b[0].c: is given twice, first in line 3. Keep one of them.",
    "search:\n  p.q: [1]\n  'p.q': [2]": ":3: search.p.q: is given twice, first in line 2. Keep one of them.",
    "1: x": ":1: 1: a key must be text, got 1. Put it in quotes; a decimal takes a point.",
    "a:\n  0.5: x": ":2: a.0.5: a key must be text, got 0.5. Put it in quotes.",
    "true: x": ":1: true: a key must be text, got true. Put it in quotes.",
    "null: x": ":1: null: a key must be text, got null. Put it in quotes.",
    "~: x": ":1: ~: a key must be text, got null. Put it in quotes.",
    "a: {? }": ':1: a."": a key must be text, got null. Put it in quotes.',
    "a: {: 1}": ":1: a: is not valid YAML: expected the node content, but found ':', got \"a: {: 1}\".",
    ".inf: x": ":1: .inf: a key must be text, got .inf. Put it in quotes.",
    "? [a, b]\n: 1": ":1: a key must be text. Put a text that begins with {, [ or * in quotes.",
    "a: {{lr}}": ":1: a: a key must be text. Put a text that begins with {, [ or * in quotes.",
    "&k a: 1\n*k : 2": ":2: a key must be text. Put a text that begins with {, [ or * in quotes.",
    "x: &x {a: 1}\ny:\n  <<: *x": ":3: y.<<: merge keys are not allowed. Write the settings out.",
    "a: {b: 0,5}": ":1: a.5: a key must be text, got 5. Put it in quotes; a decimal takes a point.",
    # what Chinese keyboards give
    "a：1\nb: 2": ':2: a second `: ` doesn\'t fit here, got "b: 2". Line 1 holds ：; write :.',
    "a: [1\n，2": ':2: a: the list that opens in line 1 goes wrong here, got "，2". Line 2 holds ，; write ,.',
    # tags
    "a: !!python/object/apply:os.system [ls]": ':1: a: tags are not allowed, '
    'got "!!python/object/apply:os.system". Remove it.',
    "a: !!python/name:os.system": ':1: a: tags are not allowed, got "!!python/name:os.system". Remove it.',
    "a: !!str 5": ':1: a: tags are not allowed, got "!!str". Remove it.',
    "a: !!binary aGk=": ':1: a: tags are not allowed, got "!!binary". Remove it.',
    "!!map {a: 1}": ':1: tags are not allowed, got "!!map". Remove it.',
    "a: !env HOME": ':1: a: tags are not allowed, got "!env". Remove it.',
    "a: ! x": ':1: a: tags are not allowed, got "!". Remove it.',
    "a: !u!x 1": ':1: a: tags are not allowed, got "a: !u!x 1". Remove it.',
    "!k a: 1": ':1: tags are not allowed, got "!k". Remove it.',
    # anchors
    "a: *b": ":1: a: has no anchor above it for the alias *b.",
    "a: &x [1, *x]": ":1: a[1]: holds itself, by the alias *x.",
    "a: &x\n  b: {c: *x}": ":2: a.b.c: holds itself, by the alias *x.",
    "a: &": ":1: a: is not valid YAML: expected alphabetic or numeric character, but found nothing more, "
    'got "a: &".',
    # indentation and tabs
    "a:\n\tb: 1": ':2: a: a tab can\'t stand here, got "b: 1". Use spaces.',
    "a: [1,\n\t2]": ':2: a: a tab can\'t stand here, got "2]". Use spaces.',
    "a: 1\n  b: 2": ':2: a second `: ` doesn\'t fit here, got "b: 2". '
    "Check the indentation; put a text that holds `: ` in quotes.",
    "a: note: this": ':1: a second `: ` doesn\'t fit here, got "a: note: this". '
    "Check the indentation; put a text that holds `: ` in quotes.",
    "a:\n   b: 1\n  c: 2": ':3: doesn\'t fit what is above it, got "c: 2". '
    "Check the indentation and the quotes.",
    "a: 1\n- b": ':2: doesn\'t fit what is above it, got "- b". Check the indentation and the quotes.',
    "a: - 1": ':1: a: a list item doesn\'t fit here, got "a: - 1". Begin the list on a line of its own.',
    "a\nb: 1": ':2: a second `: ` doesn\'t fit here, got "b: 1". '
    "Check the indentation; put a text that holds `: ` in quotes.",
    "a: 1\nb\n": ':2: a key lacks its `: `, got "b". Write key: value.',
    # brackets and quotes
    "a: [1, 2\nb: 3": ':2: a: the list that opens in line 1 goes wrong here, got "b: 3". '
    "Check its commas and its ].",
    "a: {b: 1\nc: 2": ':2: a: the mapping that opens in line 1 goes wrong here, got "c: 2". '
    "Check its commas and its }.",
    "a: [1,, 2]": ":1: a: is not valid YAML: expected the node content, but found ',', got \"a: [1,, 2]\".",
    "a: [1, 2}": ':1: a: the list that opens in line 1 goes wrong here, got "a: [1, 2}". '
    "Check its commas and its ].",
    "]": ":1: is not valid YAML: expected the node content, but found ']', got \"]\".",
    "a: 'x\nb: 1": ":1: a: the quotes that open here are never closed, got \"a: 'x\". Close them.",
    'a: 1\nb: "x\n\n': ':2: b: the quotes that open here are never closed, got "b: \\"x". Close them.',
    'a: "x" y': ':1: doesn\'t fit what is above it, got "a: \\"x\\" y". '
    "Check the indentation and the quotes.",
    'a: "C:\\data"': ':1: a: an unknown escape in double quotes, got "a: \\"C:\\\\data\\"". '
    "Write \\\\ for a backslash, or use single quotes.",
    'a: "\\xZZ"': ":1: a: is not valid YAML: expected escape sequence of 2 hexadecimal numbers, "
    'but found \'Z\', got "a: \\"\\\\xZZ\\"".',
    "a: @home": ':1: a: a text can\'t begin like this, got "a: @home". Put it in quotes.',
    "a: %d": ':1: a: a text can\'t begin like this, got "a: %d". Put it in quotes.',
    "a: `x`": ':1: a: a text can\'t begin like this, got "a: `x`". Put it in quotes.',
    "a: |9x\n b": ":1: a: is not valid YAML: expected chomping or indentation indicators, but found 'x', "
    'got "a: |9x".',
    # characters
    "a: 1\nb: \0": ":2: holds the unprintable character U+0000. Remove it.",
    "a: \x1b[31mred": ":1: holds the unprintable character U+001B. Remove it.",
    "a: x\u2028b: 1": ":1: holds the unprintable character U+2028. Remove it.",
    "a: \x85": ":1: holds the unprintable character U+0085. Remove it.",
    "a: 1\n\ufeffb: 1": ":2: holds the unprintable character U+FEFF. Remove it.",
    "a: \ud800": ":1: holds the unprintable character U+D800. Remove it.",
    'a: "\\ud83d"': ":1: a: holds U+D83D, half a character. Write it as it is.",
    'a: "\\U00110000"': ":1: a: an escape or a version number is out of range.",
    # numbers
    "a: 1e999": ':1: a: must be a number of at most 1.8e308, got "1e999".',
    "a: [1, -1e400]": ':1: a[1]: must be a number of at most 1.8e308, got "-1e400".',
    "a: " + "9" * 101: f':1: a: must be a number of at most 100 digits, got "{"9" * 56}...',
    "? 0x" + "f" * 5000 + "\n: 1": f':1: must be a number of at most 100 digits, got "0x{"f" * 54}...',
    # directives
    "%YAML 3.0\n---\na: 1": ":1: is not valid YAML: found incompatible YAML document "
    '(version 1.* is required), got "%YAML 3.0".',
    "%YAML 1." + "9" * 5000 + "\n---\na: 1": ":1: an escape or a version number is out of range.",
    "%YAML 1.2\n": ":2: is not valid YAML: expected '<document start>', but found '<stream end>'.",
    # limits
    "a: " + "[" * 32 + "]" * 32: f":1: a{'[0]' * 31}: must be nested at most 32 deep.",
    "[" * 3000: f":1: {'[0]' * 32}: must be nested at most 32 deep.",
    "a: [" + "1," * 3_000 + "]": ":1: a[2997]: must hold at most 3,000 keys and values, "
    "aliases counted in full.",
    "#" + "x" * 200_000: ": must be at most 200,000 bytes long.",
}  # fmt: skip


@pytest.mark.parametrize(("text", "line"), BAD.items(), ids=lambda text: repr(text[:30]))
def test_bad_yaml_is_told_in_one_line(text: str, line: str) -> None:
    with pytest.raises(Faults) as caught:
        parse(text, "s.yaml")
    assert str(caught.value) == f"s.yaml{line}"


def test_all_faults_of_a_file_come_at_once() -> None:
    text = "a: 1\na: 2\nb: {c: !x 1, 3: 4}\nd: *e\nf: 1e999\n<<: {}\ng: [1"
    with pytest.raises(Faults) as caught:
        parse(text, "s.yaml")
    assert str(caught.value).splitlines() == [
        "s.yaml:2: a: is given twice, first in line 1. Keep one of them.",
        's.yaml:3: b.c: tags are not allowed, got "!x". Remove it.',
        "s.yaml:3: b.3: a key must be text, got 3. Put it in quotes; a decimal takes a point.",
        "s.yaml:4: d: has no anchor above it for the alias *e.",
        's.yaml:5: f: must be a number of at most 1.8e308, got "1e999".',
        "s.yaml:6: <<: merge keys are not allowed. Write the settings out.",
        's.yaml:7: g: the list that opens in line 7 goes wrong here, got "g: [1". '
        "Check its commas and its ].",
    ]


def test_an_alias_bomb_stops_at_once() -> None:
    rows = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)]
    with pytest.raises(Faults, match=r"s:4: a3\[2\]: must hold at most 3,000 keys and values"):
        parse("a0: &a0 [" + "x, " * 9 + "]\n" + "".join(rows), "s")


def test_a_chain_of_aliases_is_as_deep_as_what_it_stands_for() -> None:
    rows = [f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 40)]
    with pytest.raises(Faults, match=r"s:32: a31\[0\]: must be nested at most 32 deep"):
        parse("a0: &a0 [1]\n" + "".join(rows), "s")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.5e-3", -5e-4),
        ("+1", 1),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("Null", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("tRue", "tRue"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0o8", "0o8"),
        ("1e", "1e"),
        ("inf", "inf"),
        ("nan", "nan"),
        ("١", "١"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("[1, a, ]", [1, "a"]),
        ("{a: 1, b: }", {"a": 1, "b": None}),
        ("<= 0.5", "<= 0.5"),
        ("path/to/x.pth", "path/to/x.pth"),
        ("&x 1", 1),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    got = parse_value(text)
    assert got == value
    assert type(got) is type(value)


def test_the_way_to_an_error_loads_no_heavy_library() -> None:
    code = (
        "import sys, sweeper.strict_yaml; print(sys.modules.keys() & {'torch', 'ray', 'pydantic', 'optuna'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_nan_is_read_as_a_number() -> None:
    assert math.isnan(parse_value(".nan"))


def test_a_value_of_the_command_line_names_its_key() -> None:
    with pytest.raises(Faults, match=r"^--set search\.k\.a: is given twice, first in line 1\. Keep one"):
        parse_value("{a: 1, a: 2}", "search.k")
    with pytest.raises(Faults, match=r"^--set k\[1\]: tags are not allowed, got \"!x\"\. Remove it\.$"):
        parse_value("[1, !x 2]", "k")
    with pytest.raises(Faults, match=r"^--set k: a second `: ` doesn't fit here, got \"a: b: c\""):
        parse_value("a: b: c", "k")
    with pytest.raises(Faults, match=r"^--set a: has no anchor above it for the alias \*x\.$"):
        parse_value("{a: *x}")


def test_a_valid_space_is_read_with_its_types() -> None:
    value = parse(SPACE, "s.yaml").value
    assert value["sparsity"] == {"s": 0.01, "on": "all", "epochs": 12, "kd": "none"}
    assert value["finetune"]["again"] == [1, 2.5, 0.5, -1000.0]
    assert value["finetune"]["again"] is not value["finetune"]["more"]
    assert value["text"] == "two\nlines\n"
    assert list(value) == ["name", "data", "sparsity", "finetune", "search", "constraints", "text"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 2),
        (("name",), 2),
        (("finetune", "note"), 7),
        (("finetune", "again"), 9),
        (("finetune", "again", 0), 8),
        (("search", "prune.percent", 0), 11),
        (("search", "prune.percent", 2), 12),
        (("search", "prune.percent", 9), 11),
        (("search", "no.such", "deep"), 10),
        (("nothing",), 2),
    ],
)
def test_every_place_knows_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert parse(SPACE, "s.yaml").line_of(path) == line


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SPACE.replace("\n", "\r\n").encode())
    document = read(file)
    assert document.value == parse(SPACE, "x").value
    assert document.line_of(("text",)) == 16


def test_an_override_has_no_line_and_leaves_the_document_alone() -> None:
    document = parse(SPACE, "s.yaml")
    changed = document.override(("sparsity", "s"), 0.5).override(("resources", "cpus"), 2)
    assert changed.value["sparsity"]["s"] == 0.5
    assert changed.value["resources"] == {"cpus": 2}
    assert changed.line_of(("sparsity", "s")) is None
    assert changed.line_of(("resources",)) is None
    assert changed.line_of(("sparsity", "kd")) == 4
    assert document.value["sparsity"]["s"] == 0.01
    with pytest.raises(Faults, match=r'^--set name\.x: name is no section, got "finetune"\.$'):
        document.override(("name", "x"), 1)


def test_a_fault_has_the_line_of_its_place() -> None:
    document = parse(SPACE, "s.yaml").override(("sparsity", "s"), 0.5)
    assert document.fault(("search", "prune.percent", 2), "is bad", 0.9, "Mend it").text("s") == (
        "s:12: search.prune.percent[2]: is bad, got 0.9. Mend it."
    )
    assert document.fault(("sparsity", "s"), "is bad").text("s") == "--set sparsity.s: is bad."


def test_what_stands_nowhere_is_null() -> None:
    document = parse(SPACE, "s.yaml")
    assert document.at("sparsity", "on") == "all"
    assert document.at("sparsity", "on", "deeper") is document.at("nothing") is None


def test_a_file_that_is_not_there_is_named_with_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "finetune.yaml").write_text(SPACE)
    file = tmp_path / "finetun.yaml"
    with pytest.raises(Faults, match="no such file") as caught:
        read(file)
    assert str(caught.value) == f"{file}: no such file. Did you mean {tmp_path / 'finetune.yaml'}?"


def test_what_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Faults, match=r": is a folder\. Name a YAML file\.$"):
        read(tmp_path)
    with pytest.raises(Faults, match=r"a\\x00b: can't be read: embedded null byte\.$"):
        read(Path("a\0b"))
    with pytest.raises(Faults, match=r"can't be read: File name too long\.$"):
        read(tmp_path / ("x" * 1000))


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a: 1\nb: \xff", ":2: must be UTF-8 text, found byte 0xff. Save the file as UTF-8."),
        ("a: é".encode("latin-1"), ":1: must be UTF-8 text, found byte 0xe9. Save the file as UTF-8."),
        ("a: 1".encode("utf-16"), ":1: must be UTF-8 text, found byte 0xff. Save the file as UTF-8."),
        ("学".encode() * 70_000, ": must be at most 200,000 bytes long."),
        (b"#" * 200_001, ": must be at most 200,000 bytes long."),
        (b"\x80\x04\x95.", ":1: must be UTF-8 text, found byte 0x80. Save the file as UTF-8."),
        (b"PK\x03\x04", ":1: holds the unprintable character U+0003. Remove it."),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, data: bytes, line: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_bytes(data)
    with pytest.raises(Faults, match=r"U\+|must be") as caught:
        read(file)
    assert str(caught.value) == f"{file}{line}"


words = st.sampled_from(
    ["no", "y", "~", "", "1e3", "0x1", "12:30", "=", "<<", "a b", " a", "a ", "- a", "a:", "#", "'"]
)
texts = st.text(max_size=20) | words | st.text("xyz:#-[]{}'\"\n\t \\", max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**90), 10**90)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None, max_examples=120)
@given(st.dictionaries(texts, trees, min_size=1, max_size=4))
def test_what_is_written_is_read_back_by_us_and_by_yaml_1_1(value: dict[str, Any]) -> None:
    text = dump(value)
    for back in (parse(text, "x").value, yaml.safe_load(text)):
        assert back == value
        assert repr(back) == repr(value)


def test_very_long_keys_are_read_back() -> None:
    value = {"k" * 5000: {"é" * 5000: [{"x" * 2000: {"a": 1}}], "b": 1}}
    assert parse(dump(value), "x").value == yaml.safe_load(dump(value)) == value


snippets = [
    "[",
    "]",
    "{",
    "}",
    ":",
    ": ",
    "- ",
    "? ",
    "\t",
    "\n",
    "  ",
    "'",
    '"',
    "&a ",
    "*a",
    "*more",
    "!x ",
    "!!python/object:os.system ",
]
snippets += [
    "|",
    ">",
    "%",
    "@",
    "`",
    "#",
    "<<: ",
    "---\n",
    "...\n",
    "\\",
    '"\\U00110000"',
    "\0",
    "\x85",
    "\ud800",
    "学",
    "1e999",
    "%YAML 9.9\n",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The valid space after up to six random cuts, insertions, swaps of lines and repetitions."""
    text = SPACE
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        match draw(st.sampled_from(["insert", "cut", "swap", "repeat", "any"])):
            case "insert":
                text = (
                    text[:start]
                    + draw(st.sampled_from(snippets)) * draw(st.sampled_from([1, 1, 1, 40]))
                    + text[start:]
                )
            case "cut":
                text = text[:start] + text[end:]
            case "swap":
                lines = text.splitlines(keepends=True) or [""]
                line = lines.pop(draw(st.integers(0, len(lines) - 1)))
                lines.insert(draw(st.integers(0, len(lines))), line)
                text = "".join(lines)
            case "repeat":
                text = text[:end] + text[start:]
            case "any":
                text = text[:start] + draw(st.text(max_size=3)) + text[end:]
    return text


def refusal(text: str) -> Faults | None:
    try:
        parse(text, "s.yaml")
    except Faults as faults:
        return faults
    return None


@settings(deadline=None, max_examples=120)
@given(mutated())
def test_no_mutated_space_leads_to_more_than_faults(text: str) -> None:
    if faults := refusal(text):
        lines = str(faults).splitlines()
        assert len(lines) == len(faults.faults) >= 1
        assert all(line.startswith("s.yaml:") and line.isprintable() for line in lines)
    else:
        value = parse(text, "s.yaml").value
        assert parse(dump(value), "x").value == value


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60) | mutated().map(lambda text: text.encode(errors="surrogatepass")))
def test_no_bytes_lead_to_more_than_faults(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "bytes.yaml"
    file.write_bytes(data)
    with contextlib.suppress(Faults):
        assert isinstance(read(file).value, dict)
