import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.plain_yaml import dump
from sweeper.checks import checked
from sweeper.faults import Faults
from sweeper.strict_yaml import parse

SMALL = Path(__file__).with_name("small.yaml").read_text()

# a line of SMALL with its section, and what is said of it
SETTINGS: dict[str, str | list[str]] = {
    "data: digits": ':2: data: must be a mapping, got "digits". Write data: {source: digits}.',
    "data: null": ":2: data: must be a mapping, got null. Write data: {source: digits}.",
    "data: {source: digit}": ':2: data.source: must be a known data source, got "digit". Did you mean digits?',
    "data: {source: digits, val_fraction: 20}": ":2: data.val_fraction: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    "data: {source: digits, val_fraction: 0}": ":2: data.val_fraction: must be above 0, got 0.",
    "data: {source: digits, shuffle: true}": ":2: data.shuffle: is no setting here, got true. Known here: source, path, download, val_fraction, split_seed, batch_size, pad, flip.",
    "model: preresnet9": ':3: model: must be a known network, got "preresnet9". Did you mean preresnet98?',
    "model: vit": ':3: model: must be a known network, got "vit". Known are [pre]resnet{6n+2}[x4], preresnet{9n+2}_bottleneck with n from 1 to 18, vgg{11,13,16,19}.',
    "model: 5": ":3: model: must be text, got 5. Put it in quotes.",
    "model: [preresnet8, preresnet20]": ':3: model: must be text, got ["preresnet8", "preresnet20"]. To try several values, write under search: model: [preresnet8, preresnet20].',
    "model: null": ":3: model: must be text, got null. Give it a value, or remove it.",
    "name: a/b": ':1: name: must be 1 to 64 Latin letters, digits, dots, dashes or underscores, a letter or digit first, got "a/b". Write a-b.',
    "name: 5": ":1: name: must be text, got 5. Put it in quotes.",
    "name: ''": ':1: name: must be 1 to 64 Latin letters, digits, dots, dashes or underscores, a letter or digit first, got "". Write sweep.',
    "name: 微调": ':1: name: must be 1 to 64 Latin letters, digits, dots, dashes or underscores, a letter or digit first, got "微调". Write sweep.',
    "teacher: {epochs: 2}": ":4: teacher: needs a model to train or a checkpoint to load. Set teacher.model: resnet32x4.",
    "teacher: {model: resnet8, checkpoint: t.pth, epochs: 2}": ":4: teacher.epochs: has no effect on a teacher from a checkpoint, got 2. Remove it.",
    "sparsity: true": ":5: sparsity: must be a mapping, got true. Write sparsity: {s: 1e-4}.",
    "prune: {percent: 20}": ":6: prune.percent: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    "prune: {percent: 20%}": ':6: prune.percent: must be a number, got "20%". Write 0.2 for 20 %.',
    "prune: {percent: '0.2'}": ':6: prune.percent: must be a number, got "0.2". Remove its quotes.',
    "prune: {percent: [0.3, 0.5]}": ":6: prune.percent: must be a number, got [0.3, 0.5]. To try several values, write under search: prune.percent: [0.3, 0.5].",
    "prune: {percent: {uniform: [0.3, 0.5]}}": ":6: prune.percent: must be a number, got {uniform: [0.3, 0.5]}. To try several values, write under search: prune.percent: {uniform: [0.3, 0.5]}.",
    "prune: {method: slimmng}": ':6: prune.method: must be a known pruning method, got "slimmng". Did you mean slimming?',
    "prune: [0.3]": ":6: prune: must be a mapping, got [0.3]. Write prune: {percent: 0.5}.",
    "finetune: {epochs: 4.5}": ":7: finetune.epochs: must be a whole number, got 4.5.",
    "finetune: {epochs: 4.0}": ":7: finetune.epochs: must be a whole number, got 4.0. Write 4.",
    "finetune: {epochs: '4'}": ':7: finetune.epochs: must be a whole number, got "4". Remove its quotes.',
    "finetune: {epochs: 0}": ":7: finetune.epochs: must be at least 1, got 0.",
    "finetune: {epochs: 1e9}": ":7: finetune.epochs: must be a whole number, got 1000000000.0. Write 1000000000.",
    "finetune: {epochs: 1000000000}": ":7: finetune.epochs: must be at most 100000, got 1000000000.",
    "finetune: {epochs: true}": ":7: finetune.epochs: must be a whole number, got true.",
    "finetune: {lr: 0}": ":7: finetune.lr: must be above 0, got 0.",
    "finetune: {lr: null}": ":7: finetune.lr: must be a number, got null. Give it a value, or remove it.",
    "finetune: {lr: .nan}": ":7: finetune.lr: must be a finite number, got .nan.",
    "finetune: {lr: .inf}": ":7: finetune.lr: must be a finite number, got .inf.",
    'finetune: {lr: "0,02"}': ':7: finetune.lr: must be a number, got "0,02". Write 0.02.',
    "finetune: {learning_rate: 0.02}": ":7: finetune.learning_rate: is no setting here, got 0.02. Known here: epochs, lr, warmup, warmup_share, decay_every, decay_share, decay_rate, ramp, momentum, nesterov, weight_decay, decay_gamma and 11 more.",
    "finetune: {nesterov: true, momentum: 0}": ":7: finetune.nesterov: needs momentum above 0, got true. Set momentum: 0.9.",
    "finetune: {nesterov: yes}": ':7: finetune.nesterov: must be true or false, got "yes". Write true.',
    "finetune: {kd_weight: 2}": ":7: finetune.kd_weight: has no effect with finetune.kd: none, got 2. Remove it, or set finetune.kd: dist.",
    "finetune: {kd: dist, kd_weight: 0}": ":7: finetune.kd_weight: must be above 0, got 0. Without distillation write kd: none.",
    "finetune: {kd: dits}": ':7: finetune.kd: must be a known distillation loss, got "dits". Did you mean dist?',
    "finetune: {start: new}": ':7: finetune.start: must be one of pruned, scratch, scratch_b, got "new".',
}

HOW: dict[str, str | list[str]] = {
    "search: {}": ":8: search: is empty. Name a setting, such as prune.percent: [0.3, 0.5].",
    "search: [prune.percent]": ':8: search: must be a mapping, got ["prune.percent"]. Write search: {prune.percent: [0.3, 0.5]}.',
    "search: null": ":8: search: is required with a sweep. Add search, or remove sweep.",
    "search:\n  prune.percnt: [0.3]": ":9: search.prune.percnt: the pipeline has no such setting. Did you mean prune.percent?",
    "search:\n  prune.percent: [0.3,\n    20]": ":10: search.prune.percent[1]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    "search: {finetune.kd: [none, dist], finetune.kd_weight: {choice: [0, 2], when: {finetune.kd: dist}}}": ":8: search.finetune.kd_weight.choice[0]: must be above 0, got 0. Without distillation write kd: none.",
    "objective: {maximize: test_accuracy}": ':10: objective.maximize: must be one of accuracy, accuracy_pruned, loss, macs, params, percent_cut or a list, got "test_accuracy". Did you mean accuracy?',
    "objective: {maximize: []}": ":10: objective.maximize: must be a list of at least 1, got [].",
    "objective: {maximize: [accuracy, mac]}": ':10: objective.maximize[1]: must be one of accuracy, accuracy_pruned, loss, macs, params, percent_cut, got "mac". Did you mean macs?',
    "objective: {maximize: accuracy, minimize: accuracy}": ":10: objective: names accuracy twice. Keep one of them.",
    "objective: {}": ":10: objective: needs a metric. Write {maximize: accuracy}.",
    "objective: accuracy": ':10: objective: must be a mapping, got "accuracy". Write objective: {maximize: accuracy}.',
    "constraints: {macs: 0.5}": ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got 0.5. Write "<= 0.5".',
    'constraints: {macs: "< 0.5"}': ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "< 0.5". Write "<= 0.5".',
    'constraints: {macs: "<= 0,5"}': ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "<= 0,5". Write "<= 0.5".',
    'constraints: {macs: "≤ 50 %"}': ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "≤ 50 %". Write "<= 0.5".',
    'constraints: {macs: "=> 80M"}': ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "=> 80M". Write ">= 80000000".',
    'constraints: {macs: "<= nan"}': ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "<= nan". Write "<= 0.5".',
    'constraints: {macs: "<= 1e999"}': ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "<= 1e999". Write "<= 0.5".',
    "constraints: {macs: null}": ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got null. Write "<= 0.5".',
    'constraints: {macs: "<= 1.5"}': ':11: constraints.macs: must be a share, above 0 and below 1, or a count of at least 1000, got "<= 1.5". Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for half.',
    'constraints: {macs: "<= 1"}': ':11: constraints.macs: must be a share, above 0 and below 1, or a count of at least 1000, got "<= 1". Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for half.',
    'constraints: {params: "<= 50"}': ':11: constraints.params: must be a share, above 0 and below 1, or a count of at least 1000, got "<= 50". Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for 50 %.',
    'constraints: {macs: "<= 177"}': ':11: constraints.macs: must be a share, above 0 and below 1, or a count of at least 1000, got "<= 177". Write "<= 177e6" for 177 million.',
    'constraints: {macs: "<= 0"}': ':11: constraints.macs: must be a share, above 0 and below 1, or a count of at least 1000, got "<= 0". Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for half.',
    'constraints: {accuracy: ">= 70"}': ':11: constraints.accuracy: must be a fraction from 0 to 1, got ">= 70". Write ">= 0.7" for 70 %.',
    'constraints: {accuracy: ">= -1"}': ':11: constraints.accuracy: must be a fraction from 0 to 1, got ">= -1". Write ">= 0.5" for half.',
    'constraints: {macs: "< 1000", params: "0.5"}': [
        ':11: constraints.macs: must be "<= NUMBER" or ">= NUMBER", got "< 1000". Write "<= 1000".',
        ':11: constraints.params: must be "<= NUMBER" or ">= NUMBER", got "0.5". Write "<= 0.5".',
    ],
    'constraints: {mac: "<= 0.5"}': ':11: constraints.mac: must be one of accuracy, accuracy_pruned, loss, macs, params, percent_cut, got "mac". Did you mean macs?',
    "constraints: macs <= 0.5": ':11: constraints: must be a mapping, got "macs <= 0.5". Write constraints: {macs: "<= 0.5"}.',
    "sweep: {sampler: tpe}": ":12: sweep: needs trials with sampler: tpe. Set sweep.trials: 24.",
    "sweep: {trials: 4, sampler: bayes}": ':12: sweep.sampler: must be one of tpe, mfbo, gp, nsga2, nsga3, cmaes, random, sobol, grid, got "bayes".',
    "sweep: {trials: 0}": ":12: sweep.trials: must be at least 1, got 0.",
    "sweep: {trials: 10000000}": ":12: sweep.trials: must be at most 1000000, got 10000000.",
    "sweep: {trials: many}": ':12: sweep.trials: must be a whole number, got "many".',
    "sweep: null": ":12: sweep: is required with a search. Add sweep: {trials: 24}.",
    "sweep: {trials: 4, asha: plateaus}": ':12: sweep.asha: must be a mapping, got "plateaus". Write asha: {rungs: plateaus}.',
    "sweep: {trials: 4, asha: {min_peers: 1}}": ":12: sweep.asha.min_peers: must be at least 2, got 1.",
    "sweep: {trials: 4, asha: {protect: 0}}": ":12: sweep.asha.protect: must be at least 1, got 0.",
    "sweep: {trials: 4, asha: {audit: 10}}": ":12: sweep.asha.audit: must be at most 1, got 10.",
    "sweep: {trials: 4, asha: {rungs: plateau}}": ':12: sweep.asha.rungs: must be plateaus or a list, got "plateau". Did you mean plateaus?',
    "sweep: {trials: 4, asha: {rungs: [0.5, 1.5]}}": ":12: sweep.asha.rungs[1]: must be below 1, got 1.5.",
    "sweep: {trials: 4, asha: {rungs: [0.5, 0.25]}}": ":12: sweep.asha.rungs: must rise, got [0.5, 0.25]. Write [0.25, 0.5].",
    "sweep: {trials: 4, asha: {rungs: []}}": ":12: sweep.asha.rungs: must be a list of at least 1, got [].",
    "sweep: {trials: 4}\nconfirm: true": ":13: confirm: must be a mapping, got true. Write confirm: {top: 3, seeds: 5}.",
    "sweep: {trials: 4}\nconfirm: {top: 0}": ":13: confirm.top: must be at least 1, got 0.",
    "sweep: {trials: 4}\nconfirm: {seeds: 1}": ":13: confirm.seeds: must be at least 2, got 1.",
    "sweep: {trials: 4}\nconfirm:\n  seeds: [3, 4]": ":14: confirm.seeds: must be a whole number, got [3, 4].",
    "sweep: {trials: 4}\nconfirm: {data: all}": ':13: confirm.data: must be one of train, train+val, got "all".',
    "sweep: {trials: 4}\nconfirm: {folds: 2}": ":13: confirm.folds: is no setting here, got 2. Known here: top, seeds, data.",
    "sweep: null\nconfirm: {}": [
        ":12: sweep: is required with a search. Add sweep: {trials: 24}.",
        ":13: confirm: has no effect without a sweep. Add sweep: {trials: 24}, or remove it.",
    ],
    "sparsity: {epochs: 2, init: net.pth, trained_on: train}\nconfirm: {data: train+val}": ':6: confirm.data: can\'t be with sparsity.trained_on: train, which chooses by half of the test set, got "train+val". Write data: train.',
    "sweep: {trials: 4}\nresources: {cpus_per_trial: 0}": ":13: resources.cpus_per_trial: must be at least 1, got 0.",
    "sweep: {trials: 4}\nresources: {gpus_per_trial: all}": ':13: resources.gpus_per_trial: must be auto or a number, got "all".',
    "sweep: {trials: 4}\nstore: {max_gb: 0}": ":13: store.max_gb: must be above 0, got 0.",
    "sweep: {trials: 4}\nseed: -1": ":13: seed: must be at least 0, got -1.",
    "sweep: {trials: 4}\nevaluate: some": ':13: evaluate: must be one of none, all, got "some".',
    "sweep: {trials: 4}\n学习率: 0.1": ":13: 学习率: is no setting here, got 0.1. Known here: seed, data, model, teacher, sparsity, prune, finetune, evaluate, precision, protocol, name, search, objective, constraints, sweep, confirm, resources, store.",
}


def spoilt(text: str) -> str:
    """SMALL with other lines for the section that ``text`` begins with."""
    section = rf"^{text.partition(':')[0]}:.*\n(  .*\n)*"
    changed, count = re.subn(section, lambda _: f"{text}\n", SMALL, count=1, flags=re.MULTILINE)
    assert count == 1
    return changed


def told(text: str, name: str = "f") -> list[str]:
    with pytest.raises(Faults, match=r"^f\.yaml:") as caught:
        checked(parse(text, "f.yaml"), name)
    return [line.removeprefix("f.yaml") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(("text", "lines"), [*SETTINGS.items(), *HOW.items()], ids=lambda v: str(v)[:60])
def test_a_bad_space_is_told_by_its_lines(text: str, lines: str | list[str]) -> None:
    assert told(spoilt(text)) == ([lines] if isinstance(lines, str) else lines)


def test_the_space_that_they_spoil_is_a_good_one() -> None:
    read, knobs = checked(parse(SMALL, "f.yaml"), "f")
    assert read.name == "small"
    assert [knob.key for knob in knobs] == ["prune.percent"]


def test_no_line_shows_a_regular_expression_or_python() -> None:
    for lines in [*SETTINGS.values(), *HOW.values()]:
        for line in [lines] if isinstance(lines, str) else lines:
            assert not re.search(r"\\s|\^\[|True|False|None|Input should|Value error|validat", line), line


def test_faults_of_every_kind_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = SMALL.replace("model: preresnet8\n", "modle: preresnet8\n").replace("name: small", "name: a/b")
    text = text.replace("val_fraction: 0.2", "val_fraction: 20").replace("slimming", "l9")
    text = text.replace("lr: 0.02", "lr: -1, kd_weight: 3").replace("[0.3, 0.5", "[30, 0.5")
    text = text.replace("maximize: accuracy", "maximize: acuracy").replace("<= 0.9", "<= 50")
    lines = told(text.replace("trials: 4", "trials: 0"))
    assert [line.split(": ")[0] + ": " + line.split(": ")[1] for line in lines] == [
        ":1: model",
        ":1: name",
        ":2: data.val_fraction",
        ":3: modle",
        ":6: prune.method",
        ":7: finetune.lr",
        ":7: finetune.kd_weight",
        ":9: search.prune.percent[0]",
        ":10: objective.maximize",
        ":11: constraints.macs",
        ":12: sweep.trials",
    ]
    assert lines[3] == ':3: modle: is no setting here, got "preresnet8". Did you mean model?'


def test_a_mistyped_section_is_told_once_not_by_all_that_needs_it() -> None:
    assert told(SMALL.replace("prune:", "prunee:")) == [
        ':6: prunee: is no setting here, got {method: "slimming"}. Did you mean prune?'
    ]


def test_without_any_training_there_is_nothing_to_do() -> None:
    text = "".join(line for line in SMALL.splitlines(True) if not line.startswith(("sparsity", "finetune")))
    assert told(text) == [":1: nothing is trained. Give a sparsity or a finetune section."]


def test_a_search_and_a_sweep_need_each_other() -> None:
    head, _, tail = SMALL.partition("search:\n")
    assert told(head + tail.partition("\n")[2]) == [
        ":1: search: is required with a sweep. Add search, or remove sweep."
    ]
    assert told(SMALL.partition("sweep:")[0]) == [
        ":1: sweep: is required with a search. Add sweep: {trials: 24}."
    ]


def test_a_files_own_name_must_do_for_a_run() -> None:
    text = SMALL.replace("name: small\n", "")
    assert checked(parse(text, "f.yaml"), "best")[0].name is None
    assert told(text, "my space") == [
        ":1: name: is required, since the file's own name can't be a run's, got \"my space\". Write name: my-space."
    ]


UNCUT = SMALL.replace("prune: {method: slimming}\n", "").replace("prune.percent", "sparsity.s")


@pytest.mark.parametrize(
    ("there", "instead", "line"),
    [
        (
            "small",
            "small",
            ":10: constraints.macs: is a share of the unpruned network, and the pipeline has no prune section, "
            'got "<= 0.9". Add prune: {percent: 0.5}.',
        ),
        (
            'macs: "<= 0.9"',
            'percent_cut: ">= 0.2"',
            ":10: constraints.percent_cut: is measured by pruning, and the pipeline has no prune section. "
            "Add prune: {percent: 0.5}.",
        ),
        (
            'maximize: accuracy}\nconstraints: {macs: "<= 0.9"}',
            "maximize: accuracy_pruned}",
            ":9: objective.maximize: is measured by pruning, and the pipeline has no prune section, "
            'got "accuracy_pruned". Add prune: {percent: 0.5}.',
        ),
    ],
)
def test_what_only_a_cut_measures_needs_a_prune_section(there: str, instead: str, line: str) -> None:
    assert told(UNCUT.replace(there, instead, 1)) == [line]


def test_a_count_needs_no_prune_section() -> None:
    assert checked(parse(UNCUT.replace("<= 0.9", "<= 1e6"), "f.yaml"), "f")


def begun(*, init: str = "init: pruned.pth, ", search: str = "finetune.lr: [0.01, 0.1]") -> str:
    """SMALL without what comes before finetuning, which begins with a file."""
    text = re.sub(r"(sparsity|prune|teacher):.*\n", "", SMALL).replace(
        "prune.percent: [0.3, 0.5, 0.7]", search
    )
    return text.replace("finetune: {", f"finetune: {{{init}")


SEARCHED = "finetune.init: [a.pth, b.pth]"
SOMETIMES = "seed: [0, 1]\n  finetune.init: {choice: [a.pth], when: {seed: 0}}"


@pytest.mark.parametrize("metric", ["macs", "params", "percent_cut"])
@pytest.mark.parametrize(
    "text", [begun(), begun(search=SEARCHED), begun(init="", search=SEARCHED), begun(search=SOMETIMES)]
)
def test_a_file_tells_what_its_network_has_lost(text: str, metric: str) -> None:
    bounds = text.replace("{macs:", f"{{{metric}:")
    assert checked(parse(bounds, "f.yaml"), "f")
    assert checked(parse(bounds.replace("accuracy}", f"accuracy, minimize: {metric}}}"), "f.yaml"), "f")


@pytest.mark.parametrize("text", [begun(init=""), begun(init="", search=SOMETIMES)])
def test_a_share_needs_a_cut_or_a_file_in_every_trial(text: str) -> None:
    (line,) = told(text)
    assert line.endswith(
        "constraints.macs: is a share of the unpruned network, and the pipeline has no prune section, "
        'got "<= 0.9". Add prune: {percent: 0.5}.'
    )


def test_a_file_does_not_tell_the_accuracy_behind_a_cut() -> None:
    (line,) = told(begun().replace("{macs:", "{accuracy_pruned:"))
    assert "constraints.accuracy_pruned: is measured by pruning, and the pipeline has no prune" in line


def refusal(text: str) -> list[str]:
    try:
        checked(parse(text, "f.yaml"), "f")
    except Faults as faults:
        return str(faults).split("\n")
    return []


ODD = st.none() | st.booleans() | st.integers(-1, 10**60) | st.floats() | st.text(max_size=4)
ODD |= st.sampled_from(["dist", "<= 50", [1, 1], ["none", "dist"], {}, {"choice": [1]}, {"uniform": [1, 0]}])
ODD |= st.sampled_from([{"choice": [1], "when": 3}, {"choice": [1], "when": {"finetune.kd": "dist"}}])
KEYS = st.sampled_from(["finetune.kd", "finetune.kd_weight", "kd", "checkpoint", "teacher.seed", "when", "x"])


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_whatever_stands_in_a_space_leads_to_no_more_than_faults(data: st.DataObject) -> None:
    tree = parse(SMALL, "f.yaml").value
    section = tree
    while data.draw(st.booleans()) and (inner := [v for v in section.values() if isinstance(v, dict)]):
        section = data.draw(st.sampled_from(inner))
    section[data.draw(st.sampled_from([*section]) | KEYS)] = data.draw(ODD)
    for line in refusal(dump(tree)):
        assert re.match(r"f\.yaml:\d+: \S", line)
        assert line.isprintable()
