"""Records of a run -> its metrics so far. Needs no torch."""

from collections.abc import Mapping, Sequence
from typing import Any

CUT = ("params", "macs", "params_unpruned", "macs_unpruned", "percent_cut")
"""What the prune stage measures besides accuracy and loss."""


def summary(history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The metrics of a run so far.

    ``accuracy`` and ``accuracy_best_epoch`` are those of the last stage that was reached, on the validation
    images; ``accuracy_unpruned`` is the end of sparsity training, ``accuracy_pruned`` right after the cut.
    """
    if not history:
        return {}
    last = [entry for entry in history if entry["stage"] == history[-1]["stage"]]
    metrics: dict[str, Any] = {
        "accuracy": last[-1]["accuracy"],
        "loss": last[-1]["loss"],
        "accuracy_best_epoch": max(entry["accuracy"] for entry in last),
    }
    cut = next((entry for entry in history if entry["stage"] == "prune"), None)
    if cut is not None:
        metrics["accuracy_pruned"] = cut["accuracy"]
        metrics |= {key: cut[key] for key in CUT}
        sparse = [entry for entry in history if entry["stage"] == "sparsity"]
        if sparse:
            metrics["accuracy_unpruned"] = sparse[-1]["accuracy"]
    return metrics
