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
            "f:7: search: teacher needs a model to train or a checkpoint to load, got {teacher.model: null}. "
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
            "{trials: 4, asha: {compare_within: [prune.percent]}}",
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


def with_cut(prune: str, search: str, finetune: str = "{}") -> str:
    return (
        SPACE.replace("prune: {}", f"prune: {prune}").replace("finetune: {}", f"finetune: {finetune}")
        + search
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            with_cut("{keep_macs: 0.5}", "  prune.percent: [0.3, 0.5]"),
            "f:8: search.prune.percent: has no effect beside prune.keep_macs. Remove one of them.",
        ),
        (
            with_cut("{}", "  prune.keep_macs: [null, 0.5]\n  prune.percent: [0.3, 0.5]"),
            "f:9: search.prune.percent: has no effect beside prune.keep_macs. Add when: {prune.keep_macs: null}.",
        ),
        (
            with_cut("{}", "  prune.draw: [0, 1]"),
            "f:8: search.prune.draw: has no effect with prune.method: slimming. "
            "Remove it, or set prune.method: random.",
        ),
        (
            with_cut("{}", "  prune.method: [slimming, random]\n  prune.draw: [0, 1]"),
            "f:9: search.prune.draw: has no effect with prune.method: slimming. "
            "Remove it, or add when: {prune.method: random}.",
        ),
        (
            with_cut("{method: l1}", "  prune.batches: [5, 10]"),
            "f:8: search.prune.batches: has no effect with prune.method: l1. "
            "Remove it, or set prune.method: taylor.",
        ),
        (
            with_cut(
                "{gradual: {steps: 2}}",
                "  prune.gradual.steps: [1, 2]\n  prune.gradual.ratio: [linear, cubic]",
            ),
            "f:9: search.prune.gradual.ratio: has no effect with a single step. "
            "Add when: {prune.gradual.steps: 2}, or whatever it needs.",
        ),
        (
            with_cut("{}", "  finetune.warmup_share: [0.3, 0.5]", "{warmup: 3}"),
            "f:8: search.finetune.warmup_share: has no effect beside finetune.warmup. Remove one of them.",
        ),
        (
            with_cut("{}", "  prune.like: [null, slimming]"),
            'f:8: search.prune.like: must be another method than prune.method, got {prune.like: "slimming"}. '
            "Take a value out, or add when.",
        ),
        (
            with_cut("{gradual: {steps: 2}}", "  prune.keep_macs: [0.3, 0.5]"),
            "f:7: search: prune.gradual needs percent, not a budget, got {prune.keep_macs: 0.5}. "
            "Take a value out, or add when.",
        ),
    ],
)
def test_a_searched_setting_of_the_cut_needs_what_it_is_for(text: str, line: str) -> None:
    assert told(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        with_cut("{}", "  prune.method: [slimming, random]\n  prune.draw: {choice: [0, 1], when: {prune.method: random}}"),
        with_cut("{}", "  prune.method: [l1, random, taylor]\n  prune.like: {choice: [null, l1], when: {prune.method: [random, taylor]}}"),
        with_cut("{}", "  prune.keep_macs: [null, 0.5]\n  prune.percent: {choice: [0.3, 0.5], when: {prune.keep_macs: null}}"),
        with_cut("{gradual: {steps: 2}}", "  prune.gradual.steps: [1, 2, 4]\n  prune.gradual.ratio: {choice: [linear, cubic], when: {prune.gradual.steps: [2, 4]}}"),
        with_cut("{}", "  finetune.warmup: [null, 3]\n  finetune.warmup_share: {choice: [0.3, 0.5], when: {finetune.warmup: null}}"),
        with_cut("{}", "  finetune.start: [pruned, scratch, scratch_b]\n  prune.percent: [0.3, 0.5]"),
        with_cut("{method: random}", "  prune.draw: {int_uniform: [0, 4]}\n  prune.scope: [global, layer]"),
    ],
)  # fmt: skip
def test_where_it_has_what_it_is_for_it_may_be_searched(text: str) -> None:
    checked(parse(text, "f"), "f")


@pytest.mark.parametrize(
    ("section", "line"),
    [
        ("finetune: {warmup: 3, warmup_share: 0.3}", "f:5: finetune.warmup_share: has no effect beside warmup, got 0.3. Remove it."),
        ("finetune: {decay_every: 3, decay_share: 0.3}", "f:5: finetune.decay_share: has no effect beside decay_every, got 0.3. Remove it."),
        ("prune: {percent: 0.3, keep_macs: 0.5}", "f:4: prune.percent: has no effect here, got 0.3. Remove it."),
        ("prune: {draw: 2}", "f:4: prune.draw: has no effect here, got 2. Remove it."),
        ("prune: {method: random, batches: 2}", "f:4: prune.batches: has no effect here, got 2. Remove it."),
        ("prune: {gradual: {steps: 1, ratio: linear}}", 'f:4: prune.gradual.ratio: has no effect here, got "linear". Remove it.'),
        ("evaluate: {test_sets: {severities: [5]}}", "f:4: evaluate.test_sets.severities: has no effect here, got [5]. Remove it."),
    ],
)  # fmt: skip
def test_what_a_file_gives_in_vain_is_told_at_its_line(section: str, line: str) -> None:
    name = section.partition(":")[0]
    text = SPACE + "  seed: [0, 1]"
    if name == "evaluate":
        text = text.replace("prune: {}", f"{section}\nprune: {{}}")
    assert told(text.replace(f"{name}: {{}}", section)) == [line]


@pytest.mark.parametrize(
    "section",
    [
        "finetune: {warmup: 3, warmup_share: 0.5}",  # the default, whoever wrote it
        "finetune: {warmup: null, warmup_share: 0.3}",
        "prune: {method: taylor, batches: 2}",
        "prune: {like: random, draw: 2}",
        "prune: {gradual: {steps: 2, ratio: linear, epochs: 3}}",
        "prune: {protect: [bn, 'layer1.*'], protect_share: 0.2}",
    ],
)
def test_what_has_an_effect_is_not_in_vain(section: str) -> None:
    name = section.partition(":")[0]
    checked(parse(SPACE.replace(f"{name}: {{}}", section) + "  seed: [0, 1]", "f"), "f")


def test_a_setting_that_one_point_uses_is_not_in_vain() -> None:
    text = SPACE.replace("prune: {}", "prune: {draw: 2}") + "  prune.method: [slimming, random]"
    checked(parse(text, "f"), "f")


def test_the_training_between_cuts_is_searched_where_there_is_one() -> None:
    assert told(SPACE + "  prune.gradual.steps: [2, 3]") == [
        "f:8: search.prune.gradual.steps: the pipeline has no prune.gradual section. "
        "Add prune.gradual: {...}, or remove the key."
    ]
