"""What a sampler needs of the objectives, the knobs and its own settings."""

from collections.abc import Iterator, Sequence
from typing import Final

from sweeper.faults import Fault
from sweeper.knobs import Knob
from sweeper.settings import SpaceFile
from sweeper.strict_yaml import Document

_WITH_STARTUP: Final = ("tpe", "mfbo", "gp", "nsga2", "nsga3")
_IN_GENERATIONS: Final = ("nsga2", "nsga3")
_ONE_OBJECTIVE: Final = ("cmaes", "mfbo")


def sampling(document: Document, settings: SpaceFile, knobs: Sequence[Knob]) -> Iterator[Fault]:
    """Faults of a sampler that can't search this space, or of a setting that does nothing for it."""
    sweep = settings.sweep
    if sweep is None:
        return
    path, startup = ("sweep", "startup_trials"), sweep.startup_trials
    if startup is not None and sweep.sampler not in _WITH_STARTUP:
        yield document.fault(path, f"has no effect with sampler: {sweep.sampler}", startup, "Remove it.")
    if startup == 1 and sweep.sampler in _IN_GENERATIONS:
        rule = f"must be at least 2 with sampler: {sweep.sampler}, whose generations are so large"
        yield document.fault(path, rule, startup, "Write startup_trials: 10.")
    if sweep.cost_aware and sweep.sampler != "mfbo":
        rule, mend = f"has no effect with sampler: {sweep.sampler}", "Write sampler: mfbo, or remove it."
        yield document.fault(("sweep", "cost_aware"), rule, sweep.cost_aware, mend)
    if sweep.sampler in _ONE_OBJECTIVE and len(settings.objective.directions) > 1:
        mend = "Write sampler: tpe, gp, nsga2 or nsga3."
        yield document.fault(("sweep", "sampler"), "is for one objective", sweep.sampler, mend)
    elif sweep.sampler == "cmaes":
        yield from _cmaes(document, knobs)


def _cmaes(document: Document, knobs: Sequence[Knob]) -> Iterator[Fault]:
    if not any(knob.ordered and not knob.when and len(knob.probes()) > 1 for knob in knobs):
        rule = "needs a searched setting that is a number, has several values and no when"
        yield document.fault(("sweep", "sampler"), rule, "cmaes", "Write sampler: tpe.")
