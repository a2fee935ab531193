"""Images: where they come from, how they are split, cropped, flipped and put into batches.

``SOURCES`` and ``Source`` need no torch. The names that do are loaded when they are first used.
"""

from typing import TYPE_CHECKING, Any

from trainables.data.sources import SOURCES, Source

if TYPE_CHECKING:
    from trainables.data.dataset import Dataset as Dataset
    from trainables.data.dataset import Images as Images
    from trainables.data.dataset import load_data as load_data

_LAZY = ("Dataset", "Images", "load_data")

__all__ = ["SOURCES", "Dataset", "Images", "Source", "load_data"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'trainables.data' has no attribute {name!r}")
    from trainables.data import dataset

    return getattr(dataset, name)
