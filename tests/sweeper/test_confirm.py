import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.records import read_run
from sweeper.confirm import candidates, fresh_seeds, key_of, plan_runs, planned, standing
from sweeper.knobs import Params
from sweeper.manifest import Manifest
from sweeper.space import Space, check
from sweeper.strict_yaml import parse
from trainables.canonical import canonical

SpaceOf = Callable[[str], Space]
POINT: Params = {"sparsity.s": 1e-3, "prune.percent": 0.7, "finetune.kd": "dist", "finetune.kd_weight": 2}
LAWS = settings(deadline=None, max_examples=40)


def roles(space: Space, params: Params) -> list[str]:
    return [one.role for one in candidates(space, [(7, params)])]


def found(space: Space, role: str, params: Params = POINT) -> Params:
    return next(one.params for one in candidates(space, [(7, params)]) if one.role == role)


# --- candidates -----------------------------------------------------------------------------------


def test_a_baseline_is_the_winner_without_its_cut_and_nothing_else(space: Space) -> None:
    one, winner = (canonical(space.recipe(params)) for params in (found(space, "baseline"), POINT))
    assert one["prune"]["percent"] == 0
    assert one | {"prune": None} == winner | {"prune": None}
    assert found(space, "baseline") == POINT | {"prune.percent": 0.0}


def test_a_twin_is_the_winner_without_distillation_in_its_last_stage(space: Space) -> None:
    one, winner = (canonical(space.recipe(params)) for params in (found(space, "twin"), POINT))
    assert found(space, "twin") == {key: POINT[key] for key in ("sparsity.s", "prune.percent")} | {
        "finetune.kd": "none"
    }
    assert one["sparsity"] == winner["sparsity"]
    assert one["prune"] == winner["prune"]
    assert one["finetune"]["kd"] == "none"
    assert "teacher" not in one


def test_what_has_no_cut_has_no_baseline_and_what_is_not_distilled_no_twin(
    space: Space, space_of: SpaceOf, space_text: str
) -> None:
    assert roles(space, POINT) == ["finalist", "baseline", "twin"]
    assert roles(space, {**POINT, "finetune.kd": "none"}) == ["finalist", "baseline"]
    assert roles(space, {**POINT, "prune.percent": 0.0}) == ["finalist", "twin"]
    assert roles(space, {"prune.percent": 0.0}) == ["finalist"]
    whole = "\n".join(line for line in space_text.splitlines() if "prune" not in line and "macs" not in line)
    uncut = {key: value for key, value in POINT.items() if key != "prune.percent"}
    assert roles(space_of(whole), uncut) == ["finalist", "twin"]


@pytest.mark.parametrize(
    "prune",
    [
        {"keep_macs": 0.5},
        {"keep_params": 0.5},
        {"gradual": {"steps": 3, "epochs": 1, "lr": 0.02}},
        {"percent": 0.5, "scope": "layer", "method": "l1"},
    ],
)
def test_whatever_says_how_much_is_cut_a_baseline_cuts_nothing_and_trains_as_long(
    space_of: SpaceOf, space_text: str, prune: dict[str, Any]
) -> None:
    text = space_text.replace("prune: {}", f"prune: {json.dumps(prune)}")
    space = space_of("\n".join(line for line in text.splitlines() if "prune.percent" not in line))
    params = {key: value for key, value in POINT.items() if key != "prune.percent"}
    made = space.recipe(found(space, "baseline", params)).prune
    assert made is not None
    assert (made.percent, made.by_budget) == (0.0, False)
    assert made.cuts == prune.get("gradual", {"steps": 1})["steps"]
    assert (made.scope, made.method) == (prune.get("scope", "global"), prune.get("method", "slimming"))


def test_the_baseline_of_a_gradual_winner_trains_between_cuts_of_nothing(
    space_of: SpaceOf, space_text: str
) -> None:
    text = space_text.replace("prune: {}", "prune: {gradual: {steps: 2, epochs: 1, lr: 0.02}}")
    space = space_of(text + "  prune.gradual.steps: [2, 3]\n")
    made = found(space, "baseline", POINT | {"prune.gradual.steps": 3})
    assert made == POINT | {"prune.percent": 0.0, "prune.gradual.steps": 3}
    assert space.recipe(made).cuts == 3


# --- seeds and runs -------------------------------------------------------------------------------

seeds = st.integers(0, 10**6)
searched = (
    st.none()
    | st.lists(seeds, min_size=1, max_size=5, unique=True)
    | st.tuples(seeds, st.integers(1, 50)).map(lambda pair: {"int_uniform": [pair[0], sum(pair)]})
)


@LAWS
@given(fixed=seeds, search=searched, count=st.integers(2, 9), top=st.integers(1, 4), data=st.data())
def test_all_candidates_run_on_the_same_smallest_seeds_that_no_trial_can_have(
    fixed: int, search: Any, count: int, top: int, data: st.DataObject
) -> None:
    text = Path(__file__).with_name("small.yaml").read_text() + f"seed: {fixed}\n"
    text += f"confirm: {{top: {top}, seeds: {count}}}\n"
    if search is not None:
        text = text.replace("search:\n", f"search:\n  seed: {json.dumps(search)}\n")
    space = check(parse(text, "f.yaml"), default_name="f")
    possible = {fixed} if search is None else set()
    possible |= {*search} if isinstance(search, list) else set()
    possible |= (
        {*range(search["int_uniform"][0], search["int_uniform"][1] + 1)}
        if isinstance(search, dict)
        else set()
    )
    fresh = [*fresh_seeds(space, count)]
    assert len(fresh) == count
    assert min(fresh) > max(possible)
    assert min(fresh) - 1 in possible | {fixed}
    points = data.draw(st.lists(st.sampled_from([0.3, 0.5, 0.7]), min_size=1, max_size=top))
    runs = plan_runs(space, [(number, {"prune.percent": percent}) for number, percent in enumerate(points)])
    assert len(runs) == (len(points) + 1) * count  # nothing is distilled
    assert len({key_of(one.about) for one in runs}) == len(runs)
    assert [seed for seed, _ in itertools.groupby(one.seed for one in runs)] == fresh
    assert all(space.recipe(one.params).seed == one.seed for one in runs)


def test_no_run_is_planned_unless_it_is_asked_for(space: Space) -> None:
    assert plan_runs(space, [(7, POINT)]) == []


# --- of a run folder ------------------------------------------------------------------------------


@pytest.fixture
def confirming(space_of: SpaceOf, space_text: str) -> Space:
    return space_of(space_text + "confirm: {top: 2, seeds: 2}\n")


@pytest.fixture
def folder(confirming: Space, walk_of: Callable[..., Any], tmp_path: Path) -> Any:
    """A walk in a run folder that can be read."""
    walk = walk_of(confirming)
    (tmp_path / "small" / "space.yaml").write_text(confirming.text())
    Manifest.new(tmp_path / "small", confirming, command=[], store=None).write("running")
    return walk


def test_the_finalists_of_a_search_are_planned_the_winner_first(
    folder: Any, confirming: Space, tmp_path: Path
) -> None:
    for accuracy in (0.5, 0.75, 0.25):
        folder.complete(accuracy=accuracy)
    runs = planned(confirming, read_run(tmp_path / "small"))
    assert [one.candidate.of for one in runs if one.candidate.role == "finalist" and one.seed == 1] == [1, 0]
    assert {one.candidate.of for one in runs if one.candidate.role != "finalist"} == {1}


def test_without_a_complete_trial_nothing_is_planned(folder: Any, confirming: Space, tmp_path: Path) -> None:
    folder.fail()
    assert planned(confirming, read_run(tmp_path / "small")) == []
    how = standing(read_run(tmp_path / "small"))
    assert how is not None
    assert (how.facts, how.words) == ({"ended": 0, "planned": 0}, "")


def test_ends_of_former_finalists_and_of_other_images_are_not_counted(
    folder: Any, confirming: Space, tmp_path: Path
) -> None:
    folder.complete()
    runs = planned(confirming, read_run(tmp_path / "small"))
    ends = [{"event": "end", "trial": 0, "state": "complete", **runs[0].about}]
    ends.append(ends[0] | {"trial": 1, "of": 99})
    ends.append(ends[0] | {"trial": 2, "data": "train+val"})
    ends.append(ends[0] | {"trial": 3, "state": "failed", **runs[1].about})
    (tmp_path / "small" / "confirm.jsonl").write_text("".join(json.dumps(end) + "\n" for end in ends))
    how = standing(read_run(tmp_path / "small"))
    assert how is not None
    assert how.facts == {"ended": 2, "planned": len(runs)}
    assert how.words.endswith(f"on 2 fresh seeds: 2 of {len(runs)} runs ended, 1 failed")
    assert how.words.startswith("1 finalist and a baseline")


def test_a_run_that_asks_for_no_confirmation_has_none(walk: Any, space: Space, tmp_path: Path) -> None:
    walk.complete()
    (tmp_path / "small" / "space.yaml").write_text(space.text())
    Manifest.new(tmp_path / "small", space, command=[], store=None).write("running")
    assert standing(read_run(tmp_path / "small")) is None
