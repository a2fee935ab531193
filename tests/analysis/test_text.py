import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.text import (
    cell,
    column,
    decimals,
    human,
    latex,
    markdown,
    percent,
    plain,
    short,
    show,
    signed,
    unbroken,
)


@pytest.mark.parametrize(
    ("hostile", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07name", "name"),
        ("a\nb\tc\x00", "a b c"),
        ("abc\u202edef", "abc def"),
        ("\x9b2Jx", "2Jx"),
        ("网络 é", "网络 é"),
    ],
)
def test_control_sequences_are_removed(hostile: str, safe: str) -> None:
    assert plain(hostile) == safe


@given(st.text())
@settings(deadline=None)
def test_plain_text_is_one_printable_line(text: str) -> None:
    assert all(char >= " " and not "\x7f" <= char <= "\x9f" for char in plain(text))


def test_latex_finds_nothing_to_execute() -> None:
    assert latex(r"\input{a}_$5%&#~^") == (
        r"\textbackslash{}input\{a\}\_\$5\%\&\#\textasciitilde{}\textasciicircum{}"
    )
    assert latex("−1 ± 2–3 Δ") == r"$-$1 $\pm$ 2--3 $\Delta$"


def test_markdown_finds_nothing_to_interpret() -> None:
    assert markdown("a|b<c>*[d](e)`_") == r"a\|b\<c\>\*\[d\](e)\`\_"


def test_values_are_shown_as_typed() -> None:
    assert [show(value) for value in (None, 0.01, 1.0, 1e-5, 0.1 + 0.2, "dist", True, 3)] == [
        "none",
        "0.01",
        "1",
        "1e-5",
        "0.3",
        "dist",
        "True",
        "3",
    ]


def test_accuracies_have_the_decimals_that_the_images_allow() -> None:
    assert [decimals(images) for images in (None, 287, 1_999, 2_000, 10_000)] == [1, 1, 1, 2, 2]
    assert [percent(0.98606), percent(0.98606, 2), percent(None)] == ["98.6", "98.61", "–"]
    assert [signed(-0.0139), signed(0.0139), signed(0.0), signed(-0.0001)] == ["−1.4", "+1.4", "0.0", "0.0"]


def test_counts_have_three_digits() -> None:
    assert [human(n) for n in (None, 7, 999, 1_234_640, 177_070_000, 1.083e9, 999_600, 45_200, 9_996)] == [
        "–",
        "7",
        "999",
        "1.23 M",
        "177 M",
        "1.08 G",
        "1.00 M",
        "45.2 k",
        "10.0 k",
    ]


def test_a_column_has_one_unit_and_equal_decimals() -> None:
    assert column([177_070_000, 53_000_000, None]) == ("M", ["177.07", "53.00", "–"])
    assert column([1.083e9, 0.177e9]) == ("G", ["1.08", "0.18"])
    assert column([1_209_514, 30_400], units="M") == ("M", ["1.210", "0.030"])
    assert column([5e9], units="M") == ("M", ["5000.00"])
    assert column([]) == ("M", [])


def test_numbers_stay_with_their_units() -> None:
    assert unbroken("95 % of 1.21 M MACs") == "95\u00a0% of 1.21\u00a0M MACs"


def test_a_spreadsheet_finds_no_formula_in_a_text_and_every_digit_in_a_number() -> None:
    assert [cell(value) for value in ("=1+1", "+1", "-x", "@a", "\t=1", "\x1b[0m=1", "dist")] == [
        *("'=1+1", "'+1", "'-x", "'@a", "'=1", "'=1", "dist")
    ]
    assert [cell(value) for value in (-0.5, 1 / 3, None)] == [-0.5, 1 / 3, None]


def test_settings_have_four_digits_and_whole_numbers_all() -> None:
    assert [show(value) for value in (0.00310723250, 64.0, 123456.0, 0.7, 1e22, -2.5)] == [
        *("0.003107", "64", "123456", "0.7", "1e+22", "-2.5")
    ]


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert (short("dist", 4), short("a" * 9, 5), short("\x1b[1mabc  defg", 6)) == ("dist", "aaaa…", "abc…")
