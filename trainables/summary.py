"""Records of a run -> its metrics so far. Needs no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]

CUT = ("params", "macs", "params_unpruned", "macs_unpruned", "percent_cut")
"""What a cut, or a network from a file, says besides accuracy and loss."""


def summary(history: Sequence[Entry]) -> dict[str, Any]:
    """The metrics of a run so far.

    ``accuracy`` and ``accuracy_best_epoch`` are those of the last stage that was reached, on the validation
    images; ``accuracy_unpruned`` is that of the network before its first cut, ``accuracy_pruned`` right after
    its last one. Where there are no validation images there is none of them.
    """
    if not history:
        return {}
    last = [entry for entry in history if entry["stage"] == history[-1]["stage"]]
    metrics: dict[str, Any] = {}
    if "accuracy" in last[-1]:
        metrics |= {key: last[-1][key] for key in ("accuracy", "loss")}
        metrics["accuracy_best_epoch"] = max(entry["accuracy"] for entry in last)
    if "test_accuracy" in last[-1]:  # protocol: diary
        metrics["test_accuracy_last_epoch"] = last[-1]["test_accuracy"]
        metrics["test_accuracy_best_epoch"] = max(entry["test_accuracy"] for entry in last)
    cut = last_cut(history)
    if cut is not None:
        metrics |= {key: cut[key] for key in CUT}
        if cut["stage"] == "prune" and "accuracy" in cut:
            metrics["accuracy_pruned"] = cut["accuracy"]
        unpruned = before_cut(history)
        if unpruned is not None and "accuracy" in unpruned:
            metrics["accuracy_unpruned"] = unpruned["accuracy"]
    return metrics


def last_cut(history: Sequence[Entry]) -> Entry | None:
    """The entry that says how large the network is: of the last cut, or of the file that it came from."""
    return next((entry for entry in reversed(history) if entry["stage"] in ("prune", "init")), None)


def before_cut(history: Sequence[Entry]) -> Entry | None:
    """The last entry of the unpruned network; None where the network came pruned."""
    first = next((number for number, entry in enumerate(history) if entry["stage"] == "prune"), None)
    if first is None:
        return None
    before = history[:first]
    return before[-1] if before else None


def saved_macs(history: Sequence[Entry]) -> float:
    """The unpruned network's MACs over the pruned one's."""
    cut = last_cut(history)
    assert cut is not None
    return float(cut["macs_unpruned"] / cut["macs"])
