import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.recipe import Finetune, Sparsity, Training
from trainables.schedule import drops, plateau_ends, rate, rates


def first_epochs_after_a_drop(training: Training) -> list[int]:
    """Counted from 0, as papers and official codes count."""
    return [e - 1 for e in range(2, training.epochs + 1) if drops(training, e) > drops(training, e - 1)]


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (Finetune(), [150, 180, 210]),
        (Finetune(epochs=240, warmup=120, decay_every=30), [150, 180, 210]),
        (Finetune(epochs=60, warmup=10, decay_every=10), [20, 30, 40, 50]),
        (Sparsity(epochs=160, warmup=80, decay_every=30), [110, 140]),
        (Sparsity(), [80, 120]),
    ],
)
def test_drops_come_where_the_official_schedules_have_them(training: Training, expected: list[int]) -> None:
    assert first_epochs_after_a_drop(training) == expected


def test_a_drop_multiplies_the_rate() -> None:
    training = Finetune(lr=0.05, decay_rate=0.1)
    assert rate(training, 150) == 0.05
    assert rate(training, 151) == 0.05 * 0.1
    assert rate(training, 240) == 0.05 * 0.1**3


def test_the_ramp_rises_linearly_to_the_full_rate() -> None:
    training = Finetune(epochs=6, lr=1.0, warmup=10, ramp=3)
    assert rates(training) == (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


def test_plateaus_end_with_the_last_epoch_before_a_drop() -> None:
    assert plateau_ends(Finetune()) == (150, 180, 210)
    assert plateau_ends(Finetune(epochs=150)) == ()
    assert plateau_ends(Finetune(epochs=151)) == (150,)


@settings(deadline=None, max_examples=50)
@given(
    epochs=st.integers(1, 60),
    further=st.integers(0, 60),
    warmup=st.integers(0, 60),
    every=st.integers(1, 20),
    ramp=st.integers(0, 5),
)
def test_the_rate_does_not_depend_on_the_number_of_epochs(
    epochs: int, further: int, warmup: int, every: int, ramp: int
) -> None:
    short = Finetune(epochs=epochs, warmup=warmup, decay_every=every, ramp=ramp)
    long = short.model_copy(update={"epochs": epochs + further})
    assert rates(long)[:epochs] == rates(short)
    assert all(0 < r <= short.lr for r in rates(long))
