"""What the report has beyond the answer: comparisons of a grid, damage, early stopping, structure, pipeline."""

from __future__ import annotations

from analysis.audit.parts import audit_section
from analysis.damage.parts import damage_section
from analysis.draw_schematic import draw_schematic
from analysis.grids.cells import grid
from analysis.grids.parts import grid_sections
from analysis.pages import Picture, Section
from analysis.records import Run
from analysis.schematic import schematic
from analysis.select import Choice
from analysis.structure import draw_structure, structure

TABLES = (
    "confirmation",
    "confirmation-comparisons",
    "front",
    "main",
    "limit",
    "combinations",
    "distillation-finetune",
    "distillation-sparsity",
    "finetune-epochs",
    "scratch",
    "methods",
    "damage-sets",
    "damage-classes",
    "early-stopping",
    "knobs",
)
FIGURES = (
    "confirmation",
    "accuracy-own",
    "accuracy-kd-off-off",
    "accuracy-kd-off-on",
    "accuracy-kd-on-off",
    "accuracy-kd-on-on",
    "finetune-epochs",
    "damage-sets",
    "damage-classes",
    "damage-images",
    "knobs",
    "structure",
    "pipeline",
)
"""Every file that a section may have: those that one has no longer are taken away."""


def comparisons(run: Run, choice: Choice | None) -> tuple[Section, ...]:
    """The tables and figures of a grid, who pays for the pruning, what early stopping cost: as `run` has records.

    Raises:
        ResultsError: an image in the records is damaged.
    """
    found, more = grid(run), (damage_section(run, choice), audit_section(run))
    return (*(grid_sections(found) if found else ()), *(section for section in more if section))


def drawings(run: Run, choice: Choice | None) -> tuple[Section, ...]:
    """The structure of a network and the pipeline; empty before any trial is complete."""
    if choice is None:
        return ()
    pictures = []
    if shown := structure(run, choice):
        kept = ", ".join(
            f"{after} of {before}" for before, after in zip(shown.before, shown.after, strict=True)
        )
        pictures.append(
            Picture(
                name="structure",
                title="Channels of every layer",
                alt=f"Bar chart of the channels that stay: {kept}",
                caption=f"Channels of every prunable layer before and after the cut, in trial {shown.trial}: "
                f"{sum(shown.after):,} of {sum(shown.before):,} stay.",
                files=draw_structure(shown),
            )
        )
    if drawn := schematic(run):
        distilled = (
            " Orange: the teacher's logits, in the loss beside the student's (blue); dashed where only some trials are "
            "distilled."
            if drawn.teacher
            else ""
        )
        penalty = (
            " L1: the penalty on BatchNorm scales." if any(s.name == "sparsity" for s in drawn.stages) else ""
        )
        pictures.append(
            Picture(
                name="pipeline",
                title="Pipeline",
                alt=drawn.spoken(),
                caption=f"{drawn.spoken()}. CE: cross-entropy.{penalty}{distilled}",
                files=draw_schematic(drawn),
            )
        )
    return (Section(title="Structure and pipeline", pictures=tuple(pictures)),) if pictures else ()
