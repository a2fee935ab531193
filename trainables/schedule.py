"""Epoch -> learning rate: held at the full rate, then multiplied by ``decay_rate`` again and again.

``warmup`` means what it means to DIST's and the diary's commands, epochs *held* at the full rate: 240 epochs
with warmup 120 and decay_every 30 drop at the start of epochs 150, 180 and 210 (counted from 0), as CRD's and
DIST's schedule does. The linear rise of other codes is ``ramp``.
"""

from trainables.recipe import Training


def rate(training: Training, epoch: int) -> float:
    """The learning rate of ``epoch``, counted from 1; it does not depend on ``epochs``."""
    if epoch <= training.ramp:
        return training.lr * epoch / (training.ramp + 1)
    return training.lr * training.decay_rate ** drops(training, epoch)


def drops(training: Training, epoch: int) -> int:
    """How often the rate has dropped before ``epoch`` (from 1) begins."""
    return max(0, (epoch - 1 - training.warmup) // training.decay_every)


def rates(training: Training) -> tuple[float, ...]:
    """The learning rates of epochs 1 .. ``epochs``."""
    return tuple(rate(training, epoch) for epoch in range(1, training.epochs + 1))


def plateau_ends(training: Training) -> tuple[int, ...]:
    """The epochs, before the last, after which the rate drops: where peers can be compared."""
    return tuple(
        epoch for epoch in range(1, training.epochs) if drops(training, epoch + 1) > drops(training, epoch)
    )
