"""The section of the report on who pays for the pruning."""

from __future__ import annotations

from analysis.damage.classes import ClassDamage, class_damage
from analysis.damage.draw import draw_classes, draw_sets
from analysis.damage.recorded import CLEAN, Lost
from analysis.damage.sets import SetLine, set_lines
from analysis.damage.subject import Subject, subject
from analysis.damage.tables import classes_table, sets_table
from analysis.damage.thumbnails import SHOWN, draw_thumbnails
from analysis.grids.labels import kd_words
from analysis.pages import Picture, Section
from analysis.records import Run
from analysis.select import Choice
from analysis.text import percent, plain, signed

SETS, CLASSES, IMAGES = "damage-sets", "damage-classes", "damage-images"


def damage_section(run: Run, choice: Choice | None) -> Section | None:
    """Test sets, classes and images that pay; None where no pruned network was measured on test sets by class."""
    shown = subject(run, choice)
    if shown is None or not shown.sets:
        return None
    sets, classes = set_lines(shown), class_damage(shown)
    what = recipe_words(shown)
    lost = next((one.lost for one in shown.pruned if one.lost), ())
    pictures = [_sets(sets, what)] if len(sets) > 1 else []
    if classes and (clean := [line for line in classes.lines if line.set == shown.sets[0]]):
        pictures.append(
            Picture(
                name=CLASSES,
                title="Change of every class",
                alt="Dot plot of the change of every class: "
                + ", ".join(
                    f"{line.name} {signed(line.change)}"
                    for line in sorted(clean, key=lambda x: x.change)[:12]
                ),
                caption=f"Final minus unpruned accuracy of every class of the set {plain(shown.sets[0])}, {what}. "
                "Grey: what 95 % of differences stay within by chance, one class at a time.",
                files=draw_classes(clean),
            )
        )
    if lost:
        pictures.append(_lost(lost, what))
    seeds = len(shown.pruned)
    tables = [(SETS, sets_table(run.name, sets, what=what, seeds=seeds))]
    if classes:
        tables.append((CLASSES, classes_table(run.name, classes, what=what, seeds=seeds)))
    return Section(
        title="Who pays for the pruning",
        words=(_sentence(sets, what), *((_class_sentence(classes),) if classes else ())),
        pictures=tuple(pictures),
        tables=tuple(tables),
    )


def recipe_words(shown: Subject) -> str:
    """The cut and the distillation: "50 % pruned, KD none → dist"."""
    return f"{shown.cell.cut.label} % pruned, KD {kd_words(shown.cell.settings)}"


def _sets(lines: tuple[SetLine, ...], what: str) -> Picture:
    return Picture(
        name=SETS,
        title="Accuracy on every test set",
        alt="Dot plot of accuracy before and after pruning: "
        + ", ".join(
            f"{line.name} {percent(line.unpruned)} to {percent(line.final)} %" for line in lines[:12]
        ),
        caption=f"Accuracy on every test set before the cut, right after it, and at the end, {what}. A star: the loss "
        "is found at a false discovery rate of 5 %. Many severities of one corruption are shown as their mean.",
        files=draw_sets(lines),
    )


def _lost(lost: tuple[Lost, ...], what: str) -> Picture:
    part = f"The first {SHOWN} of {len(lost)}" if len(lost) > SHOWN else f"{len(lost)}"
    return Picture(
        name=IMAGES,
        title="Images that only the pruned network gets wrong",
        alt="Images: " + ", ".join(f"{one.label} taken for {one.answer}" for one in lost[:SHOWN]),
        caption=f"{part} images of the clean test set that the unpruned network gets right and the final one wrong, "
        f"{what}: the class, and below the answer.",
        files=draw_thumbnails(lost),
    )


def _sentence(lines: tuple[SetLine, ...], what: str) -> str:
    paying = [line for line in lines if line.pays]
    if not paying:
        where = f"any of {len(lines)} test sets" if len(lines) > 1 else "the test set"
        return f"{what}: no loss is sure on {where} (false discovery rate 5 %)."
    worst = sorted(paying, key=lambda line: line.change.value)[:5]
    named = ", ".join(f"{line.name} ({signed(line.change.value)})" for line in worst)
    clean = next((line.change.value for line in lines if line.name == CLEAN), None)
    beside = "" if clean is None else f"; the clean set changes by {signed(clean)}"
    return f"{what}: {len(paying)} of {len(lines)} test sets surely lose (points): {named}{beside}."


def _class_sentence(found: ClassDamage) -> str:
    losses = [line for line in found.found if line.change < 0]
    if not losses:
        return f"Of {len(found.lines)} classes on sets, none surely loses (false discovery rate 5 %)."
    named = ", ".join(f"class {line.name} on {line.set} ({signed(line.change)})" for line in losses[:5])
    more = ", …" if len(losses) > 5 else ""
    return f"Of {len(found.lines)} classes on sets, {len(losses)} surely lose (points): {named}{more}."
