import copy
import re

import pytest
import torch
from torch import nn

from trainables.checkpoints import save
from trainables.errors import InputError
from trainables.fit import measure
from trainables.models import Architecture, build
from trainables.normalisation import statistics_of
from trainables.place import Place
from trainables.recipe import Data
from trainables.stages.loading import network_from, normalised


@pytest.fixture
def place() -> Place:
    return Place.prepare(Data(source="digits", val_fraction=0.7), store=None)


@pytest.fixture
def foreign(learned: nn.Module) -> nn.Module:
    """The network without its numbers, as a file of another code holds it."""
    network = copy.deepcopy(learned)
    network.architecture = Architecture(model="preresnet8", classes=10, channels=1)
    return network


def numbers(network: nn.Module) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    return architecture.mean, architecture.std


def test_unknown_numbers_are_found_by_trying_and_the_choice_is_said(foreign: nn.Module, place: Place) -> None:
    found, said = normalised(foreign, None, place, "prune.normalize")
    assert numbers(found) == ((0.0,), (1.0,))
    one, other = r"0\.9\d\d \(loss 0\.\d+\)", r"0\.[12]\d\d \(loss \d+\.\d+\)"
    assert re.fullmatch(f"none, the best of those tried on training images: {one}, data {other}", said)
    assert measure(found, place.data.validation, what="test")["accuracy"] > 0.85


def test_of_numbers_that_do_alike_the_data_sets_own_are_taken(place: Place) -> None:
    guessing = build(Architecture(model="preresnet8", classes=10, channels=1), seed=0)
    with torch.no_grad():
        guessing.get_parameter("fc.weight").zero_()
    found, said = normalised(guessing, None, place, "prune.normalize")
    assert numbers(found) == (place.data.mean, place.data.std)
    tied = r"(0\.\d+ \(loss 2\.\d+\)), cifar10 \1"
    assert re.fullmatch(rf"data, no worse than any of those tried on training images: {tied}", said)


class Certain(nn.Module):
    """Always right: by far with the numbers of this mean, just so with others."""

    def __init__(self, place: Place, mean: tuple[float, ...]) -> None:
        super().__init__()
        self.architecture = Architecture(model="preresnet8", classes=10, channels=1)
        self.scale = nn.Parameter(torch.ones(()))
        self.labels, self.mean = place.data.train.labels, mean

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        sure = 5.0 if self.architecture.mean == self.mean else 1.0
        labels = self.labels[: len(images)]
        return nn.functional.one_hot(labels, 10) * self.scale * sure


def test_of_numbers_equally_accurate_those_with_the_lower_loss_are_taken(place: Place) -> None:
    mean, std = statistics_of("half", (place.data.mean, place.data.std))
    certain = Certain(place, mean)
    found, said = normalised(certain, None, place, "teacher.normalize")
    assert numbers(found) == (mean, std)
    assert said == (
        "half, the best of those tried on training images: 1.000 (loss 0.05887), data 1.000 (loss 1.461)"
    )


class Fragile(nn.Module):
    """Breaks down with all numbers but those of this mean."""

    def __init__(self, mean: tuple[float, ...] | None) -> None:
        super().__init__()
        self.architecture = Architecture(model="preresnet8", classes=10, channels=1)
        self.scale, self.mean = nn.Parameter(torch.ones(())), mean

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bad = 0.0 if self.architecture.mean == self.mean else float("nan")
        return torch.zeros(len(images), 10) * self.scale + bad


def test_numbers_that_break_a_network_are_not_its_own(place: Place) -> None:
    own = (place.data.mean, place.data.std)
    found, said = normalised(Fragile(statistics_of("half", own)[0]), None, place, "prune.normalize")
    assert numbers(found) == statistics_of("half", own)
    assert re.match(r"half, the best of .*: 0\.\d+ \(loss 2\.303\), data 0\.000 \(loss inf\)", said)
    with pytest.raises(
        InputError, match=r"prune\.normalize: the network's answers are not finite with any of data"
    ):
        normalised(Fragile(None), None, place, "prune.normalize")


@pytest.mark.parametrize("name", ["data", "cifar10", "none"])
def test_declared_numbers_are_taken_without_trying(foreign: nn.Module, place: Place, name: str) -> None:
    found, said = normalised(foreign, name, place, "prune.normalize")
    assert (numbers(found), said) == (statistics_of(name, (place.data.mean, place.data.std)), name)


def test_declared_numbers_go_before_the_files_own(learned: nn.Module, place: Place) -> None:
    network = copy.deepcopy(learned)
    assert normalised(network, None, place, "x")[1] == "the file's"
    assert numbers(network) == ((0.0,), (1.0,))
    assert normalised(network, [[0.4], [0.2]], place, "x")[1] == "as given"
    assert numbers(network) == ((0.4,), (0.2,))


def test_numbers_of_other_images_are_refused_by_key_and_count(foreign: nn.Module, place: Place) -> None:
    with pytest.raises(InputError, match=r"^prune\.normalize: needs 1 numbers a row, .* got 3\.$"):
        normalised(foreign, [[0.4] * 3, [0.2] * 3], place, "prune.normalize")


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_a_network_of_another_precision_is_computed_in_float32(
    foreign: nn.Module, place: Place, tmp_path_factory: pytest.TempPathFactory, dtype: torch.dtype
) -> None:
    path = tmp_path_factory.mktemp("file") / "n.pth"
    torch.save(foreign.to(dtype).state_dict(), path)
    network, said = network_from(
        str(path), model=None, weights=None, normalize=None, place=place, section="prune"
    )
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert said.startswith("none")


def test_a_network_of_other_images_is_refused_with_both_numbers(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("file") / "colour.safetensors"
    save(path, build(Architecture(model="preresnet8", classes=10, channels=3), seed=0))
    with pytest.raises(InputError, match=r"colour.*takes images of 3 channels, the data has 1\. Give"):
        network_from(str(path), model=None, weights=None, normalize=None, place=place, section="prune")
