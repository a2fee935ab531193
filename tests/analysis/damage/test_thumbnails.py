import base64
from collections.abc import Callable

import pytest

from analysis.damage.recorded import PNG, Lost
from analysis.damage.thumbnails import LARGEST, SHOWN, decode, draw_thumbnails
from analysis.errors import ResultsError


def lost(png: bytes, label: str = "cat") -> Lost:
    return Lost(row=5, label=label, answer="dog", png=png)


def test_grey_and_coloured_images_are_drawn_as_a_strip(png_of: Callable[..., str]) -> None:
    grey, colour = (base64.b64decode(png_of(mode=mode)) for mode in ("L", "RGBA"))
    assert (decode(lost(grey)).mode, decode(lost(colour)).mode) == ("L", "RGB")
    drawn = draw_thumbnails([lost(grey), lost(colour, "$\\x\x1b[31m")] * SHOWN)
    assert drawn["png"].startswith(PNG)
    assert drawn["svg"].count(b"data:image/png;base64") == SHOWN


def test_a_damaged_or_huge_image_is_one_line(png_of: Callable[..., str]) -> None:
    with pytest.raises(ResultsError, match=r"only_pruned_wrong: png of row 5: damaged, "):
        decode(lost(PNG + b"junk"))
    huge = base64.b64decode(png_of(size=(LARGEST + 1, 1)))
    with pytest.raises(ResultsError, match=r"png of row 5: at most 1024 pixels a side, got \(1025, 1\)"):
        decode(lost(huge))
