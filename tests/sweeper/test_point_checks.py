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
sweep: {trials: 4}
search:
"""


def told(text: str) -> list[str]:
    with pytest.raises(Faults, match=r"^f:") as caught:
        checked(parse(text, "f"), "f")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "  finetune.momentum: [0, 0.9]\n  finetune.nesterov: [true, false]\n  seed: [0, 1]",
            "f:9: search.finetune.nesterov: needs momentum above 0, "
            "got {finetune.momentum: 0, finetune.nesterov: true}. Take a value out, or add when.",
        ),
        (
            "  teacher.model: [resnet8, null]",
            "f:7: search: needs a model to train or a checkpoint to load, got {teacher.model: null}. "
            "Take a value out, or add when.",
        ),
        (
            "  teacher.epochs: [2, 3]",
            "f:8: search.teacher.epochs: has no effect without distillation. "
            "Remove it, or set finetune.kd: dist.",
        ),
        (
            "  finetune.kd: [none, dist]\n  teacher.epochs: [2, 3]",
            "f:9: search.teacher.epochs: has no effect at {finetune.kd: none}. "
            "Add when: {finetune.kd: dist}, or whatever it needs.",
        ),
        (
            "  finetune.lr: {choice: [0.1], when: {finetune.kd: [dist, kd]}}",
            "f:8: search.finetune.lr.when.finetune.kd: is never the case, since finetune.kd is none, "
            'got ["dist", "kd"]. Search it too, or remove this entry.',
        ),
    ],
)
def test_points_that_do_not_work_or_settings_that_do_nothing_are_told(text: str, line: str) -> None:
    assert told(SPACE + text) == [line]


def test_settings_of_a_loaded_teacher_cannot_be_searched() -> None:
    text = SPACE.replace("model: resnet8", "checkpoint: t.pth").replace(
        "finetune: {}", "finetune: {kd: dist}"
    )
    assert told(f"{text}  teacher.seed: [0, 1]") == [
        "f:8: search.teacher.seed: has no effect on a teacher from a checkpoint. Remove it."
    ]


@pytest.mark.parametrize(
    "text",
    [
        "  finetune.momentum: [0, 0.9]\n"
        "  finetune.nesterov: {choice: [true, false], when: {finetune.momentum: 0.9}}",
        "  finetune.kd: [none, dist]\n  teacher.epochs: {choice: [2, 3], when: {finetune.kd: dist}}",
        "  finetune.kd: [none, dist]\n  finetune.kd_tau: {choice: [null, 1], when: {finetune.kd: dist}}",
        "  finetune.lr: {choice: [0.1], when: {finetune.kd: [none, dist]}}",
    ],
)
def test_conditions_make_them_work(text: str) -> None:
    checked(parse(SPACE + text, "f"), "f")


def sweep(settings: str) -> str:
    return SPACE.replace("sweep: {trials: 4}", f"sweep: {settings}")


@pytest.mark.parametrize(
    ("settings", "search", "line"),
    [
        (
            "{sampler: grid}",
            "finetune.lr: {uniform: [0.01, 0.1]}",
            "f:8: search.finetune.lr: a range needs points under sampler: grid, "
            "got {uniform: [0.01, 0.1]}. Add points: 4.",
        ),
        (
            "{sampler: grid}",
            "finetune.epochs: {int_uniform: [1, 9]}",
            "f:8: search.finetune.epochs: a range needs step under sampler: grid, "
            "got {int_uniform: [1, 9]}. Add step: 4.",
        ),
        (
            "{trials: 4, asha: {}}",
            "prune.percent: {uniform: [0.1, 0.9]}",
            "f:6: sweep.asha: prune.percent has endlessly many values, so no two trials could be compared. "
            "Give it points, or name finite-valued settings in sweep.asha.compare_within.",
        ),
        (
            "{trials: 4, asha: {compare_within: [seed,\n  finetune.kdd]}}",
            "prune.percent: [0.1, 0.9]",
            "f:7: sweep.asha.compare_within[1]: the pipeline has no such setting, "
            'got "finetune.kdd". Did you mean finetune.kd?',
        ),
    ],
)
def test_the_sampler_and_the_early_stopping_need_finitely_many_values(
    settings: str, search: str, line: str
) -> None:
    assert told(f"{sweep(settings)}  {search}") == [line]
