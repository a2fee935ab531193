"""The section of the report on early stopping."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.audit.links import Link, compared, links
from analysis.audit.regret import regret
from analysis.audit.words import sentences, spread
from analysis.pages import Section
from analysis.records import Run
from analysis.select import images_of
from analysis.tables import Table, label_of
from analysis.text import percent

TABLE = "early-stopping"


def audit_section(run: Run) -> Section | None:
    """What is known of the stops, and how well each rung foretold the end; None where no rung would stop anyone."""
    cost = regret(run)
    if not cost.stops:
        return None
    found = links(run)
    told = [link for link in found if link.tau is not None]
    return Section(
        title="Early stopping",
        words=sentences(run, cost, found, images_of(run)),
        tables=((TABLE, links_table(run, told)),) if told else (),
    )


def links_table(run: Run, found: Sequence[Link]) -> Table:
    """Rung → share of a trial → networks → audited → pairs in the right order → tau and its interval."""
    return Table(
        caption=f"Rank correlation between the {compared(run)} at each rung and the last one, among like networks of "
        f"the sweep {run.name}; Kendall's tau with its 95 % interval, the audited weighted by the stops that they "
        "stand for.",
        label=label_of(run.name, TABLE),
        header=("Rung", "At share", "Networks", "Audited", "Pairs", "In order [%]", "Tau (95 %)"),
        rows=tuple(
            (
                link.rung,
                f"{link.share:.2f}",
                str(link.networks),
                str(link.audited),
                str(link.tau.pairs),
                percent((1 + link.tau.value) / 2, 0),
                spread(link.tau),
            )
            for link in found
            if link.tau is not None
        ),
        align="lrrrrrr",
    )
