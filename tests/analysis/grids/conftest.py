"""The grid that the run of ``grid_run`` holds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.grids.cells import Grid, grid
from analysis.records import read_run


@pytest.fixture
def found(grid_run: Callable[..., Path]) -> Grid:
    """Recipes by seeds and draws, of the usual run."""
    made = grid(read_run(grid_run()))
    assert made
    return made
