from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from analysis.figures import COLOURS, ON_COLOURS, _columns, floor, render, style


@given(st.floats(0, 100), st.floats(0, 100))
@settings(deadline=None)
def test_the_axis_begins_at_a_round_number_below_the_lowest_value(one: float, other: float) -> None:
    lowest, top = sorted((one, other))
    begin = floor(lowest, top)
    assert 0 <= begin <= lowest
    assert begin < lowest or lowest == 0 or begin == 0
    assert (2 * begin).is_integer()


def test_the_same_figure_gives_the_same_bytes() -> None:
    def draw() -> dict[str, bytes]:
        with style():
            figure = Figure()
            figure.subplots().plot([1, 2], [3, 4], label="a")
            return render(figure)

    assert draw() == draw()


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_numbers_on_bars_can_be_read() -> None:
    for colour, text in zip(COLOURS, ON_COLOURS, strict=True):
        assert contrast(colour, "#ffffff" if text == "white" else text) > 3.4


def test_a_legend_has_as_many_columns_as_fit() -> None:
    assert _columns(["without KD", "with dist", "unpruned (98.6 %)"]) == 3
    assert _columns(["Pareto front", "stopped early", "complete", "chosen", "unpruned"]) == 3
    assert _columns(["a" * 40] * 3) == 1
    assert _columns(["complete"]) == 1
