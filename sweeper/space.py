"""A YAML file -> a checked Space: what is fixed, what is searched, how.

Every fault of the file is found before anything starts, with its line; no torch and no Ray is loaded for it.
"""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis import plain_yaml
from analysis.records import set_dotted
from sweeper.cautions import cautions
from sweeper.checks import checked
from sweeper.faults import SET, Fault, Faults
from sweeper.flow import flow
from sweeper.knobs import Knob, Params, draw, grid
from sweeper.peers import compared_within
from sweeper.settable import filled_in, fixed_settings, recipe_at, settable
from sweeper.settings import SpaceFile
from sweeper.strict_yaml import Document, neighbour, parse_value, read
from sweeper.wording import mend_for
from trainables.recipe import BEGINNINGS, Recipe

NETWORKS = ("teacher.checkpoint", *(f"{section}.init" for section in BEGINNINGS))
"""Settings that name a network's file."""
PATHS = ("data.path", *NETWORKS)
"""Settings that name a file or folder, from where the program is started."""
SHIPPED = Path(__file__).resolve().parent.parent / "search_spaces"


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
        return recipe_at(self.settings, params)

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
        """The space as YAML with every default filled in, and whole paths; reading it gives this space again."""
        plain = filled_in(self.settings, without=("search",))
        plain = {"name": self.name} | {key: value for key, value in plain.items() if value is not None}
        for key in PATHS:
            if self.fixed.get(key) is not None:
                set_dotted(plain, key, str(Path(self.fixed[key]).resolve()))
        folders = self.settings.evaluate.test_sets.folders
        plain["evaluate"]["test_sets"]["folders"] = {
            name: str(Path(folder).resolve()) for name, folder in folders.items()
        }
        if self.search:
            plain["search"] = dict(self.search)
        order = ["name", *(key for key in SpaceFile.model_fields if key != "name")]
        return plain_yaml.dump({key: plain[key] for key in order if key in plain})


def find(given: str) -> Path:
    """The file that SPACE means: a path, or a shipped space with or without ``space/`` and ``.yaml``.

    Raises:
        Faults: there is none.
    """
    path = Path(given)
    name = given.removeprefix("space/").removeprefix("search_spaces/")
    for candidate in (path, SHIPPED / name, SHIPPED / f"{name}.yaml"):
        if os.path.isfile(candidate):  # noqa: PTH113  (a name that is too long is simply no file)
            return candidate
    file = given or '""'
    if os.path.isdir(path):  # noqa: PTH112
        raise Faults(file, [Fault(rule="is a folder", mend="Name a YAML file.")])
    shipped = [str(p.relative_to(SHIPPED).with_suffix("")) for p in sorted(SHIPPED.rglob("*.yaml"))]
    near = neighbour(path)
    mend = f"Did you mean {near}?" if near else mend_for(name.removesuffix(".yaml"), shipped)
    raise Faults(file, [Fault(rule="no such file, and no shipped space of this name", mend=mend)])


def load(given: str, overrides: Sequence[tuple[str, Any]] = ()) -> Space:
    """Read and check a space.

    Args:
        given: path or shipped name.
        overrides: (dotted key, value) pairs that replace the file's, as ``--set`` asks; the last one of a key
            counts.

    Raises:
        Faults: all that is wrong with it.
    """
    path = find(given)
    document = read(path)
    faults: list[Fault] = []
    for key, value in overrides:
        try:
            document = document.override(_override_path(key), value)
        except Faults as error:
            faults += error.faults
    if faults:
        raise Faults(document.file, faults)
    space = check(document, default_name=path.stem)
    searched = {knob.key for knob in space.knobs if not knob.when}
    for key, value in dict(overrides).items():
        if key in searched:
            rule, mend = "is searched, so this has no effect", f"Write --set search.{key}={flow([value])}."
            faults.append(Fault(rule=rule, key=key, got=value, mend=mend, origin=SET))
    if faults:
        raise Faults(document.file, faults)
    return space


def read_override(text: str) -> tuple[str, Any]:
    """``KEY=VALUE`` of the command line; VALUE is YAML.

    Raises:
        Faults: it is not, with `SET` for a file.
    """
    key, equals, value = text.partition("=")
    if not equals or not all(key.split(".")) or key != key.strip():
        raise Faults(SET, [Fault(rule="must be KEY=VALUE", got=text, mend="Write --set prune.percent=0.5.")])
    return key, parse_value(value, key)


def _override_path(key: str) -> tuple[str, ...]:
    """The place that a dotted key means: a setting is one key of the search section."""
    head, _, rest = key.partition(".")
    if head != "search" or not rest:
        return tuple(key.split("."))
    for setting in settable():
        if rest.startswith(f"{setting}."):
            return head, setting, *rest.removeprefix(f"{setting}.").split(".", 1)
    return head, rest


def check(document: Document, *, default_name: str) -> Space:
    """The space that a document holds; ``default_name`` is the run's if the document has none.

    Raises:
        Faults: all that is wrong with it.
    """
    settings, knobs = checked(document, default_name)
    return Space(
        file=document.file,
        name=settings.name or default_name,
        settings=settings,
        fixed=fixed_settings(settings),
        knobs=knobs,
        search=settings.search or {},
        warnings=tuple(cautions(settings, knobs)),
    )


def compare_within(space: Space) -> tuple[str, ...]:
    """The settings whose values two trials must have in common to be compared by ASHA."""
    return compared_within(space.settings, space.knobs)
