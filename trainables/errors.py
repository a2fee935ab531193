"""The three ways in which the user's side can be wrong, each with its exit code.

Everything else that is raised is a fault of ours and keeps its traceback.
"""

import errno

DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors of a disk that takes nothing more: no other trial could get around them either."""


class InputError(ValueError):
    """What was asked for is not possible: bad settings, a missing file, a checkpoint that does not fit.

    The message is one line for the user: the rule, the value that was got, the mend. Exit code 2.
    """

    exit_code = 2


class DamagedFileError(ValueError):
    """A file of ours (a stored state, a record) is not what was written. Exit code 3."""

    exit_code = 3


class TrainingFailedError(RuntimeError):
    """One training can't go on, such as after a non-finite loss; the message says why and in which epoch."""

    exit_code = 1
