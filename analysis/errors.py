"""The ways in which reading results can fail; each carries the exit code of the command line."""

from __future__ import annotations


class InputError(ValueError):
    """The user asked for something that is not there or not allowed. One line: rule, value, mend."""

    exit_code = 2


class ResultsError(ValueError):
    """A file of a run is damaged or of an unknown format. One line that begins with FILE or FILE:LINE."""

    exit_code = 3


class OtherFormatError(ResultsError):
    """Another version of this program wrote the run."""
