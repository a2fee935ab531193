import pytest

from sweeper.faults import Faults
from sweeper.search_section import is_absent, read_search
from sweeper.strict_yaml import parse

SECTIONS = "model: preresnet8\nteacher: {}\nprune: {}\nfinetune: {}\nsearch:\n"

# the search section, from line 6 on -> what is said of it
BAD: dict[str, str | list[str]] = {
    "  prune.percnt: [0.3]": ":6: search.prune.percnt: the pipeline has no such setting. Did you mean prune.percent?",
    "  percent: [0.3]": ":6: search.percent: the pipeline has no such setting. Did you mean prune.percent?",
    "  lr: [0.1]": ":6: search.lr: the pipeline has no such setting. Write teacher.lr or sparsity.lr or prune.gradual.lr or finetune.lr.",
    "  prune: {percent: [0.3]}": ":6: search.prune: the pipeline has no such setting. Write dotted keys, such as prune.percent.",
    "  sparsity.s: [0.1]": ":6: search.sparsity.s: the pipeline has no sparsity section. Add sparsity: {...}, or remove the key.",
    "  data.source: [digits]": ":6: search.data.source: can't be searched: trials are compared on one split of one data set. Remove it.",
    "  prune.trained_on: [train, split]": ":6: search.prune.trained_on: can't be searched: trials are compared on one split of one data set. Remove it.",
    "  protocol: [diary]": ":6: search.protocol: can't be searched: it decides nothing. Remove it.",
    "  evaluate.trials: [all]": ":6: search.evaluate.trials: can't be searched: it decides nothing. Remove it.",
    "  evaluate: [none, all]": ":6: search.evaluate: can't be searched: it decides nothing. Remove it.",
    "  sweep.trials: [3]": ":6: search.sweep.trials: the pipeline has no such setting.",
    "  剪枝: [0.3]": ":6: search.剪枝: the pipeline has no such setting.",
    "  prune.percent: {choice: [0.3], when: {finetune.kdd: dist}}": ":6: search.prune.percent.when.finetune.kdd: the pipeline has no such setting. Did you mean finetune.kd?",
    "  prune.percent: {choice: [0.3], when: {prune.percent: 0.3}}": ":6: search.prune.percent.when.prune.percent: is a condition on itself. Remove it.",
    "  prune.percent: {choice: [0.3], when: {data.source: digits}}": ":6: search.prune.percent.when.data.source: can't be searched: trials are compared on one split of one data set. Remove it.",
    "  prune.percent: {choice: [0.3], when: {sparsity.s: 0.1}}": ":6: search.prune.percent.when.sparsity.s: the pipeline has no sparsity section. Add sparsity: {...}, or remove the key.",
    "  prune.percent: {choice: [0.3], when: {finetune.kd: [dist, dits]}}": ':6: search.prune.percent.when.finetune.kd[1]: must be a known distillation loss, got "dits". Did you mean dist?',
    "  prune.percent: {choice: [0.3], when: {finetune.lr: 0.2}}\n  finetune.lr: [0.1]": ":6: search.prune.percent.when.finetune.lr: is never the case, got 0.2. It is searched among [0.1].",
    "  prune.percent: {choice: [0.3], when: {finetune.lr: 0.1}}\n  finetune.lr: {choice: [0.1], when: {prune.percent: 0.3}}": ":6: search.prune.percent.when: conditions go round in a circle.",
}


@pytest.mark.parametrize(("text", "told"), BAD.items(), ids=lambda value: str(value)[:60])
def test_a_bad_section_is_told_by_its_line(text: str, told: str) -> None:
    _, faults = read_search(parse(SECTIONS + text, "f"))
    assert str(Faults("f", faults)) == f"f{told}"


def test_all_entries_are_read_and_those_that_can_be_are_kept_in_order() -> None:
    text = "  finetune.kd_tau: {choice: [1, 2], when: {finetune.kd: dist}}\n  finetune.kd: [none, dist]\n"
    knobs, faults = read_search(
        parse(
            f"{SECTIONS}{text}  prune.percent: [20]\n  s: [1]\n  seed: {{choice: [1], when: {{finetune.kd: kd}}}}\n",
            "f",
        )
    )
    assert [knob.key for knob in knobs] == ["finetune.kd", "finetune.kd_tau", "seed"]
    assert [fault.key for fault in faults] == [
        "search.prune.percent[0]",
        "search.s",
        "search.seed.when.finetune.kd",
    ]


@pytest.mark.parametrize("text", ["model: preresnet8\n", "search: null\n", "search: 5\n"])
def test_without_a_section_there_is_nothing(text: str) -> None:
    assert read_search(parse(text, "f")) == ((), [])


def test_an_empty_section_is_a_fault() -> None:
    _, faults = read_search(parse("search: {}", "f"))
    assert str(Faults("f", faults)) == (
        "f:1: search: is empty. Name a setting, such as prune.percent: [0.3, 0.5]."
    )


def test_a_mistyped_section_is_not_absent_as_well() -> None:
    document = parse("prunee: {}\nteacher: null\n", "f")
    assert is_absent(document, "teacher")
    assert is_absent(document, "sparsity")
    assert not is_absent(document, "prune")
    assert not is_absent(parse("prune: {}", "f"), "prune")
