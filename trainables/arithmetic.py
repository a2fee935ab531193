"""What the bits of a trained network depend on besides its settings, and setting it up.

Each entry was seen to change bits: the number of threads, the memory format, the processor's vector width,
the device, the torch version.
"""

import platform
from typing import Any

import torch


def use_threads(threads: int) -> None:
    """Compute with so many threads from here on; one number per sweep, since it changes the bits."""
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


def pick_device(gpus: float) -> torch.device:
    """The device of a process that was given ``gpus`` GPUs (fractions count)."""
    return torch.device("cuda" if gpus > 0 and torch.cuda.is_available() else "cpu")


def describe(*, threads: int, device: torch.device) -> dict[str, Any]:
    """The arithmetic as plain data; part of every address."""
    on_gpu = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if on_gpu else "cpu",
        "processor": "" if on_gpu else f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "threads": 0 if on_gpu else threads,
        "dtype": "float32",
        "memory_format": "channels_last",
        "torch": torch.__version__,
    }
