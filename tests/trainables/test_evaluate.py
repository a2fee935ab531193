from dataclasses import replace

import torch

from trainables.evaluate import evaluate
from trainables.fit import predict
from trainables.models import build
from trainables.place import Place
from trainables.recipe import Data


def test_the_test_images_are_measured_and_no_others() -> None:
    place = Place.prepare(Data(source="digits"), store=None)
    network = build(place.architecture("preresnet8"), seed=0)
    found = evaluate(network, place)
    logits = predict(network, place.data.test)
    right = logits.argmax(1) == place.data.test.labels
    assert found == {
        "test_accuracy": right.double().mean().item(),
        "test_loss": torch.nn.functional.cross_entropy(logits, place.data.test.labels).item(),
        "test_images": len(place.data.test),
    }
    blind = replace(place, data=replace(place.data, validation=place.data.train))
    assert evaluate(network, blind) == found
