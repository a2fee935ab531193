"""RUN/confirm.jsonl in, frozen results out.

Candidates are compared on the test set, which nothing was chosen on, in pairs of equal seeds. The recommendation
among the finalists is made by validation accuracy on fresh seeds, so that the test set stays unseen.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.errors import ResultsError
from analysis.finalists import finalists
from analysis.records import CONFIRM, Run, TrialState, read_events
from analysis.select import Ranked
from analysis.significance import Difference, compare, holm, mean, sd, t_p

CLAIM = 0.05
"""A difference is claimed where Holm's p is at most this."""
ROLES = ("finalist", "baseline", "twin")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One recipe on fresh seeds: accuracies, fractions, by seed."""

    role: str
    of: int
    """The trial of the search that it stands for; of a baseline or twin the winner."""
    searched: float | None
    """The search's own validation accuracy of it; None for a baseline or twin."""
    test: Mapping[Hashable, float]
    validation: Mapping[Hashable, float]
    params: float | None
    macs: float | None
    images: int | None
    """Of the test set."""
    failed: tuple[str, ...] = ()
    """Why runs of it failed."""

    @property
    def name(self) -> str:
        """How it is called."""
        more = {"finalist": "", "baseline": ", not cut", "twin": ", finetuned without distillation"}
        return f"trial {self.of}{more[self.role]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A candidate minus the winner: test accuracy, and Holm's p over all comparisons (None: not testable)."""

    candidate: Candidate
    change: Difference
    p: float | None

    @property
    def verdict(self) -> str:
        """What may be said of it, in words."""
        if self.change.low is None or self.change.high is None:
            return "no statistics"
        if self.p is not None and self.p <= CLAIM:
            return "better" if self.change.value > 0 else "worse"
        return "not decided"


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmation:
    """What training the finalists again has shown; `candidates` in order, the winner of the search first."""

    candidates: tuple[Candidate, ...]
    comparisons: tuple[Comparison, ...]
    recommended: Candidate
    ended: int
    planned: int
    former: int
    """Runs of networks that are no candidates any more."""
    data: str
    """train, or train+val: the students have seen the validation images, too."""

    @property
    def winner(self) -> Candidate:
        """The search's own choice."""
        return self.candidates[0]

    @property
    def decides(self) -> bool:
        """Whether all has ended, so that the answer is the confirmation's and no longer the search's."""
        return self.ended >= self.planned

    @property
    def flattered(self) -> Difference | None:
        """The search's accuracies of the finalists minus their means on fresh seeds: the winner's curse."""
        gaps: dict[Hashable, tuple[float, float]] = {
            one.of: (one.searched, mean(list(one.validation.values())))
            for one in self.candidates
            if one.searched is not None and one.validation
        }
        if not gaps:
            return None
        searched, confirmed = ({of: pair[side] for of, pair in gaps.items()} for side in (0, 1))
        return compare(searched, confirmed, images=None)


def confirmation(run: Run) -> Confirmation | None:
    """What `run` holds of a confirmation; None where it asked for none, or has not begun one.

    Raises:
        ResultsError: the file is damaged.
    """
    asked = run.space.get("confirm")
    file = run.path / CONFIRM
    if not asked or not file.exists():
        return None
    events, chosen = read_events(file)[0], finalists(run, int(asked.get("top", 3)))
    if not chosen:
        return None
    try:
        return _results(run, asked, chosen, events)
    except (KeyError, TypeError, ValueError) as error:
        raise ResultsError(f"{file}: damaged, {type(error).__name__}: {error}. Restore the file.") from error


def _results(
    run: Run, asked: Mapping[str, Any], chosen: Sequence[Ranked], events: Sequence[Mapping[str, Any]]
) -> Confirmation | None:
    data = str(asked.get("data", "train"))
    groups = _groups(events, data)
    winner = chosen[0].trial.number
    known = [("finalist", row.trial.number) for row in chosen] + [("baseline", winner), ("twin", winner)]
    found = [
        _candidate(key, groups[key], row)
        for key, row in zip(known, [*chosen, None, None], strict=True)
        if key in groups
    ]
    if not found or found[0].of != winner:
        return None
    runs = [event for key in known if key in groups for event in groups[key]]
    return Confirmation(
        candidates=tuple(found),
        comparisons=_comparisons(found),
        recommended=_recommended([one for one in found if one.role == "finalist"]),
        ended=sum(event["event"] == "end" for event in runs),
        planned=int(asked.get("seeds", 5)) * (len(chosen) + sum(one.role != "finalist" for one in found)),
        former=sum(event["event"] == "end" for event in events) - sum(e["event"] == "end" for e in runs),
        data=data,
    )


def _groups(events: Sequence[Mapping[str, Any]], data: str) -> dict[tuple[str, int], list[Mapping[str, Any]]]:
    """(role, of) -> its events, of runs that were trained on these images."""
    groups: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for event in events:
        if event["role"] not in ROLES:
            raise ValueError(f"role: one of {', '.join(ROLES)}, got {event['role']!r}")
        if event["data"] == data:
            groups.setdefault((event["role"], int(event["of"])), []).append(event)
    return groups


def _candidate(key: tuple[str, int], events: Sequence[Mapping[str, Any]], row: Ranked | None) -> Candidate:
    ends = [event for event in events if event["event"] == "end"]
    whole = [event for event in ends if event["state"] == TrialState.complete.value]
    metrics = {int(event["seed"]): event["metrics"] for event in whole}
    images = next((int(one["test_images"]) for one in metrics.values() if "test_images" in one), None)
    return Candidate(
        role=key[0],
        of=key[1],
        searched=None if row is None else row.trial.metric("accuracy"),
        test={seed: float(one["test_accuracy"]) for seed, one in metrics.items() if "test_accuracy" in one},
        validation={seed: float(one["accuracy"]) for seed, one in metrics.items() if "accuracy" in one},
        params=_mean([one["params"] for one in metrics.values() if "params" in one]),
        macs=_mean([one["macs"] for one in metrics.values() if "macs" in one]),
        images=images,
        failed=tuple(str(event["reason"]) for event in ends if event["state"] == TrialState.failed.value),
    )


def _mean(values: Sequence[float]) -> float | None:
    return mean(values) if values else None


def _comparisons(found: Sequence[Candidate]) -> tuple[Comparison, ...]:
    winner, others = found[0], found[1:]
    changes = [
        compare(one.test, winner.test, images=None) if one.test and winner.test else None for one in others
    ]
    raw = [
        t_p([one.test[seed] - winner.test[seed] for seed in one.test if seed in winner.test])
        for one in others
    ]
    tested = [index for index, p in enumerate(raw) if p is not None]
    adjusted = dict(zip(tested, holm([p for p in raw if p is not None]), strict=True))
    return tuple(
        Comparison(candidate=one, change=change, p=adjusted.get(index))
        for index, (one, change) in enumerate(zip(others, changes, strict=True))
        if change is not None
    )


def _recommended(rows: Sequence[Candidate]) -> Candidate:
    """The cheapest finalist within one standard error of the best, by validation accuracy on fresh seeds.

    The one-standard-error rule of Breiman et al. (1984). Without validation accuracies, the search's own choice.
    """
    measured = [row for row in rows if row.validation]
    if len(measured) < len(rows):
        return rows[0]
    means = {row.of: mean(list(row.validation.values())) for row in measured}
    top = max(measured, key=lambda row: means[row.of])
    spread = sd(list(top.validation.values())) or 0.0
    least = means[top.of] - spread / math.sqrt(len(top.validation))
    return min(
        (row for row in measured if means[row.of] >= least),
        key=lambda row: (math.inf if row.macs is None else row.macs, -means[row.of], row.of),
    )
