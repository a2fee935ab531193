"""What a trial is stopped for: a bound that its network is outside of, or better peers at a rung."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.text import human
from sweeper import asha
from sweeper.audit import drawn
from sweeper.fronts import Vector, ahead
from sweeper.live import Event, Live
from sweeper.metrics import SHARED_METRICS, violation
from sweeper.space import Space, compare_within
from trainables.summary import last_cut


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What was decided at a rung."""

    event: Event | None
    """To be written before it takes effect; None if an earlier session decided it."""
    reason: str | None
    """Why the trial stops; None: it goes on."""


class Judge:
    """The rungs of one sweep, with everyone that has been there, and its constraints.

    All that it knows of rungs is a fold of the ``rung`` events, whether an earlier session wrote them or this one.
    """

    def __init__(self, space: Space) -> None:
        """No one has been at any rung."""
        sweep = space.settings.sweep
        assert sweep is not None
        self._space = space
        self._asha = sweep.asha
        self._seed = sweep.seed
        self._within = compare_within(space) if sweep.asha else ()
        self._stage = space.settings.last_stage
        self._signs = {
            metric: -1.0 if side == "minimize" else 1.0 for metric, side in asha.ranked_by(space.settings)
        }
        """Metric that ranks -> its sign, so that large is good; accuracy or loss is the first."""
        self._metric = next(iter(self._signs))
        self._peers: dict[str, dict[str, Vector]] = {}
        """Group at a rung -> address -> values."""
        self._decided: dict[tuple[int, str], str] = {}
        self._audited: dict[int, str] = {}
        """Trial -> the first rung that would have stopped it; at later ones it is no one's peer."""

    def replay(self, event: Event) -> None:
        """Take in a ``rung`` event; one from when rungs had a single value stands, but is no peer of several."""
        number, rung = event["trial"], event["rung"]
        values = event.get("values", {self._metric: event["value"]})
        if number not in self._audited and values.keys() >= self._signs.keys():
            self._peers.setdefault(rung, {})[event["address"]] = self._vector(values)
        if event["decision"] == "audit":
            self._audited.setdefault(number, rung)
        self._decided[number, rung] = event["decision"]

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
        values = {**(last_cut(live.curve) or {}), **entry}
        values = {metric: values[metric] for metric in self._signs}
        live.rungs[rung] = (entry["epoch"], values[self._metric])
        event = None
        if (live.number, rung) not in self._decided:
            event = self._compare(live, entry, rung, values)
            self.replay(event)
        live.audited = self._audited.get(live.number)
        stops = self._decided[live.number, rung] == "stop"
        return Verdict(event=event, reason=self._place(entry, rung, values) if stops else None)

    def _compare(self, live: Live, entry: Mapping[str, Any], rung: str, values: Mapping[str, float]) -> Event:
        """The event that says how a trial stands at a rung, and what follows."""
        assert self._asha is not None
        address = entry["address"]
        peers = {**self._peers.get(rung, {}), address: self._vector(values)}
        decision: str = asha.decide(peers, address, self._asha, others=asha.others(self._peers, rung))
        if decision == "stop" and drawn(self._seed, live.number, self._asha.audit):
            decision = "audit"
        return {
            "event": "rung",
            "trial": live.number,
            "rung": rung,
            "epoch": entry["epoch"],
            "address": address,
            "value": values[self._metric],
            **({"values": values} if len(values) > 1 else {}),
            "peers": len(peers),
            "decision": decision,
        }

    def _vector(self, values: Mapping[str, float]) -> Vector:
        """Values, each the larger the better."""
        return tuple(sign * values[metric] for metric, sign in self._signs.items())

    def _place(self, entry: Mapping[str, Any], rung: str, values: Mapping[str, float]) -> str:
        """A stopped trial's place among its peers, in words."""
        own = self._vector(values)
        peers = {**self._peers.get(rung, {}), entry["address"]: own}
        by = f" by {' and '.join(values)}" if len(values) > 1 else ""
        place = 1 + ahead(peers.values(), own)
        return f"{place} of {len(peers)}{by} at rung {rung} after epoch {entry['epoch']}"

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
