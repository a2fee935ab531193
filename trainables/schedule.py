"""Epoch -> learning rate: held at the full rate, then multiplied by ``decay_rate`` again and again.

``warmup`` means what it means to DIST's and the diary's commands, epochs *held* at the full rate: 240 epochs
with warmup 120 and decay_every 30 drop at the start of epochs 150, 180 and 210 (counted from 0), as CRD's and
DIST's schedule does. The linear rise of other codes is ``ramp``.
"""

from trainables.recipe import Training


def rate(training: Training, epoch: int) -> float:
    """The learning rate of ``epoch``, from 1; it depends on ``epochs`` only through the two shares."""
    if epoch <= training.ramp:
        return training.lr * epoch / (training.ramp + 1)
    return training.lr * training.decay_rate ** drops(training, epoch)


def held(training: Training) -> int:
    """Epochs at the full rate before the decay begins: ``warmup``, or its share of the epochs, rounded."""
    return _rounded(training.warmup_share * training.epochs) if training.warmup is None else training.warmup


def every(training: Training) -> int:
    """Epochs between two drops: ``decay_every``, or its share of the epochs, rounded, at least one."""
    if training.decay_every is not None:
        return training.decay_every
    return max(1, _rounded(training.decay_share * training.epochs))


def drops(training: Training, epoch: int) -> int:
    """How often the rate has dropped before ``epoch`` (from 1) begins."""
    return max(0, (epoch - 1 - held(training)) // every(training))


def rates(training: Training) -> tuple[float, ...]:
    """The learning rates of epochs 1 .. ``epochs``."""
    return tuple(rate(training, epoch) for epoch in range(1, training.epochs + 1))


def stretched(training: Training, factor: float) -> Training:
    """The same schedule over ``factor`` times as many epochs, each plateau stretched alike."""
    return training.model_copy(
        update={
            "epochs": max(1, _rounded(training.epochs * factor)),
            "warmup": _rounded(held(training) * factor),
            "decay_every": max(1, _rounded(every(training) * factor)),
        }
    )


def plateau_ends(training: Training) -> tuple[int, ...]:
    """The epochs, before the last, after which the rate drops: where peers can be compared."""
    return tuple(
        epoch for epoch in range(1, training.epochs) if drops(training, epoch + 1) > drops(training, epoch)
    )


def _rounded(value: float) -> int:
    """Half up, so that a schedule grows with its epochs."""
    return int(value + 0.5)
