"""The three ways in which a sweep ends otherwise than done, each with its exit code."""


class BusyError(RuntimeError):
    """Another process owns the run folder. Exit code 4."""

    exit_code = 4


class CannotFinishError(RuntimeError):
    """The sweep, or the training, can't go on, such as on a full disk; what is done is kept. Exit code 1."""

    exit_code = 1


class InterruptedSweepError(RuntimeError):
    """The user stopped it; it can be resumed. Exit code 130."""

    exit_code = 130
