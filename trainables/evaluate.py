"""The only code that touches a test set. It measures; nothing is chosen by what it returns."""

from torch import nn

from trainables.fit import measure
from trainables.place import Place


def evaluate(network: nn.Module, place: Place) -> dict[str, float]:
    """``test_accuracy`` (0..1) and mean cross-entropy ``test_loss`` on the ``test_images``."""
    images = place.data.test
    measured = measure(network, images, what="test")
    return {
        "test_accuracy": measured["accuracy"],
        "test_loss": measured["loss"],
        "test_images": len(images),
    }
