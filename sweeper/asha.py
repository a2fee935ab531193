"""ASHA (Li et al. 2018, arXiv 1810.05934), its stopping form, as a pure function of recorded rung values.

Where it differs: rungs lie in the last training stage only, at the ends of plateaus of the learning rate or
at shares of a trial's own epochs, so that like is compared with like; a rung counts distinct networks
(addresses), not trials; no one is stopped before ``min_peers`` of them have been there, nor who is on the Pareto
front of all groups or among the best ``protect`` of its own.

Where macs or params are objectives beside accuracy or loss, networks are ranked by all of them (`fronts`): the
multi-objective ASHA of Schmucker et al. 2021, arXiv 2106.12639. With one objective that is the order by value. An
equal or a dominated network never goes on where the other one stops; with one objective a better value never turns
``continue`` into ``stop``, with several it may where the network stays in its front, since then its distances count.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from analysis.pareto import dominates
from sweeper.fronts import Vector, ahead
from sweeper.settings import Asha, SpaceFile
from trainables.recipe import Training
from trainables.schedule import drops, plateau_ends

Decision = Literal["continue", "stop"]


def ranked_by(settings: SpaceFile) -> tuple[tuple[str, Literal["maximize", "minimize"]], ...]:
    """(metric, side) that networks are compared by at a rung: accuracy or loss, then those that a cut has settled."""
    directions = settings.objective.directions
    judged = [one for one in directions if one[0] in ("accuracy", "loss")]
    settled = settings.prune is not None and settings.last_stage == "finetune"
    sizes = [one for one in directions if settled and one[0] in ("macs", "params")]
    return ((judged or [("accuracy", "maximize")])[0], *sizes)


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


def rung_of(group: str) -> str:
    """The rung of a group of like trials."""
    return group.partition(" ")[0]


def others(groups: Mapping[str, Mapping[str, Vector]], group: str) -> Iterator[Vector]:
    """The values of the other groups at a rung; ``groups`` are all, of all rungs: name -> address -> values."""
    for other, peers in groups.items():
        if other != group and rung_of(other) == rung_of(group):
            yield from peers.values()


def decide(
    peers: Mapping[str, Vector], address: str, asha: Asha, *, others: Iterable[Vector] = ()
) -> Decision:
    """Whether a trial goes on from a rung: if it is among the best floor(n / reduction) of its n peers, or protected.

    Args:
        peers: address -> values, of all networks of its group that have been at the rung, itself among them.
        address: its own.
        asha: reduction, min_peers and protect.
        others: values of the networks of other groups at the same rung.
    """
    own = peers[address]
    if len(peers) < asha.min_peers or not any(dominates(one, own) for one in (*peers.values(), *others)):
        return "continue"
    go_on = max(asha.protect, int(len(peers) / asha.reduction))
    return "continue" if ahead(peers.values(), own) < go_on else "stop"
