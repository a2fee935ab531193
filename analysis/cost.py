"""What a sweep cost, and what its trials would have cost had nothing been shared."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.records import Run, TrialState, read_ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """Epochs of students, of ended trials: `alone` = `trained` + `reused`.

    `executed` (None without a ledger) counts what processes really ran, unfinished trials and work lost to
    kills included; the teacher's epochs stand apart, from the ledger where there is one. `store_bytes` is what
    the store took when the run last ended, states of other runs included; None where nobody wrote it down.
    """

    alone: int
    trained: int
    reused: int
    executed: int | None
    teacher: int
    views: int = 0
    """Views of images that the teacher looked at for the distilled epochs, by the ledger."""
    views_again: int = 0
    """Of these, known to have been looked at before."""
    views_live: int = 0
    """Of these, looked at anew in every epoch, since no table held them."""
    live: str = ""
    """Why there was no table."""
    store_bytes: int | None = None
    """Size of the store when the run ended."""

    @property
    def views_ratio(self) -> float | None:
        """Views computed over distinct ones, of those that a table holds; None where it holds none."""
        kept = self.views - self.views_live
        return kept / (kept - self.views_again) if kept > self.views_again else None


def cost(run: Run) -> Cost:
    """Count the epochs of `run` from its trials and its ledger.

    Raises:
        ResultsError: a file of the ledger is damaged.
    """
    ended = [trial for trial in run.trials if trial.state is not TrialState.running]
    trained = sum(trial.epochs_trained for trial in ended)
    reused = sum(trial.epochs_reused for trial in ended)
    lines = read_ledger(run)
    ledger = [line for line in lines if line.get("kind") != "views"]
    looks = [line for line in lines if line.get("kind") == "views"]
    teacher = sum(entry.get("stage") == "teacher" for entry in ledger)
    store = run.manifest.get("store_bytes")
    return Cost(
        alone=trained + reused,
        trained=trained,
        reused=reused,
        executed=len(ledger) - teacher if ledger else None,
        teacher=teacher if ledger else sum(trial.teacher_epochs_trained for trial in ended),
        views=sum(look["computed"] for look in looks),
        views_again=sum(look["again"] for look in looks),
        views_live=sum(look["computed"] for look in looks if look["live"]),
        live=next((look["live"] for look in looks if look["live"]), ""),
        store_bytes=store if isinstance(store, int) else None,
    )
