"""What the command line says of a run besides its space."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from analysis.text import plain
from sweeper.cluster import Cluster
from sweeper.resources import Machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command line says besides the space."""

    store: Path | None
    """Where trained states are kept; None: nowhere, so every trial trains alone."""
    stream: TextIO | None = None
    """Where the table, or its lines, go; None: standard output."""
    debug: bool = False
    """Whether what Ray logs is shown."""
    accept_loss: bool = False
    """Whether a run is gone on with that has lost some of what it had done."""
    cluster: Cluster | None = None
    """Where the trials run; None: on this machine."""

    @property
    def machines(self) -> Sequence[Machine] | None:
        """Of the cluster."""
        return None if self.cluster is None else self.cluster.machines

    def resume(self, folder: Path) -> str:
        """The command that goes on with a run."""
        return f"sweeper resume {folder}{'' if self.cluster is None else self.cluster.options}"

    def warn(self, text: str) -> None:
        """Say it in one line."""
        stream = sys.stdout if self.stream is None else self.stream
        stream.write(f"warning: {plain(text)}\n")
        stream.flush()
