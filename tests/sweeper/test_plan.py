from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sweeper import foreseen, timing
from sweeper.plan import Plan, plan
from sweeper.space import Space
from trainables.errors import InputError
from trainables.models import Architecture, build

TEXT = Path(__file__).with_name("grid.yaml").read_text()
OBJECTIVES = "objective: {maximize: accuracy, minimize: macs}\n"
SpaceOf = Callable[[str], Space]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    from sweeper.space import check
    from sweeper.strict_yaml import parse

    return plan(
        check(parse(TEXT, "f.yaml"), default_name="f"), tmp_path_factory.mktemp("store") / "not" / "yet"
    )


def test_epochs_are_counted_alone_and_shared(planned: Plan) -> None:
    # four points share one sparsity training; the two that cut nothing end after it, outside the bound
    assert (planned.points, planned.trials, planned.infeasible) == (4, 4, 2)
    assert (planned.epochs_alone, planned.epochs_shared) == (4 * 2 + 2 * 4, 2 + 2 * 4)
    assert (planned.teacher_epochs_alone, planned.teacher_epochs_shared) == (3, 3)


def test_multiply_accumulates_are_those_of_the_epochs_and_of_the_teachers_looks(planned: Plan) -> None:
    alone, shared = (
        planned.macs_alone - planned.teacher.macs_alone,
        planned.macs_shared - planned.teacher.macs_shared,
    )
    assert planned.teacher.macs_alone / planned.teacher.views_alone == pytest.approx(
        planned.teacher.macs_shared / planned.teacher.views_shared
    )
    sparsity = (alone - shared) / 6  # four trainings of two epochs alone, one where they are shared
    assert alone > 8 * sparsity > 0
    assert alone - 8 * sparsity == pytest.approx(shared - 2 * sparsity)


def test_each_kind_of_epoch_is_timed(planned: Plan) -> None:
    assert set(planned.seconds_per_epoch) == {"sparsity", "finetune", "finetune with dist", "teacher"}
    assert 0 < planned.hours_shared < planned.hours_alone


def test_the_teacher_looks_at_distinct_views_only(planned: Plan) -> None:
    # one point of four distils within the bound: 4 epochs of two whole batches from 144 images, of 9 views each
    work = planned.teacher
    assert work.views_alone == 4 * 128
    assert work.views_shared == round(9 * 144 * (1 - (1 - 128 / (9 * 144)) ** 4))
    assert 0 < work.seconds_shared < work.seconds_alone
    assert work.table_gb == pytest.approx(9 * 144 * 44 / 1e9, rel=0.2)
    assert work.live == ""


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (("{trials: 4", "{trials: 4"), ""),
        (
            ("{model: resnet8, ", "{model: resnet8, table: none, "),
            "teacher.table is none",
        ),
        (
            ("sweep:", "store: {max_gb: 1e-4}\nsweep:"),
            "for the teacher's table there is no room: it needs 0.06 MB, "
            "and a store of 0.10 MB leaves 0.05 MB to tables",
        ),
    ],
)
def test_a_plan_says_why_a_teacher_answers_live(
    space_of: SpaceOf, tmp_path: Path, quickly: None, change: tuple[str, str], because: str
) -> None:
    work = plan(space_of(TEXT.replace(*change)), tmp_path).teacher
    assert work.live == because
    assert (work.views_shared == work.views_alone) == bool(because)


def test_peers_are_those_that_reach_a_rung(planned: Plan) -> None:
    assert planned.rungs == {"drops=0": [2], "drops=1": [2]}
    assert planned.warnings == ()


def test_states_are_weights_and_momentum(planned: Plan) -> None:
    assert 0 < planned.disk_gb < 0.01
    assert planned.free_gb > 0


def test_too_few_peers_are_a_warning(space_of: SpaceOf, tmp_path: Path) -> None:
    lonely = space_of(TEXT.replace("min_peers: 2", "min_peers: 3"))
    (warning,) = plan(lonely, tmp_path).warnings
    assert warning.startswith("asha can stop nothing: no rung can expect 3 like networks")


def test_as_many_protected_as_there_are_peers_are_a_warning(
    space_of: SpaceOf, tmp_path: Path, quickly: None
) -> None:
    lonely = plan(space_of(TEXT.replace("min_peers: 2", "min_peers: 2, protect: 2")), tmp_path)
    (warning,) = lonely.warnings
    assert warning.startswith("asha can stop nothing: no rung can expect 3 like networks; lower protect")
    assert lonely.min_peers == 3


def test_networks_of_any_size_are_peers_where_size_ranks_them(
    space_of: SpaceOf, tmp_path: Path, quickly: None
) -> None:
    text = TEXT.replace(", compare_within: []", "").replace('constraints: {macs: "<= 0.9"}\n', "")
    alone, several = (plan(space_of(text + more), tmp_path) for more in ("", OBJECTIVES))
    assert (alone.ranked_by, several.ranked_by) == (("accuracy",), ("accuracy", "macs"))
    assert (alone.rungs["drops=0"], several.rungs["drops=0"]) == ([1, 1, 1, 1], [2, 2])


def test_a_file_without_a_sweep_is_no_plan(space_of: SpaceOf, tmp_path: Path) -> None:
    one = space_of(TEXT[: TEXT.index("search:")])
    with pytest.raises(
        InputError, match=r"f\.yaml: sweep: is required to plan one\. Add sweep: {trials: 24}"
    ):
        plan(one, tmp_path)


def test_images_that_are_missing_are_told(space_of: SpaceOf, tmp_path: Path) -> None:
    missing = space_of(TEXT.replace("source: digits", "source: npz, path: none.npz"))
    with pytest.raises(InputError, match=r"f\.yaml: data\.path: must exist, got none\.npz"):
        plan(missing, tmp_path)


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch's time is told from one step."""
    monkeypatch.setattr(timing, "TIMED_STEPS", 1)


def without_kd(text: str) -> str:
    return text.replace("  finetune.kd: [none, dist]\n", "").replace(", compare_within: []", "")


def test_a_gradual_prune_costs_its_epochs_and_shares_what_it_can(
    space_of: SpaceOf, tmp_path: Path, quickly: None
) -> None:
    text = without_kd(TEXT).replace("{method: slimming}", "{gradual: {steps: 3, epochs: 2, warmup: 2}}")
    text = text.replace("prune.percent: [0.0, 0.8]", "finetune.lr: [0.1, 0.2]")
    planned = plan(space_of(text), tmp_path)
    # 2 of sparsity training, 2 * 2 between the cuts, which are shared, 4 of finetuning
    assert (planned.epochs_alone, planned.epochs_shared) == (2 * 10, 6 + 2 * 4)
    assert set(planned.seconds_per_epoch) == {"sparsity", "gradual", "finetune"}


def test_scratch_b_costs_what_the_cut_saves(space_of: SpaceOf, tmp_path: Path, quickly: None) -> None:
    text = without_kd(TEXT).replace("finetune: {", "finetune: {start: scratch_b, ")
    planned = plan(space_of(text.replace("[0.0, 0.8]", "[0.7, 0.8]")), tmp_path)
    assert (planned.epochs_alone, planned.epochs_shared) == (2 * (2 + 8), 2 + 2 * 8)
    assert planned.rungs == {"drops=0": [1, 1], "drops=1": [1, 1]}


@pytest.mark.parametrize("stage", ["sparsity", "prune", "finetune"])
def test_a_pipeline_from_a_file_is_planned_from_there(
    space_of: SpaceOf, tmp_path: Path, quickly: None, stage: str
) -> None:
    network = build(Architecture(model="preresnet8", classes=10, channels=1), seed=3)
    torch.save(network.state_dict(), tmp_path / "student.pth")
    order = ["sparsity", "prune", "finetune"]
    lines = [
        line.replace(f"{stage}: {{", f"{stage}: {{init: {tmp_path}/student.pth, trained_on: train, ")
        for line in without_kd(TEXT).splitlines(keepends=True)
        if not line.startswith(("teacher", "constraints", *order[: order.index(stage)]))
    ]
    text = "".join(lines).replace("prune.percent: [0.0, 0.8]", "finetune.lr: [0.1, 0.2]")
    planned = plan(space_of(text), tmp_path)
    before = 2 if stage == "sparsity" else 0
    assert (planned.epochs_alone, planned.epochs_shared) == (2 * (before + 4), before + 2 * 4)
    assert planned.infeasible == 0


def test_very_many_points_are_counted_and_their_cost_is_told_from_the_first(
    space_of: SpaceOf, tmp_path: Path, quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreseen, "MOST", 3)
    text = without_kd(TEXT).replace("prune.percent: [0.0, 0.8]", "seed: {int_uniform: [0, 9], step: 1}")
    planned = plan(space_of(text), tmp_path)
    assert (planned.points, planned.trials, planned.counted) == (10, 10, 3)
    assert planned.epochs_alone == 3 * 6


@pytest.mark.parametrize("images", ["train", "train+val"])
def test_a_confirmation_is_planned_apart_from_its_search(
    space_of: SpaceOf, planned: Plan, tmp_path: Path, quickly: None, images: str
) -> None:
    asked = plan(space_of(TEXT + f"confirm: {{top: 3, seeds: 2, data: {images}}}\n"), tmp_path)
    assert (asked.epochs_shared, asked.teacher_epochs_shared) == (planned.epochs_shared, 3)
    # the two inside the bound, a baseline and a twin; per seed one sparsity training and, the twin being the
    # other finalist, three finetunings
    assert (asked.confirm_runs, asked.confirm_epochs) == (4 * 2, (2 + 3 * 4) * 2)
    assert asked.confirm_hours > 0
    assert (planned.confirm_runs, planned.confirm_epochs, planned.confirm_hours) == (0, 0, 0)


@pytest.mark.parametrize(
    ("budget", "trials", "limit"),
    [
        ("epochs: 6", 1, "as many as 6 epochs allow"),  # two of sparsity training, four of finetuning
        ("epochs: 7", 2, "as many as 7 epochs allow"),
        ("epochs: 11, trials: 3", 3, None),
        ("macs: 1", 1, "as many as 1 MACs allow"),
        ("hours: 1e-9", 1, "as many as 1e-9 hours allow"),
    ],
)
def test_a_plan_ends_with_the_trial_that_uses_a_budget_up(
    space_of: SpaceOf, tmp_path: Path, quickly: None, budget: str, trials: int, limit: str | None
) -> None:
    text = TEXT.replace("sampler: grid", f"sampler: grid, {budget}").replace("[0.0, 0.8]", "[0.8, 0.0]")
    planned = plan(space_of(text), tmp_path)
    assert (planned.trials, planned.counted, planned.limit) == (trials, trials, limit)


def test_a_plan_without_a_number_of_trials_tells_of_the_fewest_that_patience_allows(
    space_of: SpaceOf, tmp_path: Path, quickly: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreseen, "MOST", 9)
    for budget, trials, limit in (
        ("patience: 3", 4, "or more, until 3 in a row are no better"),
        ("patience: 3, epochs: 1000", 9, "or more"),
    ):
        text = without_kd(TEXT).replace("sampler: grid", f"sampler: random, {budget}")
        planned = plan(space_of(text), tmp_path)
        assert (planned.trials, planned.counted, planned.limit) == (trials, trials, limit)
