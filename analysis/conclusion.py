"""What a run comes to: computed once, for the report, the closing lines and the status."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.answer import Answer, answer
from analysis.confirmation.answer import confirmed_answer
from analysis.confirmation.results import Confirmation, confirmation, confirmed_choice
from analysis.cost import Cost, cost
from analysis.records import Run
from analysis.select import Baseline, Choice, baseline, best


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclusion:
    """`choice` is the network to take, None where no trial is complete; a confirmation, if there is one, decides."""

    choice: Choice | None
    unpruned: Baseline | None
    cost: Cost
    answer: Answer
    confirmation: Confirmation | None


def conclude(run: Run) -> Conclusion:
    """Compute it.

    Raises:
        ResultsError: a file of the run is damaged.
    """
    choice, unpruned, spent, found = best(run), baseline(run), cost(run), confirmation(run)
    if choice and found:
        choice = confirmed_choice(choice, found)
    said = answer(run, choice, unpruned, spent)
    said = confirmed_answer(said, found) if found else said
    return Conclusion(choice=choice, unpruned=unpruned, cost=spent, answer=said, confirmation=found)
