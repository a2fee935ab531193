"""Plain lines, for pipes and files: one an ended trial, and how far all is."""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.text import counted, plain, show
from sweeper.progress_view import Row, View, clock, cost, duration, role


def ended_line(event: Mapping[str, Any], budget: int | None, *, word: str = "trial") -> str:
    """An ended trial, aligned with the lines before it."""
    metrics, width = event["metrics"], 2 if budget is None else len(str(max(budget - 1, 0)))
    parts = [f"{word} {event['trial']:>{width}}", f"{event['state']:<10}"]
    if "accuracy" in metrics:
        parts.append(f"accuracy {metrics['accuracy']:.3f}")
    if "role" in event:
        parts.append(role(event))
        if "test_accuracy" in metrics:
            parts.append(f"test accuracy {metrics['test_accuracy']:.3f}")
    if "macs" in metrics:
        macs, params = cost(metrics)
        parts += [f"macs {macs:>5}", f"params {params:>6}"]
    parts.append(" ".join(f"{key}={show(value)}" for key, value in event["params"].items()))
    parts.append(f"{event['epochs_trained']} trained + {event['epochs_reused']} reused epochs")
    parts.append(f"{event['seconds']:.1f} s")
    if layers := _last_channels(event["curve"]):
        parts.append(
            "1 layer keeps its last channel" if layers == 1 else f"{layers} layers keep their last channel"
        )
    if event["reason"]:
        parts.append(plain(event["reason"]))
    return "  ".join(parts)


def _last_channels(curve: Sequence[Mapping[str, Any]]) -> int:
    """Layers that the last cut would have emptied."""
    cuts = [entry for entry in curve if entry.get("rescued")]
    return sum(cuts[-1]["channels"][layer] == 1 for layer in cuts[-1]["rescued"]) if cuts else 0


def heartbeat(view: View) -> str:
    """How far all is, in a line."""
    running = [_where(row, view.word) for row in view.rows[:4]] + (["..."] if len(view.rows) > 4 else [])
    ended = f"{counted(view.ended, view.budget)} {view.word}s"
    parts = [clock(view.elapsed), ", ".join([ended, *(use.words for use in view.uses)]), ", ".join(running)]
    if view.best is not None:
        parts.append(
            f"best {view.best.metric} {view.best.metrics[view.best.metric]:.4g} (trial {view.best.number})"
        )
    if view.left is not None and view.share < 1:
        parts.append(f"~{duration(view.left)} left")
    return "  ".join(part for part in parts if part)


def _where(row: Row, word: str) -> str:
    waits = "waits for " if row.waiting else ""
    epochs = f" {row.epoch}/{row.epochs}" if row.epochs else ""
    return f"{word} {row.number} {waits}{row.stage}{epochs}"
