import hashlib
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from torchvision import datasets

from trainables.data import SOURCES, load_data
from trainables.data.torchvision_sets import read
from trainables.errors import InputError

NAMES = {
    "cifar10": "CIFAR10",
    "cifar100": "CIFAR100",
    "mnist": "MNIST",
    "fashion_mnist": "FashionMNIST",
    "svhn": "SVHN",
}


def load(source: str, path: Path | None, *, download: bool = False) -> None:
    load_data(source, path=path, val_fraction=0.2, split_seed=0, download=download)


def test_every_source_that_downloads_is_one_of_torchvision() -> None:
    assert set(NAMES) == {name for name, source in SOURCES.items() if source.downloads}
    assert all(hasattr(datasets, name) for name in NAMES.values())


@pytest.mark.parametrize(("source", "name"), NAMES.items())
def test_a_set_that_is_not_there_is_not_fetched_unasked(tmp_path: Path, source: str, name: str) -> None:
    message = (
        rf"data.path: {name} is not in {tmp_path}. Give data.download: true, or the folder that holds it."
    )
    with pytest.raises(InputError, match=message):
        load(source, tmp_path)


def test_the_folder_is_data_unless_said_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"data.path: CIFAR100 is not in data\. Give"):
        load("cifar100", None)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match=r"data.path: must exist, got .*image. Did you mean .*images\?"):
        load("mnist", tmp_path / "image")


def test_a_download_without_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.CIFAR10, "url", (tmp_path / "absent.tar.gz").as_uri())
    with pytest.raises(
        InputError, match=r"data.download: CIFAR10 could not be downloaded to .*, got: .*absent"
    ) as e:
        load("cifar10", tmp_path / "new", download=True)
    assert "\n" not in str(e.value)


def random_images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def write_mnist(folder: Path, pixels: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for part in ("train", "t10k"):
        for name, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            header = struct.pack(f">{array.ndim + 1}I", 0x800 + array.ndim, *array.shape)
            (folder / f"{part}-{name}-ubyte").write_bytes(header + array.tobytes())


def test_mnist_is_read_with_one_channel(tmp_path: Path) -> None:
    pixels, labels = random_images(10, 28, 28), np.arange(10, dtype=np.uint8)
    write_mnist(tmp_path / "MNIST" / "raw", pixels, labels)
    raw = read("MNIST", tmp_path, download=False)
    assert np.array_equal(raw.train.pixels, pixels[:, None])
    assert raw.test.labels.tolist() == labels.tolist()
    assert raw.class_names[3] == "3 - three"


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    write_mnist(tmp_path / "MNIST" / "raw", random_images(10, 28, 28), np.arange(10, dtype=np.uint8))
    file = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(
        InputError, match=r"data.path: MNIST in .* can't be read: .* Give data.download: true"
    ):
        load("mnist", tmp_path)


def test_cifar_is_read_channels_first_with_its_class_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, labels = random_images(6, 3, 32, 32), [0, 1, 1, 0, 1, 0]
    sums = {}
    for name, content in {
        "batch": {"data": pixels.reshape(6, -1), "fine_labels": labels},
        "meta": {"fine_label_names": ["apple", "bear"]},
    }.items():
        file = tmp_path / "cifar-100-python" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(pickle.dumps(content))
        sums[name] = hashlib.md5(file.read_bytes()).hexdigest()
    for part in ("train_list", "test_list"):
        monkeypatch.setattr(datasets.CIFAR100, part, [["batch", sums["batch"]]])
    meta = {"filename": "meta", "key": "fine_label_names", "md5": sums["meta"]}
    monkeypatch.setattr(datasets.CIFAR100, "meta", meta)
    raw = read("CIFAR100", tmp_path, download=False)
    assert np.array_equal(raw.train.pixels, pixels)
    assert raw.test.labels.tolist() == labels
    assert raw.class_names == ("apple", "bear")


def test_svhn_is_read_with_label_ten_as_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = random_images(4, 3, 32, 32)
    file = tmp_path / "set.mat"
    savemat(file, {"X": pixels.transpose(2, 3, 1, 0), "y": np.array([[10], [1], [9], [10]])})
    entry = ["", file.name, hashlib.md5(file.read_bytes()).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", {"train": entry, "test": entry})
    raw = read("SVHN", tmp_path, download=False)
    assert np.array_equal(raw.train.pixels, pixels)
    assert raw.train.labels.tolist() == [0, 1, 9, 0]
    assert raw.class_names == tuple("0123456789")
