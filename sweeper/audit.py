"""Which trials go on although a rung would stop them, to see what early stopping costs.

The draw hangs on the sweep's seed and the trial's number alone: not on what the trial has shown, so that the audited
are a fair sample of the stopped, and not on the rung, so that no later rung stops one. At rungs that it would not
have reached an audited trial is no one's peer: the audit changes no decision on others.

It ends as a complete trial, and the sampler is told so: its last value is as true as any other's, and the draw knows
nothing of it, so that the model learns more and nothing false. What the sampler asks for next does change.
"""

from trainables.addresses import digest


def drawn(seed: int, number: int, share: float) -> bool:
    """Whether trial ``number`` is among the ``share``, from 0 (none) to 1 (all), that goes on where it would stop."""
    return int(digest(["audit", seed, number])[:13], 16) < share * 16**13
