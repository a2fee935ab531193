"""What is trained again once a search has ended: its finalists on seeds that nothing was chosen on.

Beside them stand the winner's recipe without its cut (``baseline``) and without its distillation (``twin``), on
the same seeds. None is stopped early, and no sampler is told of any.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analysis.finalists import finalists
from analysis.records import CONFIRM, SPACE, Run, read_events
from sweeper.knobs import Params
from sweeper.live import Event
from sweeper.space import Space, check, load
from sweeper.strict_yaml import parse
from trainables.recipe import KEY_OF, Recipe

Role = Literal["finalist", "baseline", "twin"]
Network = tuple[int, Params]
"""A trial of the search: its number and its point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """One recipe that is trained on every fresh seed."""

    role: Role
    of: int
    """The trial of the search that it stands for; of a baseline and a twin the winner."""
    params: Params
    """Its point, with what was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One candidate on one seed."""

    candidate: Candidate
    seed: int
    data: str

    @property
    def about(self) -> dict[str, Any]:
        """What its events say of it, and what it is known by."""
        return {
            "role": self.candidate.role,
            "of": self.candidate.of,
            "seed": self.seed,
            "data": self.data,
        }

    @property
    def params(self) -> Params:
        """Its point."""
        return {**self.candidate.params, "seed": self.seed}


def fresh_seeds(space: Space, count: int) -> range:
    """The smallest seeds above every one that a trial of the search can have."""
    searched = [seed for knob in space.knobs if knob.key == "seed" for seed in knob.probes()]
    first = max(space.settings.seed, *searched, 0) + 1
    return range(first, first + count)


def candidates(space: Space, networks: Iterable[Network]) -> Iterator[Candidate]:
    """The finalists, the winner first, then its baseline and its twin where it has them."""
    networks = list(networks)
    for of, params in networks:
        yield Candidate(role="finalist", of=of, params=params)
    for of, params in networks[:1]:
        winner = space.recipe(params)
        if cuts(winner):
            yield Candidate(role="baseline", of=of, params=_uncut(winner, params))
        if winner.kd_of(winner.last_stage) != "none":
            yield Candidate(role="twin", of=of, params=_undistilled(winner, params))


def plan_runs(space: Space, networks: Iterable[Network]) -> list[Planned]:
    """Every run of the confirmation: on one seed after another all candidates, so that they can be compared."""
    confirm = space.settings.confirm
    if confirm is None:
        return []
    found = list(candidates(space, networks))
    return [
        Planned(candidate=candidate, seed=seed, data=confirm.data)
        for seed in fresh_seeds(space, confirm.seeds)
        for candidate in found
    ]


def planned(space: Space, run: Run) -> list[Planned]:
    """What is to be run for a search as it stands; nothing as long as none of its trials is complete."""
    if space.settings.confirm is None:
        return []
    chosen = finalists(run, space.settings.confirm.top)
    return plan_runs(space, [(row.trial.number, dict(row.trial.params)) for row in chosen])


def cuts(recipe: Recipe) -> bool:
    """Whether a recipe cuts anything off."""
    prune = recipe.prune
    return prune is not None and prune.probe is None and (prune.by_budget or prune.percent > 0)


def _uncut(winner: Recipe, params: Params) -> Params:
    """The point without the cut: nothing goes, whatever said how much; what is trained between cuts stays."""
    prune = winner.prune
    assert prune is not None
    changed: Params = {"prune.percent": 0.0}
    changed |= {
        f"prune.{key}": None for key in ("keep_macs", "keep_params") if getattr(prune, key) is not None
    }
    return {**params, **changed}


def _undistilled(winner: Recipe, params: Params) -> Params:
    """The point without distillation in its last stage, and without the settings of that."""
    section = KEY_OF[winner.last_stage]
    idle = {f"{section}.{key}" for key in ("kd_tau", "kd_weight", "ce_weight")}
    return {key: value for key, value in params.items() if key not in idle} | {f"{section}.kd": "none"}


def key_of(about: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a run of the confirmation is known by: its role, whom it stands for, its seed and images."""
    return tuple(about[name] for name in ("role", "of", "seed", "data"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How far a confirmation is."""

    planned: Sequence[Planned]
    """What the search asks for as it stands."""
    ended: Sequence[Event]
    """The ends of these."""

    @property
    def facts(self) -> dict[str, int]:
        """In numbers."""
        return {"ended": len(self.ended), "planned": len(self.planned)}

    @property
    def words(self) -> str:
        """In words; nothing where nothing is planned."""
        if not self.planned:
            return ""
        seeds = len({one.seed for one in self.planned})
        roles = [one.candidate.role for one in self.planned if one.seed == self.planned[0].seed]
        finalists = roles.count("finalist")
        who = [f"{finalists} finalist{'s'[: finalists > 1]}"]
        who += [f"a {role}" for role in ("baseline", "twin") if role in roles]
        failed = sum(event["state"] != "complete" for event in self.ended)
        return (
            f"{' and '.join(filter(None, (', '.join(who[:-1]), who[-1])))} on {seeds} fresh seeds: "
            f"{len(self.ended)} of {len(self.planned)} runs ended{f', {failed} failed' if failed else ''}"
        )


def standing(run: Run) -> Standing | None:
    """How far the confirmation of a run folder is; None where none is asked for."""
    if not run.space.get("confirm"):
        return None
    wanted = planned(_space(run), run)
    keys = {key_of(one.about) for one in wanted}
    file = run.path / CONFIRM
    events = read_events(file)[0] if file.exists() else []
    ended = [event for event in events if event["event"] == "end" and key_of(event) in keys]
    return Standing(planned=wanted, ended=ended)


def _space(run: Run) -> Space:
    """As it is run; of a run of an earlier version, as its file has it."""
    file, text = run.path / SPACE, run.manifest.get("space_text")
    if not isinstance(text, str):
        return load(str(file))
    return check(parse(text, str(file)), default_name=run.name)
