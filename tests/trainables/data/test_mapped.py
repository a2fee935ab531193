import logging
import multiprocessing
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.data import SOURCES, Dataset, load_data
from trainables.data.mapped import PARTS, mapped, read
from trainables.data.origin import key_of
from trainables.recipe import Data

SPAWN = multiprocessing.get_context("spawn")
Make = Callable[[], Dataset]


@pytest.fixture(autouse=True)
def _all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.data.mapped.SMALLEST", 1)


@pytest.fixture
def data(write_npz: Callable[..., Path]) -> Data:
    return Data(source="npz", path=str(write_npz()), val_fraction=0.2)


def loaded(data: Data) -> Dataset:
    assert data.path is not None
    return load_data(data.source, path=Path(data.path), val_fraction=data.val_fraction, split_seed=0)


def never() -> Dataset:
    raise AssertionError("the source was read again")


def get(data: Data, store: Path, make: Make = never, max_bytes: int = 10**9) -> tuple[Dataset, Path | None]:
    return mapped(data, seen=False, folder=store / "data", max_bytes=max_bytes, make=make)


def same(one: Dataset, other: Dataset) -> bool:
    facts = ("address", "class_names", "mean", "std")
    return all(getattr(one, name) == getattr(other, name) for name in facts) and all(
        torch.equal(getattr(getattr(one, part), kind), getattr(getattr(other, part), kind))
        for part in PARTS
        for kind in ("pixels", "labels")
    )


def test_the_source_is_read_once_and_what_is_mapped_is_equal(data: Data, tmp_path: Path) -> None:
    source = loaded(data)
    first, file = get(data, tmp_path, lambda: source)
    again, same_file = get(data, tmp_path)
    assert file is not None
    assert file == same_file
    assert same(source, first)
    assert same(source, again)
    assert again.train.pixels.is_contiguous()
    assert [path.name for path in (tmp_path / "data").iterdir() if path.suffix == ".tmp"] == []


def test_what_is_written_into_mapped_images_stays_in_the_process(data: Data, tmp_path: Path) -> None:
    source = loaded(data)
    first, _ = get(data, tmp_path, lambda: source)
    first.train.pixels.fill_(0)
    first.train.labels.fill_(0)
    assert same(source, get(data, tmp_path)[0])


def test_a_flipped_byte_is_noticed_wherever_it_is(
    data: Data, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = loaded(data)
    _, file = get(data, tmp_path, lambda: source)
    assert file is not None
    whole = file.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    chance = random.Random(0)
    for place in [*range(0, header, 5), *chance.sample(range(header, len(whole)), 40), len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= chance.randrange(1, 256)
        file.write_bytes(damaged)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            found, _ = get(data, tmp_path, lambda: source)
        assert same(source, found)
        assert len(caplog.records) == 1, place
        assert f"{file}: damaged" in caplog.text
        assert same(source, get(data, tmp_path)[0])


def test_pixels_that_are_read_as_signed_are_noticed(data: Data, tmp_path: Path) -> None:
    _, file = get(data, tmp_path, lambda: loaded(data))
    assert file is not None
    file.write_bytes(file.read_bytes().replace(b'"U8"', b'"I8"'))
    with pytest.raises(ValueError, match="damaged: the images do not have the address"):
        read(file)


def test_a_missing_end_is_noticed(data: Data, tmp_path: Path) -> None:
    source = loaded(data)
    _, file = get(data, tmp_path, lambda: source)
    assert file is not None
    whole = file.read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="damaged: no images of this version"):
            read(file)
        assert same(source, get(data, tmp_path, lambda: source)[0])


def test_a_source_that_changed_is_read_again(
    data: Data, tmp_path: Path, write_npz: Callable[..., Path]
) -> None:
    before, _ = get(data, tmp_path, lambda: loaded(data))
    path = write_npz(
        train_images=np.full((40, 12, 10, 3), 7, dtype=np.uint8)
        + np.arange(40, dtype=np.uint8)[:, None, None, None]
    )
    after, _ = get(data, tmp_path, lambda: loaded(data))
    assert before.address != after.address
    key = key_of(data, seen=False)
    stat = path.stat()
    path.touch()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # the time of its content is set back
    assert key_of(data, seen=False) != key


def test_a_source_that_changes_while_it_is_read_is_not_kept(data: Data, tmp_path: Path) -> None:
    def make() -> Dataset:
        source = loaded(data)
        assert data.path is not None
        Path(data.path).touch()
        return source

    assert get(data, tmp_path, make)[1] is None
    assert list((tmp_path / "data").glob("*.images")) == []


def test_small_sets_and_those_that_would_fill_the_store_are_read_by_each_process(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = loaded(data)
    pixels = 48 * 12 * 10 * 3
    assert get(data, tmp_path, lambda: source, max_bytes=2 * pixels - 1) == (source, None)
    monkeypatch.setattr("trainables.data.mapped.SMALLEST", pixels + 1)
    assert get(data, tmp_path, lambda: source) == (source, None)
    monkeypatch.setattr("trainables.data.mapped.SMALLEST", pixels)
    assert get(data, tmp_path, lambda: source, max_bytes=2 * pixels)[1] is not None


def test_the_digits_are_never_kept(tmp_path: Path) -> None:
    source = load_data("digits", path=None, val_fraction=0.2, split_seed=0)
    assert get(Data(source="digits"), tmp_path, lambda: source) == (source, None)
    assert not (tmp_path / "data").exists()


def test_a_key_follows_from_what_changes_an_image_alone(data: Data) -> None:
    key = key_of(data, seen=False)
    assert key is not None
    assert key == key_of(data, seen=False)
    same = {"pad": 1, "flip": False, "batch_size": 7, "download": True}
    assert {key_of(data.model_copy(update={name: value}), seen=False) for name, value in same.items()} == {
        key
    }
    others = {"val_fraction": 0.3, "split_seed": 1}
    assert all(
        key_of(data.model_copy(update={name: value}), seen=False) != key for name, value in others.items()
    )
    assert key_of(data, seen=True) != key


@pytest.mark.parametrize("source", [name for name, one in SOURCES.items() if one.files])
def test_a_set_that_is_not_there_has_no_key(tmp_path: Path, source: str) -> None:
    assert key_of(Data(source=source, path=str(tmp_path / "none")), seen=False) is None


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("cifar10", "cifar-10-batches-py/data_batch_1"),
        ("mnist", "MNIST/raw/x"),
        ("svhn", "train_32x32.mat"),
        ("folder", "train/cat/1.png"),
    ],
)
def test_a_key_follows_from_every_file_of_the_set_and_no_other(
    tmp_path: Path, source: str, place: str
) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"1")
    data = Data(source=source, path=str(tmp_path))
    key = key_of(data, seen=False)
    assert key is not None
    if source != "folder":
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "file").touch()
        assert key_of(data, seen=False) == key
    file.write_bytes(b"22")
    assert key_of(data, seen=False) != key


def test_a_store_that_takes_nothing_is_named(data: Data, tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    with pytest.raises(OSError, match=r"Not a directory: '.*/store'$"):
        get(data, tmp_path / "store", lambda: loaded(data))


def _prepare(path: str, store: Path, reads: Path) -> None:
    torch.set_num_threads(1)
    import trainables.data.mapped

    trainables.data.mapped.SMALLEST = 1
    data = Data(source="npz", path=path, val_fraction=0.2)

    def make() -> Dataset:
        with reads.open("a") as file:
            file.write("read\n")
        return loaded(data)

    found, file = get(data, store, make)
    assert file is not None
    assert same(found, loaded(data))


def test_of_processes_that_begin_together_one_reads_the_source(data: Data, tmp_path: Path) -> None:
    reads = tmp_path / "reads"
    workers = [SPAWN.Process(target=_prepare, args=(data.path, tmp_path, reads)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 3
    assert reads.read_text() == "read\n"
