"""What Ray is told through the environment before it is imported, and its token, which is the user's alone."""

import os
import secrets
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

from sweeper.errors import CannotFinishError

ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # ours passes the signal on
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # our own files are the truth
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
LOCAL = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Binds every port of a local Ray to 127.0.0.1; a driver that joins a cluster must be reached from its nodes."""
WORKERS = ("RAY_CHDIR_TO_TRIAL_DIR", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO")
"""Of these, what the nodes of a cluster are told too."""


def prepare(*, local: bool) -> None:
    """Set up the environment; what the user has set stays.

    Args:
        local: whether Ray is started here, for this process alone.

    Raises:
        CannotFinishError: the token can't be written.
    """
    for name, value in (ENVIRONMENT | (LOCAL if local else {})).items():
        os.environ.setdefault(name, value)
    warnings.filterwarnings("ignore", module=r"ray\.")
    if local:
        private_token()


def private_token() -> None:
    """Make Ray's token, which Ray itself would write for everyone to read; one that is there is closed.

    Whoever knows it can run code as this user. It is written aside and linked into its place, so that it is
    never seen half-written, nor with other permissions.

    Raises:
        CannotFinishError: the disk does not take it.
    """
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return
    file = Path.home() / ".ray" / "auth_token"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size:
            file.chmod(0o600)
            return
        handle, name = tempfile.mkstemp(dir=file.parent)  # mode 0600 from the start
        try:
            with os.fdopen(handle, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(32))
            with suppress(FileExistsError):  # of an empty one, or another process was quicker
                os.link(name, file)
                return
            if not file.stat().st_size:
                Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise CannotFinishError(
            f"{file}: Ray's token can't be written: {error.strerror or error}. "
            "Set RAY_AUTH_TOKEN_PATH to a file of your own that holds one."
        ) from error
