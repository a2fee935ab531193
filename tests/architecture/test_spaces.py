from pathlib import Path

import pytest

from sweeper.space import SHIPPED, load

FILES = sorted(SHIPPED.rglob("*.yaml"))


def test_spaces_are_shipped() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SHIPPED)))
def test_a_shipped_space_is_right_and_says_what_it_is_for(file: Path) -> None:
    space = load(str(file))
    assert space.settings.sweep is not None
    assert space.knobs
    assert file.read_text(encoding="utf-8").startswith("# ")
    assert load(str(file.relative_to(SHIPPED).with_suffix(""))).settings == space.settings
