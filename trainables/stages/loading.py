"""A network from a file as it is used here: float32, for these images, normalising them with its own numbers."""

import math
from dataclasses import replace

from torch import nn

from trainables.checkpoints import load
from trainables.data import Images
from trainables.errors import InputError, TrainingFailedError
from trainables.fit import measure
from trainables.models import Architecture
from trainables.normalisation import NAMES, statistics_of
from trainables.place import Place
from trainables.values import Normalization

BREAKS_DOWN = {"accuracy": 0.0, "loss": math.inf}
"""How a network does that is fed with numbers so far from its own that its answers are not finite."""
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
            highest accuracy on training images, of equals the one with the lowest loss.
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
    return _tried(network, place, what)


def _tried(network: nn.Module, place: Place, what: str) -> tuple[nn.Module, str]:
    """The network with the candidate that suits some training images best, and how the two best did."""
    own, train = (place.data.mean, place.data.std), place.data.train
    some = Images(pixels=train.pixels[:TRIED_IMAGES], labels=train.labels[:TRIED_IMAGES])
    found = {name: _does(_with(network, *statistics_of(name, own)), some, what) for name in NAMES}

    def rank(name: str) -> tuple[float, float]:
        return -found[name]["accuracy"], found[name]["loss"]

    def said(name: str) -> str:
        return f"{found[name]['accuracy']:.3f} (loss {found[name]['loss']:.4g})"

    choice, rival = sorted(NAMES, key=rank)[:2]
    if found[choice] == BREAKS_DOWN:
        raise InputError(f"{what}: the network's answers are not finite with any of {', '.join(NAMES)}.")
    why = "no worse than any" if rank(choice) == rank(rival) else "the best"
    words = f"{choice}, {why} of those tried on training images: {said(choice)}, {rival} {said(rival)}"
    return _with(network, *statistics_of(choice, own)), words


def _does(network: nn.Module, some: Images, what: str) -> dict[str, float]:
    try:
        return measure(network, some, what=what)
    except TrainingFailedError:
        return BREAKS_DOWN


def _with(network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> nn.Module:
    architecture = network.architecture
    assert isinstance(architecture, Architecture)
    network.architecture = replace(architecture, mean=mean, std=std)
    return network
