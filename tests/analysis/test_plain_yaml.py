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
    assert plain_yaml.dump({"s": 1e-5, "on": "1e-3"}) == "s: 1.0e-05\n'on': '1e-3'\n"


def test_keys_keep_their_order_and_equal_lists_are_written_out() -> None:
    same = [1]
    assert plain_yaml.dump({"b": same, "a": same}) == "b:\n- 1\na:\n- 1\n"


def test_a_duplicate_key_and_an_object_are_refused() -> None:
    with pytest.raises(yaml.YAMLError, match="a key stands twice"):
        plain_yaml.load("lr: 1\nlr: 2")
    with pytest.raises(yaml.YAMLError, match="python/object"):
        plain_yaml.load("a: !!python/object/apply:os.getcwd []")
