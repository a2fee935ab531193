from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

WriteNpz = Callable[..., Path]
WriteFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def write_npz(tmp_path: Path) -> WriteNpz:
    """Writes 40 training and 8 test images, 12 x 10 in colour, of 4 classes; keywords replace arrays."""

    def write(name: str = "set.npz", *, leave_out: tuple[str, ...] = (), **arrays: np.ndarray) -> Path:
        random = np.random.default_rng(0)
        full = {
            "train_images": random.integers(0, 256, (40, 12, 10, 3), dtype=np.uint8),
            "train_labels": np.arange(40, dtype=np.uint8)[:, None] % 4,
            "test_images": random.integers(0, 256, (8, 12, 10, 3), dtype=np.uint8),
            "test_labels": np.arange(8, dtype=np.uint8)[:, None] % 4,
        } | arrays
        np.savez(tmp_path / name, **{key: full[key] for key in full if key not in leave_out})
        return tmp_path / name

    return write


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Writes a folder of images, for each part 5 of every class; ``mode`` is Pillow's."""

    def write(*, parts: tuple[str, ...] = ("train", "test"), mode: str = "RGB", size: int = 9) -> Path:
        random = np.random.default_rng(0)
        for part in parts:
            for name in ("dog", "cat"):
                (tmp_path / "pets" / part / name).mkdir(parents=True)
                for i in range(5):
                    pixels = random.integers(0, 256, (size, size + 1, 3), dtype=np.uint8)
                    Image.fromarray(pixels).convert(mode).save(tmp_path / "pets" / part / name / f"{i}.png")
        return tmp_path / "pets"

    return write
