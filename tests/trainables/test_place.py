from pathlib import Path

import torch

from trainables.models import build
from trainables.place import Place, identity
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
