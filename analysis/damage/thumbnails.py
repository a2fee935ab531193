"""Images that only the pruned network gets wrong, as a strip: each with what it is and what was answered."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.damage.recorded import Lost
from analysis.errors import ResultsError
from analysis.figures import COLOURS, render, style
from analysis.text import short

if TYPE_CHECKING:
    from PIL.Image import Image

SHOWN, COLUMNS = 24, 6
LARGEST = 1024
"""The longest side of a thumbnail, pixels; a larger one is refused before it is decoded."""


def draw_thumbnails(lost: Sequence[Lost]) -> dict[str, bytes]:
    """At most `SHOWN` images, `COLUMNS` a row, pixels unsmoothed; {"pdf", "png", "svg"}.

    Raises:
        ResultsError: a thumbnail is damaged or too large.
    """
    from matplotlib.figure import Figure

    images = [(entry, decode(entry)) for entry in lost[:SHOWN]]
    rows = math.ceil(len(images) / COLUMNS)
    with style():
        figure = Figure(figsize=(3.3, 0.8 * rows))
        panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
        for axes in panels:
            axes.set_axis_off()
        for axes, (entry, image) in zip(panels, images, strict=False):
            axes.imshow(image, interpolation="nearest", cmap="gray", vmin=0, vmax=255)
            axes.set_title(short(entry.label, 11), fontsize=6, pad=2)
            axes.text(
                0.5,
                -0.05,
                f"→ {short(entry.answer, 11)}",
                ha="center",
                va="top",
                fontsize=6,
                transform=axes.transAxes,
                color=COLOURS[5],
            )
        return render(figure)


def decode(entry: Lost) -> Image:
    """The image, grey or RGB.

    Raises:
        ResultsError: it is damaged or larger than `LARGEST`.
    """
    from PIL import Image, UnidentifiedImageError

    where = f"trials.jsonl: damage.only_pruned_wrong: png of row {entry.row}"
    try:
        with Image.open(io.BytesIO(entry.png), formats=["PNG"]) as image:
            if max(image.size) > LARGEST:
                raise ResultsError(f"{where}: at most {LARGEST} pixels a side, got {image.size}.")
            return image.convert("L" if image.mode in ("1", "L") else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, ResultsError):
            raise
        raise ResultsError(f"{where}: damaged, {error}.") from error
