"""A YAML file -> a checked Space: what is fixed, what is searched, how.

Every fault of the file is found before anything starts, with its line; no torch and no Ray is loaded for it.
"""

import random
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from sweeper.faults import MISSING, SET, Fault, Faults, from_pydantic
from sweeper.knobs import Knob, Params, draw, grid, in_order, read_knob
from sweeper.settings import CUT_METRICS, RECIPE_SECTIONS, SHARED_METRICS, SpaceFile, parse_bound
from sweeper.strict_yaml import Document, dump, parse_value, read
from sweeper.wording import mend_for
from trainables.recipe import Recipe
from trainables.schedule import plateau_ends

SHIPPED = Path(__file__).resolve().parent.parent / "search_spaces"
PROBED_POINTS = 64
"""Random points whose settings are checked together, beyond each value by itself."""

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Space:
    """A checked space. Without ``search`` it is one configuration."""

    file: str
    name: str
    settings: SpaceFile
    fixed: Mapping[str, Any]
    """Dotted setting -> the file's own value."""
    knobs: tuple[Knob, ...]
    search: Mapping[str, Any]
    """The search section as it was written."""
    warnings: tuple[str, ...] = ()

    def recipe(self, params: Params) -> Recipe:
        """The recipe of a point.

        Raises:
            pydantic.ValidationError: the point's settings do not go together.
        """
        return Recipe.model_validate(self._plain(params))

    def _plain(self, params: Params) -> dict[str, Any]:
        plain = self.settings.model_dump(mode="json", include=set(RECIPE_SECTIONS))
        for key, value in params.items():
            set_dotted(plain, key, value)
        return plain

    def draw(self, rng: random.Random) -> Params:
        """A random point, each value equally likely."""
        return draw(self.knobs, self.fixed, rng)

    def points(self) -> Iterator[Params]:
        """Every point, where all knobs have finitely many values."""
        return grid(self.knobs, self.fixed)

    @property
    def finite(self) -> bool:
        """Whether it has finitely many points."""
        return all(knob.values is not None for knob in self.knobs)

    def text(self) -> str:
        """The space as YAML with every default filled in; reading it gives this space again."""
        plain = self.settings.model_dump(mode="json", exclude={"search"})
        plain = {"name": self.name} | {key: value for key, value in plain.items() if value is not None}
        if self.settings.teacher is not None and self.settings.teacher.checkpoint is not None:
            plain["teacher"] = {key: plain["teacher"][key] for key in ("model", "checkpoint")}
        if self.search:
            plain["search"] = dict(self.search)
        order = ["name", *(key for key in SpaceFile.model_fields if key != "name")]
        return dump({key: plain[key] for key in order if key in plain})


def find(given: str) -> Path:
    """The file that SPACE means: a path, or a shipped space with or without ``space/`` and ``.yaml``."""
    path = Path(given)
    if path.is_file():
        return path
    name = given.removeprefix("space/").removeprefix("search_spaces/")
    for candidate in (SHIPPED / name, SHIPPED / f"{name}.yaml"):
        if candidate.is_file():
            return candidate
    shipped = [str(p.relative_to(SHIPPED).with_suffix("")) for p in sorted(SHIPPED.rglob("*.yaml"))]
    if path.is_dir():
        raise Faults(given, [Fault(rule="is a folder", mend="Name a YAML file.")])
    mend = mend_for(name.removesuffix(".yaml"), shipped)
    raise Faults(given, [Fault(rule="no such file, and no shipped space of this name", mend=mend)])


def load(given: str, overrides: Sequence[tuple[str, Any]] = ()) -> Space:
    """Read and check a space.

    Args:
        given: path or shipped name.
        overrides: (dotted key, value) pairs that replace the file's, as ``--set`` asks.

    Raises:
        Faults: all that is wrong with it.
    """
    path = find(given)
    document = read(path)
    for key, value in overrides:
        document = document.override(_override_path(key), value)
    return check(document, default_name=path.stem)


def read_override(text: str) -> tuple[str, Any]:
    """``KEY=VALUE`` of the command line; VALUE is YAML."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise Faults(SET, [Fault(rule="must be KEY=VALUE", got=text, mend="Write --set prune.percent=0.5.")])
    return key, parse_value(value, key)


def _override_path(key: str) -> tuple[str, ...]:
    """``search.prune.percent`` is one key of the search section, all else goes down part by part."""
    head, _, rest = key.partition(".")
    return (head, rest) if head == "search" and rest else tuple(key.split("."))


def check(document: Document, *, default_name: str) -> Space:
    """The space that a document holds.

    Raises:
        Faults: all that is wrong with it.
    """
    try:
        settings = SpaceFile.model_validate(document.value)
    except ValidationError as error:
        faults = from_pydantic(error, document.line_of, known=_known_keys, value=document.value)
        faults += _unknown_search_keys(document)
        raise Faults(document.file, faults) from None
    faults = _no_effect(document, settings)
    knobs, more = _knobs(document, settings)
    faults += more
    fixed = dict(_flatten(settings.model_dump(mode="json", include=set(RECIPE_SECTIONS))))
    if not faults:
        faults += _values_fit(document, settings, knobs)
    space = Space(
        file=document.file,
        name=settings.name or default_name,
        settings=settings,
        fixed=fixed,
        knobs=knobs,
        search=settings.search or {},
    )
    if not faults:
        faults += (
            _points_fit(document, space) + _sweep_fits(document, space) + _metrics_exist(document, settings)
        )
    if faults:
        raise Faults(document.file, faults)
    return Space(
        **{name: getattr(space, name) for name in Space.__slots__ if name != "warnings"},
        warnings=_warnings(space),
    )


def set_dotted(plain: dict[str, Any], key: str, value: Any) -> None:
    """Set ``a.b`` in nested mappings, in place; a null section becomes a mapping."""
    *sections, last = key.split(".")
    for section in sections:
        if plain.get(section) is None:
            plain[section] = {}
        plain = plain[section]
    plain[last] = value


def compare_within(space: Space) -> tuple[str, ...]:
    """The settings whose values two trials must have in common to be compared by ASHA."""
    sweep = space.settings.sweep
    assert sweep is not None
    assert sweep.asha is not None
    if sweep.asha.compare_within is not None:
        return tuple(sweep.asha.compare_within)
    searched = [knob.key for knob in space.knobs]
    kd = f"{last_stage(space.settings)}.kd"
    return tuple(key for key in searched if key in (kd, "model") or key in _CHANGE_MACS)


_CHANGE_MACS = ("prune.percent", "prune.method")


def last_stage(recipe: Recipe) -> str:
    """The last stage that trains: the one in which trials are compared."""
    return "finetune" if recipe.finetune is not None else "sparsity"


# --- checks ---------------------------------------------------------------------------------------


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The settings model in ``Model`` or ``Model | None``."""
    members = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    for member in members:
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None


def settable(model: type[BaseModel] = Recipe, prefix: str = "") -> dict[str, Any]:
    """Dotted settings of the pipeline with their annotations: what can be searched."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        section = _model_of(field.annotation)
        if section is None:
            found[prefix + name] = field.annotation
        else:
            found |= settable(section, f"{prefix}{name}.")
    return {key: annotation for key, annotation in found.items() if key not in _NOT_SEARCHED}


_NOT_SEARCHED = (
    "evaluate",
    "data.source",
    "data.path",
    "data.download",
    "data.val_fraction",
    "data.split_seed",
)
"""Trials are compared on one split of one data set."""


def _known_keys(path: Path_) -> Iterable[str]:
    model: type[BaseModel] = SpaceFile
    for part in path:
        field = model.model_fields.get(str(part))
        section = None if field is None else _model_of(field.annotation)
        if section is None:
            return ()
        model = section
    return model.model_fields


def _fault(
    document: Document, path: Path_, rule: str, got: object = MISSING, mend: str | None = None
) -> Fault:
    """A fault at a place of the document, with its line; without one it came from ``--set``."""
    line = document.line_of(path)
    key = ".".join(str(part) for part in path if isinstance(part, str))
    key += "".join(f"[{part}]" for part in path if isinstance(part, int))
    return Fault(rule=rule, key=key, line=line, got=got, mend=mend, origin=SET if line is None else None)


def _unknown_search_keys(document: Document) -> list[Fault]:
    search = document.value.get("search")
    if not isinstance(search, dict):
        return []
    return [fault for key in search if (fault := _key_fault(document, key)) is not None]


def _key_fault(document: Document, key: str) -> Fault | None:
    known = settable()
    if key in known:
        section = key.split(".")[0]
        if "." in key and document.value.get(section) is None:
            rule = f"the pipeline has no {section} section"
            return _fault(document, ("search", key), rule, mend=f"Add {section}: {{...}}, or remove the key.")
        return None
    if key in _NOT_SEARCHED:
        return _fault(
            document, ("search", key), "can't be searched: trials are compared on one split of one data set"
        )
    return _fault(document, ("search", key), "the pipeline has no such setting", mend=mend_for(key, known))


def _no_effect(document: Document, settings: SpaceFile) -> list[Fault]:
    """Keys that the file gives and that do nothing in any point."""
    faults = []
    searched = settings.search or {}
    for stage in ("sparsity", "finetune"):
        if getattr(settings, stage) is None or settings.kd_of(stage) != "none" or f"{stage}.kd" in searched:
            continue
        for key in ("kd_tau", "kd_weight", "ce_weight"):
            given = getattr(getattr(settings, stage), key)
            rule, mend = f"has no effect with {stage}.kd: none", f"Remove it, or set {stage}.kd: dist."
            if given is not None:
                faults.append(_fault(document, (stage, key), rule, given, mend))
            if f"{stage}.{key}" in searched:
                faults.append(_fault(document, ("search", f"{stage}.{key}"), rule, mend=mend))
    teacher = settings.teacher
    if teacher is not None and teacher.checkpoint is not None:
        for key in sorted(teacher.model_fields_set - {"checkpoint", "model"}):
            rule, mend = "has no effect on a teacher from a checkpoint", "Remove it."
            faults.append(_fault(document, ("teacher", key), rule, getattr(teacher, key), mend))
    return faults


def _knobs(document: Document, settings: SpaceFile) -> tuple[tuple[Knob, ...], list[Fault]]:
    if settings.search is None:
        return (), []
    if not settings.search:
        return (), [
            _fault(
                document, ("search",), "is empty", mend="Name a setting, such as prune.percent: [0.3, 0.5]."
            )
        ]
    knobs: list[Knob] = []
    faults: list[Fault] = []
    known = settable()
    for key, given in settings.search.items():
        if (fault := _key_fault(document, key)) is not None:
            faults.append(fault)
            continue
        knob, found = read_knob(key, given, integer=_is_integer(known[key]))
        faults += [_lined(document, key, fault) for fault in found]
        if knob is not None:
            knobs.append(knob)
    for knob in knobs:
        for name, _ in knob.when:
            if name not in known:
                mend = mend_for(name, known)
                faults.append(
                    _fault(
                        document,
                        ("search", knob.key, "when", name),
                        "the pipeline has no such setting",
                        mend=mend,
                    )
                )
            elif name == knob.key:
                faults.append(_fault(document, ("search", knob.key, "when", name), "a condition on itself"))
    if faults:
        return (), faults
    try:
        return in_order(knobs), []
    except ValueError as error:
        return (), [_fault(document, ("search", str(error), "when"), "conditions go round in a circle")]


def _lined(document: Document, key: str, fault: Fault) -> Fault:
    """A fault of the grammar with the line of its place."""
    rest = fault.key.removeprefix(f"search.{key}")
    path: Path_ = ("search", key)
    if rest.startswith("["):
        position = int(rest.strip("[]"))
        inside = document.value["search"][key]
        path = (*path, position) if isinstance(inside, list) else (*path, "choice", position)
    elif rest:
        path = (*path, *rest.removeprefix(".").split("."))
    line = document.line_of(path)
    origin = SET if line is None else None
    return Fault(rule=fault.rule, key=fault.key, line=line, got=fault.got, mend=fault.mend, origin=origin)


def _is_integer(annotation: Any) -> bool:
    return annotation is int or int in typing.get_args(annotation)


def _values_fit(document: Document, settings: SpaceFile, knobs: Sequence[Knob]) -> list[Fault]:
    """Each value by itself, in the file's own settings."""
    faults: list[Fault] = []
    for knob in knobs:
        for position, value in enumerate(knob.probes()):
            plain = settings.model_dump(mode="json", include=set(RECIPE_SECTIONS))
            set_dotted(plain, knob.key, value)
            try:
                Recipe.model_validate(plain)
            except ValidationError as error:
                found = from_pydantic(error, lambda path: 0, known=_known_keys, value=plain)[0]
                given = document.value["search"][knob.key]
                at: Path_ = ("search", knob.key)
                if isinstance(given, list):
                    at = (*at, position)
                elif "choice" in given:
                    at = (*at, "choice", position)
                line = document.line_of(at)
                label = f"search.{knob.key}" + (
                    f"[{position}]" if knob.values is not None and len(at) > 2 else ""
                )
                faults.append(
                    Fault(
                        rule=found.rule,
                        key=label,
                        line=line,
                        got=value if found.got is not MISSING else MISSING,
                        mend=found.mend,
                        origin=SET if line is None else None,
                    )
                )
    return faults


def _points_fit(document: Document, space: Space) -> list[Fault]:
    """Whether settings that are right by themselves go together, on some random points."""
    rng = random.Random(0)
    for _ in range(PROBED_POINTS if space.knobs else 0):
        params = space.draw(rng)
        try:
            space.recipe(params)
        except ValidationError as error:
            found = from_pydantic(error, lambda path: 0, known=_known_keys)[0]
            rule = f"the point {params} does not work: {found.rule}"
            return [_fault(document, ("search",), rule, mend=found.mend)]
    return []


def _sweep_fits(document: Document, space: Space) -> list[Fault]:
    sweep = space.settings.sweep
    faults: list[Fault] = []
    if space.knobs and sweep is None:
        faults.append(
            _fault(document, ("sweep",), "is required with a search", mend="Add sweep: {trials: 24}.")
        )
    if sweep is not None and not space.knobs:
        faults.append(
            _fault(document, ("search",), "is required with a sweep", mend="Add search, or remove sweep.")
        )
    if faults or sweep is None:
        return faults
    if sweep.sampler == "grid":
        rule, grid_mend = "a range needs points under sampler: grid", "Add points: 4 (step for int_uniform)."
        for knob in space.knobs:
            if knob.values is None:
                faults.append(_fault(document, ("search", knob.key), rule, space.search[knob.key], grid_mend))
    if sweep.asha is not None:
        searched = {knob.key: knob for knob in space.knobs}
        for position, key in enumerate(sweep.asha.compare_within or ()):
            if key not in settable():
                mend = mend_for(key, settable())
                path: Path_ = ("sweep", "asha", "compare_within", position)
                faults.append(_fault(document, path, "the pipeline has no such setting", key, mend))
        for key in compare_within(space):
            if key in searched and searched[key].values is None:
                rule = f"{key} has endlessly many values, so no two trials could be compared"
                mend = "Give it points, or name finite-valued settings in sweep.asha.compare_within."
                faults.append(_fault(document, ("sweep", "asha"), rule, mend=mend))
    return faults


def _metrics_exist(document: Document, settings: SpaceFile) -> list[Fault]:
    """Objectives and bounds that no trial could have without a cut."""
    if settings.prune is not None:
        return []
    rule, mend = "is measured by pruning, and the pipeline has no prune section", "Add prune: {percent: 0.5}."
    faults = [
        _fault(document, ("objective", side), rule, metric, mend)
        for metric, side in settings.objective.directions
        if metric in CUT_METRICS
    ]
    for metric, bound in settings.constraints.items():
        if metric in CUT_METRICS:
            faults.append(_fault(document, ("constraints", metric), rule, mend=mend))
        elif metric in SHARED_METRICS and parse_bound(bound)[1] < 1:
            share = "is a share of the unpruned network, and the pipeline has no prune section"
            faults.append(_fault(document, ("constraints", metric), share, bound, mend))
    return faults


def _warnings(space: Space) -> tuple[str, ...]:
    """What is allowed but probably not meant."""
    settings, found = space.settings, []
    metrics = {metric for metric, _ in settings.objective.directions}
    searched = {knob.key: knob for knob in space.knobs}
    bounded = set(settings.constraints) | (metrics - {"accuracy", "loss", "accuracy_pruned"})
    if "prune.percent" in searched and not bounded & {"macs", "params", "percent_cut"}:
        found.append(
            "accuracy alone is won by pruning least: "
            'add constraints: {macs: "<= 0.5"} or objective minimize: macs'
        )
    for knob in space.knobs:
        if knob.values is None and knob.key.startswith("sparsity."):
            found.append(
                f"search.{knob.key} has endlessly many values: "
                "no two trials share a sparsity training; add points"
            )
    for stage in ("teacher", "sparsity", "finetune"):
        training = getattr(settings, stage)
        schedule = {f"{stage}.{key}" for key in ("epochs", "warmup", "decay_every")}
        loaded = stage == "teacher" and getattr(training, "checkpoint", None) is not None
        if (
            training is not None
            and not loaded
            and not schedule & set(searched)
            and not plateau_ends(training)
        ):
            found.append(
                f"{stage}: the rate never drops in {training.epochs} epochs "
                f"(first drop after warmup {training.warmup} + decay_every {training.decay_every})"
            )
    return tuple(found)


def _flatten(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
