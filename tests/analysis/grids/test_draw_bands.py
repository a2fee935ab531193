from analysis.grids.bands import Band
from analysis.grids.cells import MACS, Cut
from analysis.grids.draw_bands import PANELS, draw_bands, shown_cuts


def band(cut: Cut, level: str, n: int = 3, **context: str) -> Band:
    mean = (0.6, 0.8, 0.9)
    return Band(
        cut=cut,
        level=level,
        context=context,
        epochs=(1, 2, 3),
        mean=mean,
        low=tuple(value - 0.01 for value in mean),
        high=tuple(value + 0.01 for value in mean),
        n=n,
        plateaus=(3,),
    )


def test_each_cut_has_a_panel_and_many_are_thinned() -> None:
    few = [band(Cut(depth=depth), "none") for depth in (0.5, 0.3)]
    assert shown_cuts(few) == ["30", "50"]
    many = [band(Cut(depth=n / 20), "none") for n in range(1, 19)]
    assert len(shown_cuts(many)) == PANELS
    assert (shown_cuts(many)[0], shown_cuts(many)[-1]) == ("5", "90")


def test_any_number_of_panels_and_lines_is_drawn_without_a_warning() -> None:
    one = [band(Cut(depth=0.4, key=MACS), "none", n=1)]
    several = [
        band(Cut(depth=depth), level, **{"sparsity.kd": kd})
        for depth in (0.3, 0.5, 0.7)
        for level in ("none", "dist", "kd")
        for kd in ("none", "dist")
    ]
    for bands in (one, several):
        assert draw_bands(bands)["png"].startswith(b"\x89PNG")
