"""What every sampler must do, and what one alone does."""

from collections.abc import Sequence
from functools import cache
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweeper.knobs import Params, is_among
from sweeper.samplers import SAMPLERS
from sweeper.search import Search
from sweeper.settings import Sweep
from sweeper.space import Space, check
from sweeper.strict_yaml import parse

TEXT = """\
data: {source: digits}
model: preresnet8
teacher: {model: resnet8}
prune: {method: slimming}
finetune: {lr: 0.02}
search:
  prune.percent: [0.3, 0.5, 0.7]
  finetune.lr: {log_uniform: [1e-3, 1e-1]}
  prune.method: [slimming]
  finetune.kd: [none, dist, kd]
  finetune.kd_weight: {choice: [0.5, 1, 2], when: {finetune.kd: [dist, kd]}}
  finetune.kd_tau: {uniform: [1, 4], when: {finetune.kd: kd}}
  finetune.epochs: {int_uniform: [4, 12]}
sweep: {trials: 64, seed: SEED, sampler: NAME}
"""
GRID = TEXT.replace("1e-1]", "1e-1], points: 2").replace("[1, 4]", "[1, 4], points: 2")
GRID = GRID.replace("[4, 12]", "[4, 12], step: 4")
MORE = {
    "one objective": "",
    "two objectives": "objective: {maximize: accuracy, minimize: macs}\n",
    "constraints": 'constraints: {macs: "<= 0.5", accuracy: ">= 0.2"}\n',
}
NAMES = [name for name in SAMPLERS if name not in ("gp", "grid")]
ASKED = [
    (name, more)
    for name in NAMES
    for more in MORE
    if name not in ("cmaes", "mfbo") or more != "two objectives"
]
STATES = ("complete", "complete", "stopped", "complete", "failed", "infeasible")

Happening = tuple[int, Params | None]
"""A trial, and its point where it is asked for, None where it ends."""


@cache
def space(name: str, more: str = "one objective", seed: int = 0) -> Space:
    text = (GRID if name == "grid" else TEXT).replace("SEED", str(seed)).replace("NAME", name) + MORE[more]
    if name in ("tpe", "mfbo", "gp", "nsga2", "nsga3"):
        text = text.replace(name, f"{name}, startup_trials: 3")
    return check(parse(text, "f.yaml"), default_name="f")


def tell(search: Search, number: int, params: Params) -> None:
    """A made-up end of a trial that depends on its point."""
    cut = params["prune.percent"]
    accuracy = 1 - cut / 2 - abs(params.get("finetune.kd_weight", 0) - 1) / 10 + params["finetune.lr"]
    state = STATES[number % len(STATES)]
    metrics = {"accuracy": accuracy, "macs": 1 - cut}
    outside = {"macs": 0.2 if state == "infeasible" else -0.1}
    known = outside if state in ("infeasible", "failed") else {**outside, "accuracy": -0.1}
    search.tell(number, state, metrics, rungs={"share=0.5": (4, accuracy / 2)}, violations=known)


def go(search: Search, happened: Sequence[Happening], choices: Sequence[int]) -> list[Happening]:
    """Go on from what happened: 0 asks for a trial, another number ends one of those under way, if any is."""
    events = list(happened)
    under_way = {number: params for number, params in events if params is not None}
    asked = len(under_way)
    for number, params in events:
        if params is None:
            del under_way[number]
    for choice in choices:
        if choice == 0 or not under_way:
            under_way[asked] = search.ask(asked)
            events.append((asked, under_way[asked]))
            asked += 1
        else:
            number = sorted(under_way)[(choice - 1) % len(under_way)]
            tell(search, number, under_way.pop(number))
            events.append((number, None))
    return events


def replayed(where: Space, events: Sequence[Happening]) -> Search:
    search, points = Search(where), dict[int, Params]()
    for number, params in events:
        if params is None:
            tell(search, number, points[number])
        else:
            points[number] = search.replay(number, params)
    return search


def points(where: Space, count: int) -> list[Params]:
    """What one worker is given."""
    return [params for _, params in go(Search(where), [], [0, 1] * count) if params is not None]


def test_every_name_of_the_settings_is_a_sampler() -> None:
    assert list(SAMPLERS) == list(get_args(Sweep.model_fields["sampler"].annotation))


@pytest.mark.parametrize(("name", "more"), ASKED)
def test_equal_seeds_ask_for_equal_points_and_others_for_others(name: str, more: str) -> None:
    once = points(space(name, more), 16)
    assert once == points(space(name, more), 16)
    assert once != points(space(name, more, seed=1), 16)


@pytest.mark.parametrize(("name", "more"), ASKED)
@settings(deadline=None, max_examples=4, derandomize=True)
@given(choices=st.lists(st.integers(0, 3), min_size=36, max_size=60), cut=st.integers(0, 35))
@example(choices=[0, 1] * 6 + [0] * 16, cut=20)  # a crash with eight trials under way
def test_a_search_goes_on_as_if_it_had_not_been_interrupted(
    name: str, more: str, choices: list[int], cut: int
) -> None:
    where = space(name, more)
    whole = go(Search(where), [], choices)
    assert go(replayed(where, whole[:cut]), whole[:cut], choices[cut:]) == whole


@pytest.mark.parametrize("more", ["two objectives", "constraints"])
def test_a_gaussian_process_goes_on_so_too(more: str) -> None:
    """Its model, with another trial under way too, is asked three times only: that takes a second or two."""
    where, choices = space("gp", more), [0, 1, 0, 1, 0, 1, 0, 0]
    whole = go(Search(where), [], choices)
    assert go(replayed(where, whole[:7]), whole[:7], choices[7:]) == whole
    assert whole[:6] != go(Search(space("gp", more, seed=1)), [], choices[:6])


@pytest.mark.parametrize("name", SAMPLERS)
def test_points_are_inside_the_space_and_have_what_their_conditions_ask_for(name: str) -> None:
    where = space(name)
    for point in points(where, 6 if name == "gp" else 40):
        assert {knob.key for knob in where.knobs if knob.active(point, where.fixed)} == point.keys()
        for knob in where.knobs:
            if knob.key in point:
                value: Any = point[knob.key]
                assert (
                    is_among(value, knob.values)
                    if knob.values is not None
                    else knob.low <= value <= knob.high and isinstance(value, int if knob.integer else float)
                )


@pytest.mark.parametrize("name", [name for name in SAMPLERS if SAMPLERS[name].free])
def test_what_is_free_does_not_hang_on_results(name: str) -> None:
    search = Search(space(name))
    assert search.free
    assert [search.ask(number) for number in range(20)] == points(space(name), 20)


def test_sobol_points_are_spread_evenly_in_every_knob() -> None:
    asked = points(space("sobol"), 64)
    kinds = [point["finetune.kd"] for point in asked]
    assert {kinds.count(kind) for kind in ("none", "dist", "kd")} <= {21, 22}
    below = sum(point["finetune.lr"] < 1e-2 for point in asked)
    assert below == 32
    assert len({point["finetune.lr"] for point in asked}) == 64


@pytest.mark.parametrize("name", ["nsga2", "nsga3", "cmaes", "tpe"])
def test_a_search_that_learns_comes_nearer_than_a_random_one(name: str) -> None:
    """By the mean of the last 20 of 60 trials; the best point has the smallest cut and the largest rate."""

    def late(kind: str) -> float:
        asked = points(space(kind), 60)[40:]
        return sum(point["finetune.lr"] - point["prune.percent"] for point in asked) / 20

    assert late(name) > late("random") + 0.02
