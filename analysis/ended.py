"""Why a sweep asked for nothing more, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.text import human, show


def why_ended(manifest: Mapping[str, Any], space: Mapping[str, Any]) -> str:
    """The reason that a run which is done has noted; "" where all its trials were run, or nothing is noted."""
    sweep, by = space.get("sweep") or {}, manifest.get("ended_by")
    match by:
        case "epochs":
            return f"the budget of {show(sweep.get(by))} epochs is used up"
        case "hours":
            return f"its {show(sweep.get(by))} hours are over"
        case "macs":
            return f"the budget of {human(sweep.get(by))} MACs is used up"
        case "patience":
            return f"none of the last {show(sweep.get(by))} trials was better than all before"
        case "exhausted" if sweep.get("sampler") == "grid":
            return "every point of the space was tried"
        case "exhausted":
            return "the sampler came upon nothing new"
    return ""
