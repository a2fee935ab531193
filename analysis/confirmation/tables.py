"""The tables of a confirmation: every candidate over its seeds, and every comparison with the winner."""

from __future__ import annotations

from analysis.confirmation.candidates import Candidate
from analysis.confirmation.results import Confirmation
from analysis.confirmation.words import DATA, digits_of, holm_words, p_words, spread, verdict
from analysis.grids.words import reach
from analysis.tables import Row, Table, label_of
from analysis.text import column, percent, plain, signed


def candidates_table(run: str, found: Confirmation) -> Table:
    """One row a candidate; the finalists as they are confirmed, then the winner's baseline and twin.

    Args:
        run: the name of the run.
        found: what was confirmed.
    """
    digits, rows = digits_of(found), found.candidates
    mega, params = column([one.mean("params") for one in rows], units="M")
    unit, macs = column([one.mean("macs") for one in rows])
    validated = found.data == "train"
    images = f", on {found.images:,} images" if found.images else ""
    order = "in the order of their validation accuracy" if validated else "in the order of the search"
    told = {"baseline": " Uncut: its recipe without the cut.", "twin": " Without KD: in its last stage."}
    others = "".join(told[one.role] for one in found.others)
    return Table(
        caption=(
            f"The finalists of the sweep {plain(run)} on n fresh seeds, {order}. Mean ± sd of the test accuracy"
            f"{images}; networks were trained on {DATA[found.data]}. Search: the value that the trial was chosen "
            f"for, a single run.{others} MACs are multiply-accumulates of one image; they and params are means."
        ),
        label=label_of(run, "confirmation"),
        header=(
            "Candidate",
            "n",
            "Test (%)",
            *(("Validation (%)",) if validated else ()),
            "Search (%)",
            f"Params ({mega})",
            f"MACs ({unit})",
        ),
        rows=tuple(
            (
                _name(one, found),
                str(len(one.test)),
                spread(one.test, digits),
                *((spread(one.validation, digits),) if validated else ()),
                percent(one.searched, digits),
                params[place],
                macs[place],
            )
            for place, one in enumerate(rows)
        ),
        align="l" + "r" * (5 + validated),
        gaps=(len(found.finalists),) if found.others else (),
    )


def comparisons_table(run: str, found: Confirmation) -> Table | None:
    """Every other candidate minus the winner, by test accuracy; None where the winner is alone."""
    digits = digits_of(found)
    if not found.comparisons:
        return None
    many = len(found.comparisons)
    return Table(
        caption=(
            f"Test accuracy of the candidates of the sweep {plain(run)} minus that of {found.winner.name}, the "
            "winner of the search, in points: the mean over the seeds that both have, and its paired 95 % t "
            f"interval. {holm_words(many)}"
        ),
        label=label_of(run, "confirmation-comparisons"),
        header=("Candidate", "Seeds", "Δ", "95 % interval", "Visible", "p", "Verdict"),
        rows=tuple(_row(found, place, digits) for place in range(many)),
        align="lrrrrrl",
    )


def _row(found: Confirmation, place: int, digits: int) -> Row:
    one = found.comparisons[place]
    change = one.change
    return (
        one.candidate.name,
        str(change.count if change else 0),
        signed(change.value, digits) if change else "–",
        reach(change, digits),
        percent(change.visible if change else None, digits),
        p_words(one.p),
        verdict(one, digits),
    )


def _name(one: Candidate, found: Confirmation) -> str:
    """The candidate, and what it is beside."""
    roles = ["winner of the search"] if one is found.winner else []
    roles += ["recommended"] if one is found.chosen and found.decides else []
    return one.name + (f" ({', '.join(roles)})" if roles else "")
