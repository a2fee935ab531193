from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import functional

from trainables.data import Images
from trainables.data.augment import draw, gather
from trainables.data.batches import Batch, batches, epoch_order, evaluation_batches, normalise
from trainables.seeding import generator

PIXELS = torch.randint(0, 256, (50, 3, 6, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(50) % 7


def epoch(batch_size: int, *, drop_last: bool = False, n: int = 50) -> list[Batch]:
    order = epoch_order(50, generator=generator(0, "order"))[:n]
    chosen = draw(n, pad=2, flip=True, generator=generator(0, "views"))
    settings: dict[str, Any] = {"pad": 2, "flip": True, "batch_size": batch_size, "drop_last": drop_last}
    return list(batches(PIXELS, LABELS, order=order, views=chosen, **settings))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60), st.integers(1, 50), st.booleans(), st.sampled_from([1, 7, 20, 4096]))
def test_batches_are_the_epoch_in_pieces_however_it_is_gathered(
    batch_size: int, n: int, drop_last: bool, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainables.data.batches.CHUNK", chunk)
        made = epoch(batch_size, drop_last=drop_last, n=n)
    whole = n // batch_size * batch_size if drop_last else n
    assert [len(b.labels) for b in made] == [min(batch_size, whole - i) for i in range(0, whole, batch_size)]
    order = epoch_order(50, generator=generator(0, "order"))[:whole]
    assert torch.equal(torch.cat([b.rows for b in made] or [order]), order)
    for b in made:
        assert torch.equal(b.pixels, gather(PIXELS, b.rows, b.views, pad=2, flip=True))
        assert torch.equal(b.labels, LABELS[b.rows])


def test_an_order_is_a_permutation_and_a_function_of_its_generator() -> None:
    order = epoch_order(20, generator=generator(0, "finetune", 3, "order"))
    assert order.sort().values.tolist() == list(range(20))
    assert torch.equal(order, epoch_order(20, generator=generator(0, "finetune", 3, "order")))
    assert not torch.equal(order, epoch_order(20, generator=generator(0, "finetune", 4, "order")))


def test_evaluation_sees_every_image_once_in_order() -> None:
    made = list(evaluation_batches(Images(pixels=PIXELS, labels=LABELS), 16))
    assert [len(labels) for _, labels in made] == [16, 16, 16, 2]
    assert torch.equal(torch.cat([pixels for pixels, _ in made]), PIXELS)
    assert torch.equal(torch.cat([labels for _, labels in made]), LABELS)


def test_normalising_is_that_of_torchvision_but_for_rounding() -> None:
    mean, std = (0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)
    theirs = functional.normalize(PIXELS.float() / 255, mean, std)
    torch.testing.assert_close(normalise(PIXELS, mean, std), theirs, rtol=1e-5, atol=1e-6)


def test_normalised_bits_depend_on_neither_batch_nor_memory_format() -> None:
    mean, std = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
    whole = normalise(PIXELS, mean, std)
    last = normalise(PIXELS, mean, std, memory_format=torch.channels_last)
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(whole, last)
    assert torch.equal(whole[13:14], normalise(PIXELS[13:14], mean, std))


def test_normalising_leaves_the_pixels_alone() -> None:
    before = PIXELS.clone()
    normalise(PIXELS, (0.5, 0.5, 0.5), (0.1, 0.2, 0.3))
    assert torch.equal(before, PIXELS)
