import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.recipe import Finetune, Gradual, Sparsity, Teacher, Training
from trainables.schedule import drops, every, held, plateau_ends, rate, rates, stretched


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
    assert plateau_ends(Finetune(epochs=150, warmup=120, decay_every=30)) == ()
    assert plateau_ends(Finetune(epochs=151, warmup=120, decay_every=30)) == (150,)


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


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (Finetune(), (120, 30)),
        (Teacher(model="resnet8"), (120, 30)),
        (Sparsity(), (40, 40)),
        (Finetune(epochs=60), (30, 8)),
        (Finetune(epochs=8), (4, 1)),
        (Finetune(epochs=1), (1, 1)),
        (Finetune(epochs=12, warmup_share=0, decay_share=1), (0, 12)),
        (Finetune(epochs=12, warmup=3), (3, 2)),
        (Finetune(epochs=12, decay_every=5), (6, 5)),
        (Gradual(steps=2), (1, 1)),
    ],
)
def test_what_is_not_given_is_a_share_of_the_epochs(training: Training, expected: tuple[int, int]) -> None:
    assert (held(training), every(training)) == expected


@settings(deadline=None, max_examples=50)
@given(epochs=st.integers(1, 300), warmup=st.floats(0, 1), decay=st.floats(0.01, 1))
def test_a_share_is_the_number_that_it_comes_to(epochs: int, warmup: float, decay: float) -> None:
    shares = Finetune(epochs=epochs, warmup_share=warmup, decay_share=decay)
    numbers = Finetune(epochs=epochs, warmup=held(shares), decay_every=every(shares))
    assert rates(shares) == rates(numbers)
    assert 0 <= held(shares) <= epochs
    assert 1 <= every(shares) <= epochs


@settings(deadline=None, max_examples=50)
@given(epochs=st.integers(1, 100), more=st.integers(1, 100), share=st.floats(0, 1))
def test_a_share_of_more_epochs_is_never_a_smaller_number(epochs: int, more: int, share: float) -> None:
    short = Finetune(epochs=epochs, warmup_share=share, decay_share=max(share, 0.01))
    long = short.model_copy(update={"epochs": epochs + more})
    assert held(short) <= held(long)
    assert every(short) <= every(long)


def test_a_stretched_schedule_drops_at_the_same_shares_of_it() -> None:
    assert first_epochs_after_a_drop(stretched(Finetune(), 2)) == [300, 360, 420]
    assert first_epochs_after_a_drop(stretched(Finetune(), 1.5)) == [225, 270, 315]
    assert stretched(Finetune(), 2).epochs == 480
    assert rates(stretched(Sparsity(epochs=7), 1)) == rates(Sparsity(epochs=7))
