"""The live table: what is running, and below it the best so far, the trials and the epochs."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sweeper.progress_view import STATES, Best, Row, View, clock, cost, duration

WIDE = 100
"""Columns of a terminal from which there is room for more than the necessary."""
COLOURS = {"complete": "green", "stopped": "yellow", "infeasible": "magenta", "failed": "red"}
_OTHER_LINES = 8
"""Of the table, beside those of running trials."""


class Board:
    """Draws a view as wide as the terminal, and no higher."""

    def __init__(self, view: View) -> None:
        """Take what is drawn."""
        self.view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Header, running trials, footer."""
        wide = options.max_width >= WIDE
        room = max(1, (options.height or console.height) - _OTHER_LINES)
        rows = self.view.rows
        line = Rule(style="bright_black")
        parts: list[Any] = [_header(self.view), line]
        if rows:
            parts += [_table(rows[:room], wide, self.view.word), line]
        yield Group(*parts, _footer(self.view, wide, len(rows) - room))


def _header(view: View) -> Table:
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    left = "–" if view.left is None else f"~{duration(view.left)}"
    right = Text.assemble((clock(view.elapsed), "bold"), (" elapsed", "dim"))
    if view.share < 1:
        right.append_text(Text.assemble("   ", (left, "bold"), (" left", "dim")))
    right.append_text(
        Text.assemble("   ", (f"{view.workers}", "bold"), (f" worker{'s'[: view.workers > 1]}", "dim"))
    )
    grid.add_row(Text(view.name, style="bold cyan"), right)
    return grid


def _table(rows: Sequence[Row], wide: bool, word: str) -> Table:
    table = Table(box=None, expand=True, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(word.split()[-1], justify="right", no_wrap=True)
    table.add_column("settings", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("stage", no_wrap=True, min_width=32 if wide else 24)
    table.add_column("accuracy", justify="right", no_wrap=True)
    for column in ("trained", "reused") if wide else ("epochs",):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        accuracy = Text("–", style="dim") if row.accuracy is None else Text(f"{row.accuracy:.3f}")
        epochs = (f"{row.trained}", f"{row.reused}") if wide else (f"{row.trained}+{row.reused}",)
        table.add_row(
            Text(f"{row.number}", style="bold"), Text(row.params), _stage(row, wide), accuracy, *epochs
        )
    return table


def _stage(row: Row, wide: bool) -> Text:
    if row.waiting:
        words = f"waits for {row.stage} epoch {row.epoch}"
        return Text(words, style="dim italic")
    if not row.epochs:
        return Text(
            "starting" if row.stage == "start" else row.stage, style="dim" if row.stage == "start" else ""
        )
    width = 16 if wide else 8
    epochs = f"{row.epoch}/{row.epochs}"
    return Text.assemble(f"{row.stage:<9}", _bar(row.epoch / row.epochs, width), f"{epochs:>7}")


def _bar(share: float, width: int, colour: str = "cyan") -> Text:
    full = int(share * width)
    return Text.assemble(("━" * full, colour), ("─" * (width - full), "bright_black"))


def _footer(view: View, wide: bool, hidden: int) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    if hidden > 0:
        grid.add_row("", Text(f"and {hidden} more running", style="dim"))
    if view.judged:
        grid.add_row("best", _best_line(view.best))
    done = Text.assemble(_bar(view.share, 32 if wide else 16, "green"), f" {view.standing}")
    for state in STATES:
        if view.states[state]:
            colour = COLOURS[state]
            done.append_text(Text.assemble("   ", (f"{view.states[state]}", colour), (f" {state}", "dim")))
    grid.add_row(f"{view.word}s", done)
    shared = view.reused / total if (total := view.trained + view.reused) else 0.0
    epochs = Text.assemble(
        (f"{view.trained}", "bold"), (" trained   ", "dim"),
        (f"{view.reused}", "bold"), (f" reused ({100 * shared:.0f} %)", "dim"),
    )  # fmt: skip
    if view.teacher:
        epochs.append_text(Text.assemble("   ", (f"{view.teacher}", "bold"), (" teacher", "dim")))
    grid.add_row("epochs", epochs)
    return grid


def _best_line(best: Best | None) -> Text:
    if best is None:
        return Text("–", style="dim")
    macs, params = cost(best.metrics)
    value = best.metrics[best.metric]
    lead = Text.assemble(("trial ", "dim"), (f"{best.number}", "bold"))
    if best.metric not in ("macs", "params"):
        lead.append_text(Text.assemble((f"   {best.metric} ", "dim"), (f"{value:.3f}", "bold green")))
    if best.metric != "accuracy" and "accuracy" in best.metrics:
        lead.append_text(Text.assemble(("   accuracy ", "dim"), (f"{best.metrics['accuracy']:.3f}", "bold")))
    return Text.assemble(
        lead,
        ("   macs ", "dim"),
        (macs, "bold"),
        ("   params ", "dim"),
        (params, "bold"),
        (f"   {best.params}", "dim"),
    )
