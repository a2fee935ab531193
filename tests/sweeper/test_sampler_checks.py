import pytest

from sweeper.checks import checked
from sweeper.faults import Faults
from sweeper.strict_yaml import parse

SPACE = """\
data: {source: digits}
model: preresnet8
teacher: {model: resnet8}
prune: {}
finetune: {}
search: {SEARCH}
sweep: {trials: 4, sampler: SAMPLER}
"""
RATES = "finetune.lr: [0.01, 0.1]"
WEIGHTS = "finetune.kd: [none, dist], finetune.kd_weight: {choice: [1, 2], when: {finetune.kd: dist}}"


def check(sampler: str, search: str = RATES, more: str = "") -> None:
    checked(parse(SPACE.replace("SEARCH", search).replace("SAMPLER", sampler) + more, "f"), "f")


@pytest.mark.parametrize(
    ("sampler", "search", "more", "line"),
    [
        (
            "cmaes",
            RATES,
            "objective: {maximize: accuracy, minimize: macs}",
            'f:7: sweep.sampler: is for one objective, got "cmaes". Write sampler: tpe, gp, nsga2 or nsga3.',
        ),
        (
            "cmaes",
            "prune.method: [slimming, l1], finetune.epochs: [4]",
            "",
            "f:7: sweep.sampler: needs a searched setting that is a number, has several values and no when, "
            'got "cmaes". Write sampler: tpe.',
        ),
        (
            "cmaes",
            WEIGHTS,
            "",
            "f:7: sweep.sampler: needs a searched setting that is a number, has several values and no when, "
            'got "cmaes". Write sampler: tpe.',
        ),
        (
            "tpe, cost_aware: true",
            RATES,
            "",
            "f:7: sweep.cost_aware: has no effect with sampler: tpe, got true. Write sampler: mfbo, or remove it.",
        ),
        *(
            (
                f"{name}, startup_trials: 10",
                RATES,
                "",
                f"f:7: sweep.startup_trials: has no effect with sampler: {name}, got 10. Remove it.",
            )
            for name in ("cmaes", "random", "sobol", "grid")
        ),
        *(
            (
                f"{name}, startup_trials: 1",
                RATES,
                "",
                f"f:7: sweep.startup_trials: must be at least 2 with sampler: {name}, whose generations are so "
                "large, got 1. Write startup_trials: 10.",
            )
            for name in ("nsga2", "nsga3")
        ),
    ],
)
def test_a_sampler_that_cannot_search_the_space_is_refused(
    sampler: str, search: str, more: str, line: str
) -> None:
    with pytest.raises(Faults, match=r"^f:7: sweep") as caught:
        check(sampler, search, more)
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["tpe", "gp", "nsga2", "nsga3", "cmaes", "random", "sobol", "grid"])
def test_every_sampler_may_have_conditions_constraints_and_one_objective(name: str) -> None:
    check(name, f"{RATES}, {WEIGHTS}", 'constraints: {macs: "<= 0.5"}')


@pytest.mark.parametrize("name", ["tpe", "gp", "nsga2", "nsga3", "random", "sobol", "grid"])
def test_all_but_cmaes_may_have_several_objectives_and_categories_alone(name: str) -> None:
    check(name, "prune.method: [slimming, l1]", "objective: {maximize: accuracy, minimize: macs}")


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2, startup_trials: 2"])
def test_a_sampler_with_a_model_may_be_told_when_it_begins(sampler: str) -> None:
    check(sampler)
    check("tpe, startup_trials: 1")
