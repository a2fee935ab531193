"""What a trial is stopped for: a bound that its network is outside of, or better peers at a rung."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.text import human
from sweeper import asha
from sweeper.live import Event, Live
from sweeper.metrics import SHARED_METRICS, violation
from sweeper.space import Space, compare_within


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was decided at a rung."""

    event: Event | None
    """To be written before it takes effect; None if an earlier session decided it."""
    reason: str | None
    """Why the trial stops; None: it goes on."""


class Judge:
    """The rungs of one sweep, with everyone that has been there, and its constraints."""

    def __init__(self, space: Space) -> None:
        """No one has been at any rung."""
        sweep = space.settings.sweep
        assert sweep is not None
        self._space = space
        self._asha = sweep.asha
        self._within = compare_within(space) if sweep.asha else ()
        self._stage = space.settings.last_stage
        self._peers: dict[str, dict[str, float]] = {}
        """Rung -> address -> value, the larger the better."""
        self._decided: dict[tuple[int, str], asha.Decision] = {}
        judged = [one for one in space.settings.objective.directions if one[0] in ("accuracy", "loss")]
        self._metric, side = judged[0] if judged else ("accuracy", "maximize")
        self._sign = -1.0 if side == "minimize" else 1.0

    def replay(self, event: Event) -> None:
        """Take in a ``rung`` event of an earlier session."""
        self._peers.setdefault(event["rung"], {})[event["address"]] = event["value"] * self._sign
        self._decided[event["trial"], event["rung"]] = event["decision"]

    def at_rung(self, live: Live, entry: Mapping[str, Any]) -> Verdict | None:
        """Compare a trial after an epoch with its peers; None where the epoch is no rung."""
        if entry["stage"] != self._stage or self._asha is None:
            return None
        training = live.schedule(self._stage)
        assert training is not None
        name = asha.rung(self._asha, training, entry["epoch"])
        if name is None:
            return None
        rung = asha.group(name, self._within, {**self._space.fixed, **live.params})
        live.rungs[entry["epoch"]] = entry[self._metric]
        event = None
        if (live.number, rung) not in self._decided:
            event = self._compare(live, entry, rung)
        stops = self._decided[live.number, rung] == "stop"
        return Verdict(event=event, reason=self._place(entry, rung) if stops else None)

    def _compare(self, live: Live, entry: Mapping[str, Any], rung: str) -> Event:
        assert self._asha is not None
        address, value = entry["address"], entry[self._metric]
        peers = self._peers.setdefault(rung, {})
        peers[address] = value * self._sign
        decision = asha.decide(peers, address, reduction=self._asha.reduction, min_peers=self._asha.min_peers)
        self._decided[live.number, rung] = decision
        return {
            "event": "rung",
            "trial": live.number,
            "rung": rung,
            "epoch": entry["epoch"],
            "address": address,
            "value": value,
            "peers": len(peers),
            "decision": decision,
        }

    def _place(self, entry: Mapping[str, Any], rung: str) -> str:
        """A stopped trial's place among its peers, in words."""
        peers, value = self._peers[rung].values(), entry[self._metric] * self._sign
        place = 1 + sum(other > value for other in peers)
        return f"{place} of {len(peers)} at rung {rung} after epoch {entry['epoch']}"

    def outside(self, live: Live, metrics: Mapping[str, Any]) -> str | None:
        """Measure a trial by every bound on a metric that is known by now; the first broken one in words."""
        bounds = self._space.settings.constraints
        for metric, bound in bounds.items():
            if metric in metrics:
                unpruned = metrics.get(f"{metric}_unpruned")
                live.violations[metric] = violation(bound, metric, metrics[metric], unpruned)
        broken = [metric for metric in bounds if live.violations.get(metric, 0) > 0]
        if not broken:
            return None
        metric = broken[0]
        if metric not in SHARED_METRICS:
            return f"{metric} {metrics[metric]:.4g} is not {bounds[metric]}"
        share = metrics[metric] / metrics[f"{metric}_unpruned"]
        return f"{metric} {human(metrics[metric])} ({share:.3f} of the unpruned) is not {bounds[metric]}"
