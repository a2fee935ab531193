import os
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.errors import InputError
from trainables.models import build
from trainables.place import _LOADED, Place, identity
from trainables.recipe import Data
from trainables.store import NoStore, Store

DIGITS = Data(source="digits")


def test_a_place_without_a_folder_stores_nothing() -> None:
    place = Place.prepare(DIGITS, store=None)
    assert isinstance(place.store, NoStore)
    assert place.ledger.folder is None
    assert place.device == torch.device("cpu")


def test_the_limit_of_the_store_is_in_units_of_a_thousand_millions(tmp_path: Path) -> None:
    place = Place.prepare(DIGITS, store=tmp_path, max_gb=0.5)
    assert isinstance(place.store, Store)
    assert place.store.max_bytes == 500_000_000


def test_images_are_loaded_once_a_process() -> None:
    assert Place.prepare(DIGITS, store=None).images is Place.prepare(DIGITS, store=None).images
    other = Place.prepare(Data(source="digits", split_seed=1), store=None)
    assert other.identity.address != Place.prepare(DIGITS, store=None).identity.address


def test_large_images_are_mapped_from_the_store_for_every_pad_and_flip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.data.mapped.SMALLEST", 0)
    images, labels = np.arange(40 * 64, dtype=np.uint8).reshape(40, 8, 8), np.arange(40) % 2
    parts = {
        f"{part}_{what}": array
        for part in ("train", "test")
        for what, array in (("images", images), ("labels", labels))
    }
    np.savez(tmp_path / "set.npz", **parts)
    data = Data(source="npz", path=str(tmp_path / "set.npz"), val_fraction=0.5)
    alone = Place.prepare(data, store=None)
    assert Place.prepare(data, store=tmp_path / "store").images is alone.images  # loaded once a process
    _LOADED.clear()
    place = Place.prepare(data, store=tmp_path / "store")
    assert place.identity == alone.identity
    assert torch.equal(place.images.pixels, alone.images.pixels)
    assert place.images.pixels.data_ptr() == place.data.train.pixels.data_ptr()  # no copy of them
    wide = Place.prepare(data.model_copy(update={"pad": 3, "flip": False}), store=tmp_path / "store")
    assert (wide.images.pad, wide.images.flip, wide.identity.pad) == (3, False, 3)
    (file,) = (tmp_path / "store" / "data").glob("*.images")
    os.utime(file, (1, 1))
    Place.prepare(data, store=tmp_path / "store")
    assert file.stat().st_mtime > 1  # a trial that begins uses them
    seen = Place.prepare(data, store=tmp_path / "store", seen=True)
    assert len(seen.data.train) == 40
    assert len(list((tmp_path / "store" / "data").glob("*.images"))) == 2


def test_a_setting_of_the_data_that_does_nothing_is_refused_though_the_images_are_stored(
    tmp_path: Path,
) -> None:
    with pytest.raises(InputError, match=r"data.download: has no effect on data.source digits, got true"):
        Place.prepare(Data(source="digits", download=True), store=tmp_path)


def test_the_identity_says_all_that_training_takes_from_the_images() -> None:
    place = Place.prepare(DIGITS, store=None)
    assert identity(place.data) == place.identity
    assert (place.identity.classes, place.identity.channels) == (10, 1)
    assert place.identity.pad == place.images.pad
    assert set(place.identity.to_json()) == {"address", "classes", "channels", "pad", "flip", "mean", "std"}


def test_the_threads_are_set_and_part_of_the_arithmetic() -> None:
    try:
        place = Place.prepare(DIGITS, store=None, threads=2)
        assert torch.get_num_threads() == 2
        assert place.arithmetic["threads"] == 2
    finally:
        torch.set_num_threads(1)


def test_for_a_network_that_has_seen_all_training_images_the_test_set_is_halved() -> None:
    seen, usual = (Place.prepare(DIGITS, store=None, seen=seen) for seen in (True, False))
    assert len(seen.data.train) == len(usual.data.train) + len(usual.data.validation)
    assert len(seen.data.validation) == len(seen.data.test) == len(usual.data.test) // 2
    assert seen.identity.address != usual.identity.address
    assert len(seen.images.labels) == len(seen.data.train)
    assert Place.prepare(DIGITS, store=None, seen=True).images is seen.images


def test_a_network_of_a_place_normalises_with_the_numbers_of_its_data() -> None:
    place = Place.prepare(DIGITS, store=None)
    architecture = place.architecture("preresnet8")
    assert (architecture.mean, architecture.std) == (place.data.mean, place.data.std)
    assert (architecture.classes, architecture.channels, architecture.cfg) == (10, 1, None)
    network = place.put(build(architecture, seed=0))
    weight = network.get_parameter("layer1.0.conv1.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_a_place_that_trains_on_the_validation_images_knows_where_the_search_was() -> None:
    place, joined = (Place.prepare(DIGITS, store=None, joined=joined) for joined in (False, True))
    assert len(joined.images.labels) == len(place.data.train) + len(place.data.validation)
    assert len(joined.data.validation) == 0
    assert joined.identity.address == joined.data.address != place.identity.address
    assert joined.search.identity == place.search.identity == place.identity
    assert joined.search.images is place.images
    assert Place.prepare(DIGITS, store=None, joined=True).images is joined.images
