"""The advice for scripts: plain JSON."""

from __future__ import annotations

from typing import Any

from analysis.advice.advise import Advice


def advice_facts(advice: Advice) -> dict[str, Any]:
    """Points counted, and of each knob its importances (fractions) by objective and what is to be done to it."""
    return {
        "points": advice.trials,
        "best": advice.best,
        "changes": advice.space is not None,
        "knobs": {
            move.knob.key: {
                "importances": {
                    found[place].by: {
                        name: getattr(found[place], name)
                        for name in ("value", "low", "high", "chance", "p", "holm", "trials", "verdict")
                    }
                    for found in advice.found
                    if found
                },
                "do": [f"{verb} {rest}" for verb, rest in move.what],
                "why": list(move.why),
            }
            for place, move in enumerate(advice.moves)
        },
    }
