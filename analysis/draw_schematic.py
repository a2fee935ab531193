"""Draws the pipeline of `schematic`: the student's stages below, the losses above them, the teacher on top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.figures import COLOURS, FAINT, INK, PAPER, render, style
from analysis.schematic import Schematic, Stage
from analysis.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = COLOURS[0], COLOURS[5]
WIDTH, HEIGHT = 3.3, 2.15
BOX, EDGE = 0.68, 0.02
STUDENT, LOSS, TEACHER = 0.5, 1.2, 1.9
"""Heights of the three rows, inches."""
TITLES = {"sparsity": "sparsity\ntraining", "prune": "prune", "finetune": "finetune"}


def draw_schematic(shown: Schematic) -> dict[str, bytes]:
    """The drawing as {"pdf", "png", "svg"}, vector graphics in the first and the last."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    height = HEIGHT if shown.teacher else HEIGHT - 0.5
    with style():
        figure = Figure(figsize=(WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0, h_pad=0))
        axes = figure.subplots()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(0, height)
        axes.set_axis_off()
        first = EDGE + BOX / 2
        apart = (WIDTH - 2 * EDGE - BOX) / len(shown.stages)
        places = {first + (number + 1) * apart: stage for number, stage in enumerate(shown.stages)}
        _box(axes, first, STUDENT, BOX, 0.46, f"student\n{_broken(shown.student)}", BLUE)
        _box(axes, first, LOSS, BOX, 0.3, "images", FAINT)
        _arrow(axes, (first, LOSS - 0.15), (first, STUDENT + 0.23), FAINT)
        for x, stage in places.items():
            _arrow(axes, (x - apart + BOX / 2, STUDENT), (x - BOX / 2, STUDENT), INK)
            _stage(axes, x, stage)
        if shown.teacher:
            _teacher(axes, shown, places)
        return render(figure)


def _stage(axes: Axes, x: float, stage: Stage) -> None:
    """A box with its note, and above one that trains its loss with the student's logits."""
    _box(axes, x, STUDENT, BOX, 0.46, TITLES[stage.name], BLUE if stage.trains else INK)
    axes.text(x, STUDENT - 0.3, stage.note, ha="center", va="top", fontsize=6.5, color=INK)
    if stage.trains:
        losses = [kd for kd in stage.kd if kd != "none"]
        terms = losses if len(losses) < 2 and len("".join(losses)) < 8 else ["KD"]
        terms += ["L1"] if stage.name == "sparsity" else []
        _box(
            axes,
            x,
            LOSS,
            BOX,
            0.4,
            "\n+ ".join(["CE (labels)", " + ".join(terms)][: 1 + bool(terms)]),
            INK,
            corner=0.12,
        )
        _arrow(axes, (x, STUDENT + 0.23), (x, LOSS - 0.2), BLUE)
        _label(axes, x, (STUDENT + LOSS) / 2 + 0.015, "logits", BLUE)


def _teacher(axes: Axes, shown: Schematic, places: Mapping[float, Stage]) -> None:
    """The teacher over the stages that it teaches; a dashed arrow where only some trials are distilled."""
    taught = {x: stage for x, stage in places.items() if stage.trains and set(stage.kd) - {"none"}}
    left, right = min(taught) - BOX / 2, max(taught) + BOX / 2
    left = min(left, right - 1.7)
    first = EDGE + BOX / 2
    _box(
        axes,
        (left + right) / 2,
        TEACHER,
        right - left,
        0.3,
        f"teacher {short(shown.teacher, 18)}, fixed",
        ORANGE,
    )
    axes.plot([first, first], [LOSS + 0.15, TEACHER], color=FAINT, linewidth=0.9, solid_capstyle="butt")
    _arrow(axes, (first - 0.004, TEACHER), (left, TEACHER), FAINT)
    for x, stage in taught.items():
        sometimes = "none" in stage.kd
        _arrow(axes, (x, TEACHER - 0.15), (x, LOSS + 0.2), ORANGE, (0, (3, 1.6)) if sometimes else "-")
        _label(axes, x, (TEACHER + LOSS) / 2 + 0.03, "logits, or none" if sometimes else "logits", ORANGE)


def _label(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """Right of an arrow, or left of it where there would be no room."""
    right = x + 0.75 < WIDTH or len(text) < 8
    side: dict[str, Any] = {"ha": "left" if right else "right", "va": "center"}
    axes.text(x + (0.05 if right else -0.05), y, text, **side, fontsize=6.5, color=colour)


def _box(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    colour: str,
    *,
    corner: float = 0.05,
) -> None:
    from matplotlib.patches import FancyBboxPatch

    patch = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle=f"round,pad=0,rounding_size={corner}",
        facecolor=PAPER,
        edgecolor=colour,
        linewidth=1,
    )
    axes.add_patch(patch)
    axes.text(x, y, text, ha="center", va="center", fontsize=6.5, color=INK, linespacing=1.1)


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, dashes: Any = "-"
) -> None:
    look = {
        "arrowstyle": "-|>,head_width=0.14,head_length=0.3",
        "color": colour,
        "linewidth": 0.9,
        "linestyle": dashes,
    }
    axes.annotate(
        "", xy=end, xytext=start, arrowprops=look | {"shrinkA": 0, "shrinkB": 0.5, "mutation_scale": 10}
    )


def _broken(name: str) -> str:
    """A name on at most two lines, broken at an underscore or after 12 letters."""
    if len(name) <= 12:
        return name
    place = name.rfind("_", 1, 13)
    return f"{name[: place if place > 0 else 12]}\n{short(name[place if place > 0 else 12 :], 13)}"
