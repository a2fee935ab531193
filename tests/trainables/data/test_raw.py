from collections.abc import Sequence

import numpy as np
import pytest

from trainables.data.raw import Part, RawImages, checked
from trainables.errors import InputError


def part(labels: Sequence[int], side: int = 4) -> Part:
    return Part(
        pixels=np.zeros((len(labels), 1, side, side), dtype=np.uint8), labels=np.array(labels, dtype=np.int64)
    )


def test_a_whole_data_set_passes_unchanged() -> None:
    raw = RawImages(train=part([0, 1]), test=part([1]), validation=part([0]), class_names=("a", "b"))
    assert checked(raw, "x") is raw


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (part([0, 1]), part([]), r"every part needs images, got none in the test part of x"),
        (part([0, 1]), part([0], side=5), r"got \(1, 4, 4\) in train and \(1, 5, 5\) in test"),
        (part([0, 1]), part([0, 2]), r"labels of x must be 0 to 1, .* got 2 in test"),
        (part([0, -1]), part([0]), r"labels of x must be 0 to 1, .* got -1 in train"),
        (part([1, 1]), part([0]), r"every class needs training images, got none of class 'a' in x"),
    ],
)
def test_parts_that_make_no_data_set_are_refused(train: Part, test: Part, message: str) -> None:
    with pytest.raises(InputError, match=rf"data.path: .*{message}"):
        checked(RawImages(train=train, test=test, class_names=("a", "b")), "x")
