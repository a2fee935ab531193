"""The one style of all figures, and their rendering; each kind has its own file (`bars`, `scatter`).

Vector PDF, PNG at 200 dpi, and SVG for the page; 3.3 inches (a column) wide, 8 pt, the colours of Okabe and
Ito (2008), which people with any colour vision tell apart. The same numbers give the same bytes: no file
holds a date.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
FAINT = "#8a8a8a"
PAPER = "#fefefe"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
ON_COLOURS = ("white", "#181818", "white", "#181818", "#181818", "white")
"""The colour of text on each of `COLOURS`. It differs from `INK`, which a dark page turns light."""
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "legend.columnspacing": 1.4,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "figure.figsize": (3.3, 2.5),
    "figure.constrained_layout.use": True,
    "figure.dpi": 200,  # text is hinted to pixels: laid out at the resolution that it is saved at
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "analysis",
    "text.parse_math": False,
}
_UNDATED: dict[str, dict[str, Any]] = {
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}


def style() -> AbstractContextManager[None]:
    """Matplotlib's defaults with `STYLE`, whatever the user's own matplotlibrc says, for a `with` block."""
    import matplotlib

    return matplotlib.rc_context(dict(matplotlib.rcParamsDefault) | STYLE | {"backend": "agg"})


def floor(lowest: float, top: float) -> float:
    """Where an axis of accuracies (in %) begins: a round number clearly below `lowest`, at least 0 %."""
    span = max(top - lowest, 4.0)
    step = next(step for step in (0.5, 1.0, 2.0, 5.0, 10.0) if span <= 8 * step or step == 10)
    return max(0.0, step * math.floor((lowest - 0.25 * span) / step))


def accuracy_axis(axes: Axes, low: float, top: float, what: str = "validation accuracy") -> None:
    """Let the y axis go from `low` to a little above `top`, both in %, with round ticks up to 100."""
    from matplotlib.ticker import MaxNLocator

    high = top + 0.06 * (top - low)
    axes.set_ylim(low, high)
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high)
    axes.set_yticks([tick for tick in ticks if low <= tick <= min(100, high)])
    axes.set_ylabel(f"{what} (%)")


def legend_above(figure: Figure, axes: Axes) -> None:
    """In as few rows as fit above the axes, where no point can be; the unpruned network comes last."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        rows = sorted(zip(labels, handles, strict=True), key=lambda row: row[0].startswith("unpruned"))
        labels, handles = [label for label, _ in rows], [handle for _, handle in rows]
        figure.legend(handles, labels, loc="outside upper center", ncols=_columns(labels))


def _columns(labels: Sequence[str]) -> int:
    """The most columns in which `labels`, filled in from the left, are at most as wide as the figure."""
    for count in range(len(labels), 1, -1):
        size, more = divmod(len(labels), count)  # as matplotlib does: the first ones hold one more
        ends = [size * column + min(column, more) for column in range(count + 1)]
        widths = [max(map(len, labels[first:end])) for first, end in pairwise(ends)]
        if sum(widths) + 5 * count <= 53:  # letters of 7.5 pt in 3.3 inches; a handle is 5 wide
            return count
    return 1


def render(figure: Figure) -> dict[str, bytes]:
    """The figure as {"pdf", "png", "svg"}; the SVG is transparent."""
    files = {}
    with warnings.catch_warnings():  # a name in a script that the font lacks shows boxes, no more
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, for all kinds
        for kind, metadata in _UNDATED.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=kind, metadata=metadata, transparent=kind == "svg")
            files[kind] = buffer.getvalue()
    return files
