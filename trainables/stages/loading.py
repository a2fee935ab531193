"""A network from a file as it is used here: float32, for these images, normalising them with its own numbers."""

from dataclasses import replace

from torch import nn

from trainables.checkpoints import load
from trainables.data import Images
from trainables.errors import InputError
from trainables.fit import measure
from trainables.models import Architecture
from trainables.normalisation import NAMES, statistics_of
from trainables.place import Place
from trainables.values import Normalization

TRIED_IMAGES = 2048
"""Training images, as they are, on which the candidates are compared."""


def network_from(
    file: str,
    *,
    model: str | None,
    weights: str | None,
    normalize: Normalization | None,
    place: Place,
    section: str,
) -> tuple[nn.Module, str]:
    """The network in a file, where it is run, and where the numbers come from that it normalises with.

    Args:
        file: one that ``trainables.load`` reads.
        model: what it must be; None: any.
        weights: which of DIST's two; None: model.
        normalize: see ``normalised``.
        place: whose images it is for.
        section: of the settings that name the file, for messages.

    Raises:
        InputError: it is another network, or has other classes or image channels than the data.
        DamagedFileError: a file of ours that is not what was written.
    """
    network = load(file, model=model, classes=place.identity.classes, weights=weights or "model").float()
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    if architecture.channels != place.identity.channels:
        raise InputError(
            f"{file}: takes images of {architecture.channels} channels, the data has "
            f"{place.identity.channels}. Give a network that was trained on such images."
        )
    return normalised(place.put(network), normalize, place, f"{section}.normalize")


def normalised(
    network: nn.Module, normalize: Normalization | None, place: Place, what: str
) -> tuple[nn.Module, str]:
    """The network with the numbers it was trained with, and where they come from.

    Args:
        network: as it was loaded; its description may hold them.
        normalize: what the user says of it; None: the file's own word, else the candidate that gives the
            highest accuracy on training images (the first of equals, which is the data set's own).
        place: whose images it is for.
        what: the setting that gave ``normalize``, for the message.

    Raises:
        InputError: the numbers are for other channels than the images have.
    """
    own = (place.data.mean, place.data.std)
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    if isinstance(normalize, list):
        mean, std = (tuple(row) for row in normalize)
        if len(mean) != len(own[0]):
            raise InputError(f"{what}: needs {len(own[0])} numbers a row, one a channel, got {len(mean)}.")
        return _with(network, mean, std), "as given"
    if normalize is not None:
        return _with(network, *statistics_of(normalize, own)), normalize
    if architecture.mean is not None:
        return network, "the file's"
    some = Images(
        pixels=place.data.train.pixels[:TRIED_IMAGES], labels=place.data.train.labels[:TRIED_IMAGES]
    )
    found: dict[str, float] = {}
    for name in NAMES:
        _with(network, *statistics_of(name, own))
        found[name] = measure(network, some, what=what)["accuracy"]
    choice = max(found, key=lambda name: found[name])
    rival = max((name for name in found if name != choice), key=lambda name: found[name])
    said = f"{choice}, the best of those tried on training images: {found[choice]:.3f}, {rival} {found[rival]:.3f}"
    return _with(network, *statistics_of(choice, own)), said


def _with(network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    network.architecture = replace(architecture, mean=mean, std=std)
    return network
