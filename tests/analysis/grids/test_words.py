from analysis.grids.words import bases, over, reach, spread, starred
from analysis.significance import Difference

BELOW = Difference(value=-0.02, low=-0.03, high=-0.01, basis="seeds", count=3)
OPEN = Difference(value=0.004, low=-0.006, high=0.014, basis="images", count=1000)


def test_spreads_and_differences_are_in_percent_and_points() -> None:
    assert spread([0.97, 0.98], 1) == "97.5 ± 0.7"
    assert spread([0.97125], 2) == "97.12"
    assert (starred(BELOW), starred(OPEN), starred(None)) == ("−2.0*", "+0.4", "–")
    assert (reach(OPEN), reach(None), reach(Difference(value=0.1))) == ("−0.6 to +1.4", "–", "–")


def test_captions_say_what_numbers_rest_on() -> None:
    assert over([1, 1]) == "single runs"
    assert over([3, 3]) == "mean ± sd of 3 networks"
    assert over([1, 5]) == "mean ± sd of up to 5 networks (n)"
    assert bases([BELOW, OPEN, None, BELOW]) == "paired t, 3 seeds; Wilson, 1,000 images"
