import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import plain_yaml

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abno.1e-", max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abyno.1e-", min_size=1, max_size=5), PLAIN, max_size=4))
@settings(deadline=None, max_examples=60)
def test_what_is_written_is_read_back_by_us_and_by_yaml_1_1(value: dict[str, object]) -> None:
    text = plain_yaml.dump(value)
    assert plain_yaml.load(text) == value
    assert yaml.safe_load(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1.0e-05", 1e-5),
        (".5", 0.5),
        ("on", "on"),
        ("no", "no"),
        ("010", 10),
        ("0x10", 16),
        ("0o10", 8),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2026-11-24", "2026-11-24"),
        ("~", None),
        ("", None),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    read = plain_yaml.load(f"key: {text}")
    assert read == {"key": value}
    assert type(read["key"]) is type(value)  # type: ignore[index]


def test_a_small_float_is_written_so_that_yaml_1_1_and_1_2_read_a_number() -> None:
    assert plain_yaml.dump({"s": 1e-5, "on": "1e-3"}) == 's: 1.0e-05\n"on": "1e-3"\n'


TRICKY = (
    *(
        "1e-4",
        "no",
        "on",
        "y",
        "0x1f",
        "0o17",
        "010",
        "null",
        "~",
        "1_000",
        "1:30",
        "2026-11-24",
        "true",
        ".inf",
    ),
    *(
        ".nan",
        "",
        " a",
        "a ",
        "a: b",
        "a #b",
        "- a",
        "<<",
        "=",
        "*a",
        "&a",
        "!a",
        "%a",
        "'",
        "é",
        "网络",
        "\x1b",
        "\n",
    ),
    *("\u2028", "\ufeff", "k" * 3000, "a b", "resnet8x4", "space/finetune.yaml", "<= 0.5"),
)


@pytest.mark.parametrize("text", TRICKY)
def test_a_text_stays_a_text_as_key_and_value_and_in_a_list(text: str) -> None:
    value = {text: text, "list": [text, 1], "deep": [{text: [[text]]}]}
    written = plain_yaml.dump(value)
    assert plain_yaml.load(written) == yaml.safe_load(written) == value


@pytest.mark.parametrize(
    "number", [1e-5, 1e22, 0.1 + 0.2, 1.0, -0.0, 5e-324, 1.7976931348623157e308, float("-inf")]
)
def test_a_float_stays_the_same_float(number: float) -> None:
    written = plain_yaml.dump({"x": number, "y": [number]})
    for read in (plain_yaml.load(written), yaml.safe_load(written)):
        assert repr(read) == repr({"x": number, "y": [number]})


def test_what_yaml_cannot_hold_is_refused() -> None:
    with pytest.raises(TypeError, match=r"YAML can't hold a set, got \{1\}"):
        plain_yaml.dump({"a": {1}})
    with pytest.raises(TypeError, match="a key must be text, got 1"):
        plain_yaml.dump({"a": {1: 2}})


def test_keys_keep_their_order_and_equal_lists_are_written_out() -> None:
    same = [1]
    assert plain_yaml.dump({"b": same, "a": same}) == "b: [1]\na: [1]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr: 1\nlr: 2", "a key stands twice"),
        ("1: a", "a key is text, got 1"),
        ("a: &x [1]\nb: *x", "aliases are not allowed"),
        ("a: &x [*x]", "aliases are not allowed"),
        ("a: !!python/object/apply:os.getcwd []", "python/object"),
        ("a: !!timestamp 2026-11-24", "timestamp"),
        ("a: !!binary aGk=", "binary"),
        ("a: !!set {b}", "set"),
    ],
)
def test_what_is_no_plain_value_is_refused(text: str, message: str) -> None:
    with pytest.raises(yaml.YAMLError, match=message):
        plain_yaml.load(text)
