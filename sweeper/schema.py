"""The JSON Schema of a space, for editors: ``python -m sweeper.schema > search_spaces/schema.json``.

An editor with the YAML language server checks and completes a file that begins with
``# yaml-language-server: $schema=schema.json``.
"""

import json
import sys
from typing import Any

from sweeper.knobs import KINDS
from sweeper.settings import SpaceFile
from sweeper.space import settable


def schema() -> dict[str, Any]:
    """The schema, generated from the settings' models; its search section lists what can be searched."""
    whole = SpaceFile.model_json_schema()
    value = {"type": ["string", "number", "boolean", "null"]}
    knob = {
        "anyOf": [
            {"type": "array", "items": value, "minItems": 1},
            {
                "type": "object",
                "properties": {
                    **{kind: {"type": "array", "minItems": 1} for kind in KINDS},
                    "points": {"type": "integer", "minimum": 2},
                    "step": {"type": "integer", "minimum": 1},
                    "when": {"type": "object"},
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
