"""ASHA (Li et al. 2018, arXiv 1810.05934), its stopping form, as a pure function of recorded rung values.

Where it differs: rungs lie in the last training stage only, at the ends of plateaus of the learning rate or
at shares of a trial's own epochs, so that like is compared with like; a rung counts distinct networks
(addresses), not trials; and no one is stopped before ``min_peers`` of them have been there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sweeper.settings import Asha
from trainables.recipe import Training
from trainables.schedule import drops, plateau_ends

Decision = Literal["continue", "stop"]


def rung(asha: Asha, training: Training, epoch: int) -> str | None:
    """The name of the rung that ``epoch`` is at, None if at none; the last epoch is the end, not a rung."""
    if asha.rungs == "plateaus":
        return f"drops={drops(training, epoch)}" if epoch in plateau_ends(training) else None
    for share in asha.rungs:
        if epoch == max(1, round(share * training.epochs)) and epoch < training.epochs:
            return f"share={share:g}"
    return None


def group(name: str, within: Sequence[str], settings: Mapping[str, Any]) -> str:
    """A rung among like trials: its name and the values that they have in common."""
    return " ".join([name, *(f"{key}={settings.get(key)}" for key in within)])


def decide(peers: Mapping[str, float], address: str, *, reduction: float, min_peers: int) -> Decision:
    """Whether a trial goes on from a rung.

    Args:
        peers: address -> value, of all networks that have been at the rung, itself among them; large is good.
        address: its own.
        reduction: one in so many goes on; of n peers the best floor(n / reduction), at least one.
        min_peers: below so many peers everyone goes on.
    """
    if len(peers) < min_peers:
        return "continue"
    better = sum(value > peers[address] for value in peers.values())
    return "continue" if better < max(1, int(len(peers) / reduction)) else "stop"
