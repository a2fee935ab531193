"""The shipped JSON Schema is the one that the settings' models give."""

from pathlib import Path

from sweeper.schema import text
from sweeper.space import SHIPPED


def test_the_shipped_schema_is_made_from_the_models() -> None:
    assert (Path(SHIPPED) / "schema.json").read_text(encoding="utf-8") == text()
