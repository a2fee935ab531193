"""The JSON Schema of a space, for editors: ``python -m sweeper.schema > search_spaces/schema.json``.

An editor with the YAML language server checks and completes a file that begins with
``# yaml-language-server: $schema=schema.json``.
"""

import json
import sys
from typing import Any

from sweeper.grammar import KINDS, MAX_VALUES
from sweeper.settable import settable
from sweeper.settings import SpaceFile

_RANGE = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}


def schema() -> dict[str, Any]:
    """The schema, generated from the settings' models; its search section lists what can be searched."""
    whole = SpaceFile.model_json_schema()
    value = {"type": ["string", "number", "boolean", "null"]}
    knob = {
        "anyOf": [
            {"type": "array", "items": value, "minItems": 1, "maxItems": MAX_VALUES},
            {
                "type": "object",
                "properties": {
                    "choice": {"type": "array", "items": value, "minItems": 1, "maxItems": MAX_VALUES},
                    **{kind: _RANGE for kind in KINDS if kind != "choice"},
                    "points": {"type": "integer", "minimum": 2, "maximum": MAX_VALUES},
                    "step": {"type": "integer", "minimum": 1},
                    "when": {"type": "object", "minProperties": 1},
                },
                "additionalProperties": False,
            },
        ]
    }
    whole["properties"]["search"] = {
        "type": "object",
        "description": "Dotted setting -> the values it may take",
        "properties": {key: {"$ref": "#/$defs/Knob"} for key in settable()},
        "additionalProperties": False,
        "minProperties": 1,
    }
    whole["$defs"]["Knob"] = knob
    whole["title"] = "A space of the compression sweeper"
    return whole


def text() -> str:
    """The schema as it is shipped."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
