from typing import Any

from sweeper.knobs import Knob
from sweeper.peers import compared_within
from sweeper.settings import SpaceFile

KNOBS = [
    Knob(key=key, values=(0,))
    for key in ("finetune.kd", "sparsity.kd", "prune.percent", "prune.method", "model", "finetune.lr")
]


def space(asha: dict[str, Any], **over: Any) -> SpaceFile:
    plain = {"data": {"source": "digits"}, "model": "preresnet8", "sparsity": {}, "finetune": {}}
    return SpaceFile.model_validate(plain | {"sweep": {"trials": 4, "asha": asha}} | over)


def test_trials_are_compared_in_the_last_stage_that_trains() -> None:
    assert space({}).last_stage == "finetune"
    assert space({}, finetune=None).last_stage == "sparsity"


def test_by_default_they_are_alike_in_distillation_and_in_what_changes_the_network() -> None:
    alike = ("prune.percent", "prune.method", "model")
    assert compared_within(space({}), KNOBS) == ("finetune.kd", *alike)
    assert compared_within(space({}, finetune=None), KNOBS) == ("sparsity.kd", *alike)
    assert compared_within(space({}), KNOBS[-1:]) == ()


def test_a_space_can_say_in_what_they_are_alike() -> None:
    assert compared_within(space({"compare_within": ["finetune.lr"]}), KNOBS) == ("finetune.lr",)
    assert compared_within(space({"compare_within": []}), KNOBS) == ()


def test_whatever_changes_the_network_or_how_it_starts_is_alike() -> None:
    changing = [
        "prune.keep_macs",
        "prune.keep_params",
        "prune.scope",
        "prune.like",
        "prune.protect_share",
        "finetune.start",
    ]
    knobs = [Knob(key=key, values=(0,)) for key in (*changing, "prune.draw", "prune.gradual.lr")]
    assert compared_within(space({}), knobs) == tuple(changing)


def test_where_size_ranks_them_networks_of_any_size_are_compared() -> None:
    several = {"objective": {"maximize": "accuracy", "minimize": "params"}, "prune": {}}
    knobs = [*KNOBS, Knob(key="finetune.start", values=(0,))]
    assert compared_within(space({}, **several), knobs) == ("finetune.kd", "finetune.start")
    uncut = several | {"prune": None}
    assert compared_within(space({}, **uncut), KNOBS) == compared_within(space({}), KNOBS)
