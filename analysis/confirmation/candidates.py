"""What is confirmed: the finalists of the search as it stands, the winner uncut, the winner undistilled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.confirmation.records import ConfirmRun
from analysis.select import Ranked
from analysis.significance import mean

TEST = "test_accuracy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One recipe on fresh seeds; `of` and `role` as of its runs, `row` its place in the search's ranking.

    A baseline and a twin have no row: the search has not trained them. `metric` is the accuracy on the
    validation images that the search has ranked by.
    """

    role: str
    of: int
    row: Ranked | None
    metric: str
    runs: tuple[ConfirmRun, ...]

    @property
    def name(self) -> str:
        """How it is called, where trial 4 is the winner: "trial 4", "trial 4 uncut", "trial 4 without KD"."""
        return name_of(self.role, self.of)

    @property
    def ended(self) -> int:
        """How many of its runs have come to an end."""
        return sum(run.ended for run in self.runs)

    @property
    def failed(self) -> tuple[ConfirmRun, ...]:
        """Runs that ended without a result."""
        return tuple(run for run in self.runs if run.ended and not run.complete)

    @property
    def test(self) -> Mapping[int, float]:
        """Seed → test accuracy, a fraction."""
        return self.by_seed(TEST)

    @property
    def validation(self) -> Mapping[int, float]:
        """Seed → accuracy on the validation images; empty where the students were trained on them."""
        return self.by_seed(self.metric)

    @property
    def searched(self) -> float | None:
        """The search's own value of it."""
        return None if self.row is None else self.row.trial.metric(self.metric)

    def by_seed(self, metric: str) -> Mapping[int, float]:
        """Seed → `metric`, of the complete runs that have it, by seed."""
        found = {run.seed: run.trial.metric(metric) for run in self.runs if run.complete}
        return {seed: value for seed, value in sorted(found.items()) if value is not None}

    def mean(self, metric: str) -> float | None:
        """The mean of `metric` over the seeds; None where no run has it."""
        values = list(self.by_seed(metric).values())
        return mean(values) if values else None


def name_of(role: str, of: int) -> str:
    """How a recipe is called that stands for trial `of`."""
    return f"trial {of}{ {'finalist': '', 'baseline': ' uncut', 'twin': ' without KD'}[role] }"


def candidates(
    runs: Sequence[ConfirmRun], rows: Sequence[Ranked], *, metric: str, data: str
) -> tuple[Candidate, ...]:
    """The finalists in their order, then the winner's baseline and twin where there are runs of them.

    Args:
        runs: all in the file; those of former finalists, or on other `data`, are no candidate's.
        rows: the finalists of the search, the winner first; at least one.
        metric: the accuracy on the validation images.
        data: what students are trained on.
    """
    known: dict[tuple[str, int], list[ConfirmRun]] = {}
    for run in runs:
        if run.data == data:
            known.setdefault((run.role, run.of), []).append(run)
    winner = rows[0].trial.number
    found: list[tuple[str, int, Ranked | None]] = [("finalist", row.trial.number, row) for row in rows]
    found += [(role, winner, None) for role in ("baseline", "twin") if (role, winner) in known]
    return tuple(
        Candidate(role=role, of=of, row=row, metric=metric, runs=tuple(known.get((role, of), ())))
        for role, of, row in found
    )
