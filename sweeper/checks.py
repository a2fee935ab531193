"""All that can be wrong with a space, found at once.

`checked` asks pydantic for each setting by itself and the search section for its knobs, then applies the rules
that join several settings. They read the document as it was written, so that a fault in one place hides none
elsewhere; only what needs the whole recipe waits until the rest is right.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from sweeper.distillation_checks import distillation
from sweeper.faults import Fault, Faults
from sweeper.flow import flow
from sweeper.grammar import KINDS
from sweeper.knobs import Knob
from sweeper.metrics import CUT_ACCURACIES, CUT_METRICS, METRICS, SHARED_METRICS, doubt, parse_bound
from sweeper.point_checks import conditions, points, searching
from sweeper.pydantic_faults import from_pydantic
from sweeper.sampler_checks import sampling
from sweeper.search_section import is_absent, read_search
from sweeper.settable import known_keys, settable
from sweeper.settings import SpaceFile, near_name, run_name
from sweeper.strict_yaml import Document
from trainables.recipe import BEGINNINGS, NOTHING_TRAINED


def checked(document: Document, default_name: str) -> tuple[SpaceFile, tuple[Knob, ...]]:
    """The settings and the knobs of a document; ``default_name`` is the run's if the document has none.

    Raises:
        Faults: all that is wrong with it, at most one a key.
    """
    settings, faults = None, []
    try:
        settings = SpaceFile.model_validate(document.value)
    except ValidationError as error:
        found = from_pydantic(error, document.line_of, known=known_keys, value=document.value)
        faults = [_mended(fault) for fault in found]
    knobs, in_search = read_search(document)
    faults += in_search
    faults += _name(document, default_name)
    faults += _stages(document)
    faults += distillation(document, knobs)
    faults += _teacher(document)
    faults += _search_and_sweep(document)
    faults += _confirm(document)
    begun = _from_file(document, knobs)
    faults += _objective(document, begun=begun)
    faults += _constraints(document, begun=begun)
    if settings is not None and not in_search:
        faults += conditions(document, settings, knobs)
        faults += searching(document, settings, knobs)
        faults += sampling(document, settings, knobs)
        faults += points(document, settings, knobs, lenient=bool(faults))
    if settings is None or faults:
        first: dict[str, Fault] = {}
        for fault in faults:
            first.setdefault(fault.key, fault)
        raise Faults(document.file, first.values())
    return settings, knobs


_EXAMPLES: Final = {
    "data": "{source: digits}",
    "teacher": "{model: resnet32x4}",
    "sparsity": "{s: 1e-4}",
    "prune": "{percent: 0.5}",
    "finetune": "{epochs: 240}",
    "search": "{prune.percent: [0.3, 0.5]}",
    "objective": "{maximize: accuracy}",
    "constraints": '{macs: "<= 0.5"}',
    "sweep": "{trials: 24}",
    "sweep.asha": "{rungs: plateaus}",
    "confirm": "{top: 3, seeds: 5}",
    "resources": "{workers: 2}",
    "store": "{max_gb: 20}",
}


def _mended(fault: Fault) -> Fault:
    """The fault with what only this file knows of: an example of a section, the search for several values."""
    if fault.rule == "must be a mapping" and fault.key in _EXAMPLES:
        return replace(fault, mend=f"Write {fault.key.rpartition('.')[2]}: {_EXAMPLES[fault.key]}.")
    several = isinstance(fault.got, list) or (isinstance(fault.got, dict) and fault.got.keys() & {*KINDS})
    if several and fault.key in settable():
        mend = f"To try several values, write under search: {fault.key}: {flow(fault.got)}."
        return replace(fault, mend=mend)
    return fault


def _name(document: Document, default: str) -> Iterator[Fault]:
    """A file without a name lends its own to the run and its folder."""
    if is_absent(document, "name"):
        try:
            run_name(default)
        except ValueError:
            rule = "is required, since the file's own name can't be a run's"
            yield document.fault(("name",), rule, default, f"Write name: {near_name(default)}.")


def _stages(document: Document) -> Iterator[Fault]:
    if is_absent(document, "sparsity") and is_absent(document, "finetune"):
        rule, mend = NOTHING_TRAINED
        yield document.fault((), rule, mend=mend)


def _teacher(document: Document) -> Iterator[Fault]:
    """What the file says of a teacher's training has no effect if it is loaded."""
    if document.at("teacher", "checkpoint") is not None:
        for key, value in document.at("teacher").items():
            if key not in ("checkpoint", "model", "weights", "normalize", "table"):
                rule = "has no effect on a teacher from a checkpoint"
                yield document.fault(("teacher", key), rule, value, "Remove it.")


def _search_and_sweep(document: Document) -> Iterator[Fault]:
    """One needs the other."""
    search, sweep = is_absent(document, "search"), is_absent(document, "sweep")
    if sweep and not search:
        yield document.fault(("sweep",), "is required with a search", mend="Add sweep: {trials: 24}.")
    if search and not sweep:
        yield document.fault(("search",), "is required with a sweep", mend="Add search, or remove sweep.")


def _confirm(document: Document) -> Iterator[Fault]:
    """It needs a search, and validation images that are none of the test set's to train on them."""
    if document.at("confirm") is None:
        return
    if is_absent(document, "sweep"):
        yield document.fault(
            ("confirm",), "has no effect without a sweep", mend="Add sweep: {trials: 24}, or remove it."
        )
    seen = [stage for stage in BEGINNINGS if document.at(stage, "trained_on") == "train"]
    if document.at("confirm", "data") == "train+val" and seen:
        rule = f"can't be with {seen[0]}.trained_on: train, which chooses by half of the test set"
        yield document.fault(("confirm", "data"), rule, "train+val", "Write data: train.")


_UNCUT = "is measured by pruning, and the pipeline has no prune section"
_ADD_CUT = "Add prune: {percent: 0.5}."


def _from_file(document: Document, knobs: Sequence[Knob]) -> bool:
    """Whether every trial begins with a network from a file, whose sizes are known before it is trained."""
    searched = {knob.key: knob for knob in knobs}
    for stage in BEGINNINGS:
        fixed, knob = document.at(stage, "init"), searched.get(f"{stage}.init")
        given = (fixed,) if knob is None else (*(knob.values or ()), *((fixed,) if knob.when else ()))
        if None not in given:
            return True
    return False


def _unmeasured(document: Document, *, begun: bool) -> Sequence[str]:
    """Metrics that no trial has: of a cut, without one. A file says how much was cut from its network."""
    if not is_absent(document, "prune"):
        return ()
    return CUT_ACCURACIES if begun else CUT_METRICS


def _objective(document: Document, *, begun: bool) -> Iterator[Fault]:
    """What only a cut measures is no objective without one."""
    unmeasured = _unmeasured(document, begun=begun)
    for side in ("maximize", "minimize"):
        given = document.at("objective", side)
        for metric in given if isinstance(given, list) else [given]:
            if metric in unmeasured:
                yield document.fault(("objective", side), _UNCUT, metric, _ADD_CUT)


def _constraints(document: Document, *, begun: bool) -> Iterator[Fault]:
    """Bounds that are well-formed, and yet can't be meant or judged."""
    given, unmeasured = document.at("constraints"), _unmeasured(document, begun=begun)
    for metric, bound in given.items() if isinstance(given, dict) else ():
        path = ("constraints", metric)
        try:
            _, limit = parse_bound(str(bound))
        except ValueError:
            continue
        if metric in METRICS and (reason := doubt(metric, bound)):
            rule, mend = reason
            yield document.fault(path, rule, bound, mend)
        elif metric in unmeasured:
            yield document.fault(path, _UNCUT, mend=_ADD_CUT)
        elif is_absent(document, "prune") and not begun and metric in SHARED_METRICS and limit < 1:
            rule = "is a share of the unpruned network, and the pipeline has no prune section"
            yield document.fault(path, rule, bound, _ADD_CUT)
