from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sweeper.ahead import Ahead
from sweeper.book import EXHAUSTED, Book
from sweeper.space import Space
from trainables.addresses import DataIdentity, teacher_segment

SpaceOf = Callable[[str], Space]
WalkOf = Callable[..., Any]

GRID = """\
data: {source: digits}
model: preresnet8
teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}
sparsity: {epochs: 2, warmup: 1, decay_every: 1}
prune: {}
finetune: {epochs: 2, warmup: 1, decay_every: 1}
search:
  sparsity.s: [1e-3, 1e-2]
  prune.percent: [0.5, 0.7]
  finetune.kd: [none, dist]
sweep: {sampler: grid}
"""
ALIKE = """\
data: {source: digits}
model: preresnet8
prune: {}
finetune: {epochs: 2, decay_every: 1}
search:
  finetune.warmup: [2, 3, 4]
sweep: {trials: 200, sampler: random}
"""


@pytest.fixture
def ahead() -> Ahead:
    identity = DataIdentity(
        address="images", classes=10, channels=1, pad=1, flip=False, mean=(0.5,), std=(0.25,)
    )
    return Ahead(identity=identity, arithmetic={"device": "cpu"})


def pass_through(book: Book, ahead: Ahead, number: int, count: int) -> None:
    """A trial trains its first epochs."""
    live = book.live[number]
    for address in ahead.path(number, live.recipe).epochs[:count]:
        entry = {"stage": "sparsity", "epoch": 1, "accuracy": 0.5, "loss": 1.0, "address": address}
        book.record(number, {"kind": "epoch", **entry})


def test_the_path_of_a_recipe_has_its_teacher_before_the_first_stage_that_needs_it(
    ahead: Ahead, space_of: SpaceOf
) -> None:
    space = space_of(GRID)
    alone, taught = (
        ahead.path(number, space.recipe({"sparsity.s": 1e-3, "prune.percent": 0.5, "finetune.kd": kd}))
        for number, kd in enumerate(("none", "dist"))
    )
    assert [len(alone.epochs), len(taught.epochs)] == [4, 6]
    assert alone.epochs[:2] == taught.epochs[:2]
    assert not set(taught.epochs[2:]) & set(alone.epochs)
    assert alone.end == alone.epochs[-1]


def test_a_second_worker_begins_what_need_not_wait_for_the_first(
    ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf
) -> None:
    walk = walk_of(space_of(GRID))
    book = walk.book
    book.look_ahead(ahead)
    points = [book.next().params["sparsity.s"] for _ in range(2)]
    assert points == [1e-3, 1e-2]
    pass_through(book, ahead, 0, 2)  # the first sparsity training is there: its other finetunes are free
    assert book.next().number == 1
    assert [event["trial"] for event in walk.events if event["event"] == "asked"] == list(range(8))


def test_where_everyone_must_wait_the_order_is_kept(ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf) -> None:
    book = walk_of(space_of(GRID.replace("[1e-3, 1e-2]", "[1e-3]"))).book
    book.look_ahead(ahead)
    assert [book.next().number for _ in range(3)] == [0, 1, 2]


def test_tpe_is_not_asked_ahead_of_its_results(ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf) -> None:
    walk = walk_of(space_of(GRID.replace("sampler: grid", "sampler: tpe, trials: 9")))
    walk.book.look_ahead(ahead)
    assert [walk.book.next().number for _ in range(3)] == [0, 1, 2]
    assert len(walk.events) == 3


def test_a_recipe_that_has_ended_is_answered_at_once_and_counts(
    ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf
) -> None:
    walk = walk_of(space_of(ALIKE))  # two epochs: every warmup is the same
    walk.book.look_ahead(ahead)
    walk.complete(accuracy=0.7)
    assert walk.book.next() is None
    first, *others = [event for event in walk.events if event["event"] == "end"]
    assert [event["duplicate_of"] for event in others] == [0] * EXHAUSTED
    assert all(event["metrics"] == first["metrics"] for event in others)
    assert {(event["epochs_trained"], event["epochs_reused"]) for event in others} == {(0, 6)}
    assert "duplicate_of" not in first


def test_a_space_without_anything_new_is_exhausted_also_after_a_resumption(
    ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf
) -> None:
    walk = walk_of(space_of(ALIKE))
    walk.book.look_ahead(ahead)
    walk.complete()
    assert walk.book.next() is None
    assert (walk.book.exhausted, walk.book.left, walk.book.finished) == (True, False, True)
    assert len(walk.book.ended) == EXHAUSTED + 1 < walk.book.search.budget
    again = Book(walk.space, walk.log)
    again.replay(walk.events)
    assert (again.exhausted, again.finished) == (True, True)


def test_every_point_of_a_grid_is_answered_however_many_are_alike(
    ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf
) -> None:
    many = ", ".join(str(warmup) for warmup in range(2, 2 + EXHAUSTED + 10))
    text = ALIKE.replace("[2, 3, 4]", f"[{many}]").replace("trials: 200, sampler: random", "sampler: grid")
    walk = walk_of(space_of(text))
    walk.book.look_ahead(ahead)
    walk.complete()
    assert walk.book.next() is None
    assert len(walk.book.ended) == EXHAUSTED + 10


def test_a_trial_that_failed_or_was_stopped_answers_no_other(
    ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf
) -> None:
    walk = walk_of(space_of(ALIKE))
    walk.book.look_ahead(ahead)
    walk.fail()
    assert walk.book.next() is not None


def test_what_is_outside_a_bound_is_so_again(ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf) -> None:
    walk = walk_of(space_of(ALIKE + 'constraints: {macs: "<= 0.5"}\n'))
    walk.book.look_ahead(ahead)
    walk.infeasible()
    assert walk.book.next() is None
    last = walk.events[-1]
    assert (last["state"], last["duplicate_of"], last["violations"]) == (
        "infeasible",
        0,
        {"macs": pytest.approx(0.4)},
    )
    assert last["reason"].startswith("macs 900")


def test_with_other_images_the_student_is_another_and_the_teacher_stays(
    ahead: Ahead, space_of: SpaceOf
) -> None:
    point = {"sparsity.s": 1e-3, "prune.percent": 0.5, "finetune.kd": "dist"}
    recipe = space_of(GRID).recipe(point)
    joined = replace(ahead, identity=replace(ahead.identity, address="more"), taught=ahead.identity, known={})
    one, other = ahead.path(0, recipe), joined.path(0, recipe)
    teacher = teacher_segment(recipe, ahead.identity, ahead.arithmetic).addresses[1:]
    assert set(one.epochs) & set(other.epochs) == set(teacher)
    assert one.end != other.end


def test_what_is_left_before_the_last_stage_is_what_no_one_has_trained(
    ahead: Ahead, space_of: SpaceOf
) -> None:
    space = space_of(GRID)
    alone, taught = (
        space.recipe({"sparsity.s": 1e-3, "prune.percent": 0.5, "finetune.kd": kd}) for kd in ("none", "dist")
    )
    assert ahead.left_before_last(alone) == 2, "its sparsity training"
    assert ahead.left_before_last(taught) == 4, "and the teacher"
    epochs = ahead.path(0, taught).epochs
    ahead.trained.add(epochs[0])
    assert ahead.left_before_last(alone) == 1
    ahead.trained.add(epochs[1])
    assert [ahead.left_before_last(alone), ahead.left_before_last(taught)] == [0, 2]
    stored = replace(ahead, trained=set(), stored=set(epochs).__contains__)
    assert stored.left_before_last(taught) == 0
    last_of_each = replace(ahead, trained=set(), stored={epochs[1], epochs[3]}.__contains__)
    assert last_of_each.left_before_last(taught) == 0, "what came before it need not be kept"


COSTS = """\
data: {source: digits}
model: preresnet8
sparsity: {epochs: 40, warmup: 10, decay_every: 10}
prune: {percent: 0.5}
finetune: {epochs: 2, decay_every: 1}
search:
  sparsity.s: [1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4]
  finetune.lr: {uniform: [0.01, 0.05]}
sweep: {trials: 40, sampler: mfbo, startup_trials: 4, cost_aware: COST_AWARE}
"""


def asked_at(book: Book, ahead: Ahead, cached: float) -> int:
    """Of eight points asked after the start, how many have the strength whose network is there."""
    book.look_ahead(ahead)
    strengths = []
    for _ in range(12):
        live = book.next()
        if live.params["sparsity.s"] == cached:
            ahead.trained.update(ahead.path(live.number, live.recipe).epochs[:40])
        strengths.append(live.params["sparsity.s"])
        metrics = {"accuracy": 0.5, "macs": 1, "params": 1}
        book.record(live.number, {"kind": "done", "metrics": metrics})
    return strengths[4:].count(cached)


def test_a_cost_aware_sampler_stays_with_the_prefix_that_is_there(
    ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf
) -> None:
    space = space_of(COSTS.replace("COST_AWARE", "true"))
    ahead.trained.update(ahead.path(-1, space.recipe({"sparsity.s": 3e-4, "finetune.lr": 0.02})).epochs[:40])
    assert asked_at(walk_of(space).book, ahead, 3e-4) >= 6


def test_any_other_pays_no_heed_to_the_store(ahead: Ahead, space_of: SpaceOf, walk_of: WalkOf) -> None:
    space = space_of(COSTS.replace("COST_AWARE", "false"))
    ahead.trained.update(ahead.path(-1, space.recipe({"sparsity.s": 3e-4, "finetune.lr": 0.02})).epochs[:40])
    assert asked_at(walk_of(space).book, ahead, 3e-4) <= 4
