"""The search section -> knobs, each after those that it depends on, and all that is wrong with them.

It is read by itself, so that its faults are told beside those of the other sections.
"""

from collections.abc import Iterable, Mapping, Sequence

from sweeper.faults import Fault, Place
from sweeper.flow import flow
from sweeper.grammar import read_knob
from sweeper.knobs import Knob, in_order, is_among
from sweeper.settable import known_keys, not_searched, settable, value_fault
from sweeper.strict_yaml import Document
from sweeper.wording import did_you_mean, mend_for
from trainables.recipe import Loaded

FROM_FILE = Loaded.model_fields
"""Keys of a stage that begins with a file: no example for those who search."""


def read_search(document: Document) -> tuple[tuple[Knob, ...], list[Fault]]:
    """The knobs that can be read, in order, and the faults; none of either without a search section."""
    search = document.at("search")
    if not isinstance(search, dict):
        return (), []
    if not search:
        mend = "Name a setting, such as prune.percent: [0.3, 0.5]."
        return (), [document.fault(("search",), "is empty", mend=mend)]
    knobs: list[Knob] = []
    faults: list[Fault] = []
    for key in search:
        if fault := setting_fault(document, key, "search", key):
            faults.append(fault)
            continue
        knob, found = read_knob(document, key)
        faults += found
        knobs += [knob] if knob is not None else []
    faults += _conditions(document, {knob.key: knob for knob in knobs})
    try:
        return in_order(knobs), faults
    except ValueError as error:
        circle = document.fault(("search", str(error), "when"), "conditions go round in a circle")
        return (), faults or [circle]


def setting_fault(document: Document, key: str, *path: str | int) -> Fault | None:
    """Why ``key``, which stands at ``path``, is no setting that can be searched; None if it is one."""
    known = settable()
    if reason := not_searched(key):
        return document.fault(path, f"can't be searched: {reason}", mend="Remove it.")
    if key not in known:
        return document.fault(path, "the pipeline has no such setting", mend=_dotted_mend(key, known))
    section = key.rpartition(".")[0]
    if section and is_absent(document, section):
        rule, mend = f"the pipeline has no {section} section", f"Add {section}: {{...}}, or remove the key."
        return document.fault(path, rule, mend=mend)
    return None


def _dotted_mend(key: str, known: Iterable[str]) -> str | None:
    """The settings that an unknown key may have been meant to be: of a section, or of several stages."""
    inside = [name for name in known if name.startswith(f"{key}.") and name.split(".")[1] not in FROM_FILE]
    same = [name for name in known if name.endswith(f".{key}")]
    if inside:
        return f"Write dotted keys, such as {inside[0]}."
    return f"Write {' or '.join(same)}." if len(same) > 1 else mend_for(key, known)


def is_absent(document: Document, section: str) -> bool:
    """Whether a section is not there; one whose name is mistyped, which is told elsewhere, is."""
    known = [*known_keys(())]
    meant = {did_you_mean(key, known) for key in document.value if key not in known}
    return document.at(*section.split(".")) is None and section not in meant


def _conditions(document: Document, knobs: Mapping[str, Knob]) -> list[Fault]:
    """What is wrong with the settings and values that ``when`` names."""
    faults: list[Fault] = []
    for knob in knobs.values():
        for name, values in knob.when:
            path = ("search", knob.key, "when", name)
            if name == knob.key:
                faults.append(document.fault(path, "is a condition on itself", mend="Remove it."))
            elif fault := setting_fault(document, name, *path):
                faults.append(fault)
            else:
                faults += _condition(document, path, values, knobs.get(name))
    return faults


def _condition(
    document: Document, path: tuple[str, ...], values: Sequence[object], other: Knob | None
) -> list[Fault]:
    """What is wrong with the values of one condition; ``other`` is the knob that it depends on, if any."""
    faults: list[Fault] = []
    for position, value in enumerate(values):
        place: Place = (*path, position) if isinstance(document.at(*path), list) else path
        if fault := value_fault(path[-1], value):
            faults.append(document.fault(place, fault.rule, fault.got, fault.mend))
        elif other is not None and other.values is not None and not is_among(value, other.values):
            mend = f"It is searched among {flow(other.values)}."
            faults.append(document.fault(place, "is never the case", value, mend))
    return faults
