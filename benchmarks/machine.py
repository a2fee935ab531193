"""One line about where, when and with what a benchmark ran; it stands beside every table."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version


def said_of_this_machine(repeats: int, *packages: str) -> str:
    """Date, processor, cores and versions; times are medians of so many repeats, arms taking turns."""
    names = packages or ("torch", "ray", "optuna")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, no GPU used, "
        f"Python {platform.python_version()}, {versions}; medians of {repeats}, arms interleaved."
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
