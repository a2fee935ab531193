import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.faults import Faults
from sweeper.space import SHIPPED, Space, check, compare_within, find, load, read_override, settable
from sweeper.strict_yaml import parse

SMALL = """\
name: small
data: {source: digits, val_fraction: 0.2}
model: preresnet8
teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}
sparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}
prune: {method: slimming}
finetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02}
search:
  prune.percent: [0.3, 0.5, 0.7]
objective: {maximize: accuracy}
constraints: {macs: "<= 0.9"}
sweep: {trials: 4, sampler: tpe}
"""

# (text of SMALL, what stands there instead, the lines that it must lead to, without the file's name)
BAD = [
    (
        "model: preresnet8",
        "modle: preresnet8",
        ':1: model: is required.\n:3: modle: is no setting here, got "preresnet8". Did you mean model?',
    ),
    (
        "model: preresnet8",
        "model: preresnet9",
        ':3: model: must be a known network, got "preresnet9". Did you mean preresnet8?',
    ),
    (
        "source: digits",
        "source: digit",
        ':2: data.source: must be a known data source, got "digit". Did you mean digits?',
    ),
    ("val_fraction: 0.2", "val_fraction: 20", ":2: data.val_fraction: must be below 1, got 20."),
    (
        "val_fraction: 0.2",
        "val_fraction: 0.2, shuffle: true",
        ":2: data.shuffle: is no setting here, got true. Known here: source, path, download, val_fraction, split_seed, batch_size, pad, flip.",
    ),
    (
        "prune: {method: slimming}",
        "prune: {percent: 20}",
        ":6: prune.percent: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    ),
    (
        "prune: {method: slimming}",
        "prune: {percent: 20%}",
        ':6: prune.percent: must be a number, got "20%". Write 0.2 for 20 %.',
    ),
    (
        "prune: {method: slimming}",
        "prune: {method: slimmng}",
        ':6: prune.method: must be a known pruning method, got "slimmng". Did you mean slimming?',
    ),
    (
        "prune: {method: slimming}",
        "prunee: {method: slimming}",
        ':6: prunee: is no setting here, got {method: "slimming"}. Did you mean prune?\n:9: search.prune.percent: the pipeline has no prune section. Add prune: {...}, or remove the key.',
    ),
    ("epochs: 4", "epochs: 4.5", ":7: finetune.epochs: must be a whole number, got 4.5."),
    ("epochs: 4", "epochs: 0", ":7: finetune.epochs: must be at least 1, got 0."),
    ("lr: 0.02", "lr: 0", ":7: finetune.lr: must be above 0, got 0."),
    ("lr: 0.02", "lr: .nan", ":7: finetune.lr: must be a finite number, got .nan."),
    (
        "lr: 0.02",
        "learning_rate: 0.02",
        ":7: finetune.learning_rate: is no setting here, got 0.02. Known here: epochs, lr, warmup, decay_every, decay_rate, ramp, momentum, nesterov, weight_decay, decay_gamma, batch_size, drop_last, kd, kd_tau, kd_weight, ce_weight, start.",
    ),
    (
        "lr: 0.02",
        "lr: 0.02, nesterov: true, momentum: 0",
        ":7: finetune: nesterov needs momentum above 0. Set momentum: 0.9.",
    ),
    (
        "lr: 0.02",
        "lr: 0.02, kd_weight: 2",
        ":7: finetune.kd_weight: has no effect with finetune.kd: none, got 2.0. Remove it, or set finetune.kd: dist.",
    ),
    (
        "lr: 0.02",
        "lr: 0.02, kd: dits",
        ':7: finetune.kd: must be a known distillation loss, got "dits". Did you mean dist?',
    ),
    ("lr: 0.02", "lr: 0.02, start: new", ':7: finetune.start: must be one of pruned, scratch, got "new".'),
    (
        "lr: 0.02",
        "lr: 0.02, nesterov: yes",
        ':7: finetune.nesterov: must be true or false, got "yes". Write true.',
    ),
    (
        "teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}",
        "teacher: {epochs: 2}",
        ":4: teacher: needs a model to train or a checkpoint to load. Set teacher.model: resnet32x4.",
    ),
    (
        "teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}",
        "teacher: {model: resnet8, checkpoint: t.pth, epochs: 2}",
        ":4: teacher.epochs: has no effect on a teacher from a checkpoint, got 2. Remove it.",
    ),
    (
        "name: small",
        "name: a/b",
        ':1: name: must be text that matches ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$, got "a/b".',
    ),
    ("name: small", "name: 5", ":1: name: must be text, got 5. Put it in quotes."),
    ("name: small", "seed: -1", ":1: seed: must be at least 0, got -1."),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: [0.3, 0.5, 20]",
        ":9: search.prune.percent[2]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: 0.5",
        ":9: search.prune.percent: must be a list of values or a range, got 0.5. Write prune.percent: [0.5, ...], or fix it outside of search.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: []",
        ":9: search.prune.percent: must be a list with at least one value, got [].",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: [0.3, 0.3]",
        ":9: search.prune.percent[1]: is given twice, got 0.3. Remove one.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: [[0.3], 0.5]",
        ":9: search.prune.percent[0]: must be one value, got [0.3].",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percnt: [0.3, 0.5]",
        ":9: search.prune.percnt: the pipeline has no such setting. Did you mean prune.percent?",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  percent: [0.3, 0.5]",
        ":9: search.percent: the pipeline has no such setting. Did you mean prune.percent?",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  data.source: [digits]",
        ":9: search.data.source: can't be searched: trials are compared on one split of one data set.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  data.val_fraction: [0.1, 0.2]",
        ":9: search.data.val_fraction: can't be searched: trials are compared on one split of one data set.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.kd_weight: [1, 2]",
        ":9: search.finetune.kd_weight: has no effect with finetune.kd: none. Remove it, or set finetune.kd: dist.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.epochs: {uniform: [4, 8]}",
        ":9: search.finetune.epochs.uniform: needs int_uniform here, got [4, 8]. Write int_uniform: [4, 8].",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {int_uniform: [4, 8]}",
        ":9: search.finetune.lr.int_uniform: needs uniform or log_uniform here, got [4, 8]. Write uniform or log_uniform: [4, 8].",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {uniform: [0.1, 0.01]}",
        ":9: search.finetune.lr.uniform: must be [low, high] with low below high, got [0.1, 0.01].",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {log_uniform: [0, 0.01]}",
        ":9: search.finetune.lr.log_uniform: needs a low end above 0, got [0, 0.01].",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {uniform: [0.01, 0.1], points: 1}",
        ":9: search.finetune.lr.points: must be a whole number of at least 2, got 1.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {uniform: [0.01, 0.1], step: 2}",
        ":9: search.finetune.lr.step: belongs to int_uniform, got 2. Write points.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.epochs: {int_uniform: [4, 8], points: 3}",
        ":9: search.finetune.epochs.points: belongs to uniform and log_uniform, got 3. Write step.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {unifrm: [0.01, 0.1]}",
        ":9: search.finetune.lr.unifrm: is no setting here, got [0.01, 0.1]. Did you mean uniform?\n:9: search.finetune.lr: needs exactly one of choice, uniform, log_uniform, int_uniform, got {unifrm: [0.01, 0.1]}.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.lr: {choice: [0.1], uniform: [0.01, 0.1]}",
        ":9: search.finetune.lr: needs exactly one of choice, uniform, log_uniform, int_uniform, got {choice: [0.1], uniform: [0.01, 0.1]}.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {choice: [0.3, 0.5], points: 2}",
        ":9: search.prune.percent.points: has no effect on a choice, got 2. Remove it.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {choice: [0.3, 20]}",
        ":9: search.prune.percent[1]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {uniform: [0.3, 20]}",
        ":9: search.prune.percent: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {choice: [0.3], when: {finetune.kdd: dist}}",
        ":9: search.prune.percent.when.finetune.kdd: the pipeline has no such setting. Did you mean finetune.kd?",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {choice: [0.3], when: {prune.percent: 0.3}}",
        ":9: search.prune.percent.when.prune.percent: a condition on itself.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {choice: [0.3], when: 3}",
        ":9: search.prune.percent.when: must be a mapping of setting: value, got 3.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: {choice: [0.3], when: {finetune.lr: 0.1}}\n  finetune.lr: {choice: [0.1], when: {prune.percent: 0.3}}",
        ":9: search.prune.percent.when: conditions go round in a circle.",
    ),
    (
        "search:\n  prune.percent: [0.3, 0.5, 0.7]",
        "search: {}",
        ":8: search: is empty. Name a setting, such as prune.percent: [0.3, 0.5].",
    ),
    (
        "sweep: {trials: 4, sampler: tpe}\n",
        "",
        ":1: sweep: is required with a search. Add sweep: {trials: 24}.",
    ),
    (
        "search:\n  prune.percent: [0.3, 0.5, 0.7]\n",
        "",
        ":1: search: is required with a sweep. Add search, or remove sweep.",
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {sampler: tpe}",
        ":12: sweep: needs trials with sampler: tpe. Set sweep.trials: 24.",
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {trials: 4, sampler: bayes}",
        ':12: sweep.sampler: must be one of tpe, random, grid, got "bayes".',
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {trials: 0}",
        ":12: sweep.trials: must be at least 1, got 0.",
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {trials: 4, asha: {min_peers: 1}}",
        ":12: sweep.asha.min_peers: must be at least 2, got 1.",
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {trials: 4, asha: {rungs: plateau}}",
        ':12: sweep.asha.rungs: must be plateaus or a list, got "plateau". Did you mean plateaus?',
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {trials: 4, asha: {rungs: [0.5, 1.5]}}",
        ":12: sweep.asha.rungs[1]: must be below 1, got 1.5.",
    ),
    (
        "sweep: {trials: 4, sampler: tpe}",
        "sweep: {trials: 4, asha: {compare_within: [finetune.kdd]}}",
        ':12: sweep.asha.compare_within[0]: the pipeline has no such setting, got "finetune.kdd". Did you mean finetune.kd?',
    ),
    (
        '  prune.percent: [0.3, 0.5, 0.7]\nobjective: {maximize: accuracy}\nconstraints: {macs: "<= 0.9"}\nsweep: {trials: 4, sampler: tpe}',
        "  finetune.lr: {uniform: [0.01, 0.1]}\nsweep: {sampler: grid}",
        ":9: search.finetune.lr: a range needs points under sampler: grid, got {uniform: [0.01, 0.1]}. Add points: 4 (step for int_uniform).",
    ),
    (
        '  prune.percent: [0.3, 0.5, 0.7]\nobjective: {maximize: accuracy}\nconstraints: {macs: "<= 0.9"}\nsweep: {trials: 4, sampler: tpe}',
        "  prune.percent: {uniform: [0.1, 0.9]}\nsweep: {trials: 4, asha: {}}",
        ":10: sweep.asha: prune.percent has endlessly many values, so no two trials could be compared. Give it points, or name finite-valued settings in sweep.asha.compare_within.",
    ),
    (
        "<= 0.9",
        "< 0.9",
        ':11: constraints.macs: must be text that matches ^\\s*(<=|>=)\\s*[0-9.eE+-]+\\s*$, got "< 0.9".',
    ),
    ("<= 0.9", "<= 1e", ":11: constraints: macs needs a bound such as <= 0.5, got <= 1e."),
    (
        'macs: "',
        'mac: "',
        ':11: constraints.mac: must be one of accuracy, accuracy_pruned, loss, macs, params, percent_cut, got "mac". Did you mean macs?',
    ),
    (
        "maximize: accuracy",
        "maximize: test_accuracy",
        ':10: objective.maximize: must be one of accuracy, accuracy_pruned, loss, macs, params, percent_cut or a list, got "test_accuracy". Did you mean accuracy?',
    ),
    ("maximize: accuracy", "maximize: accuracy, minimize: accuracy", ":10: objective: names a metric twice."),
    ("{maximize: accuracy}", "{}", ":10: objective: needs a metric. Write {maximize: accuracy}."),
    (
        "sparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}\nprune: {method: slimming}\nfinetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02}",
        "prune: {method: slimming}",
        ":1: nothing is trained. Give a sparsity or a finetune section.",
    ),
    (
        "prune: {method: slimming}\n",
        "",
        ":8: search.prune.percent: the pipeline has no prune section. Add prune: {...}, or remove the key.",
    ),
    (
        "objective:",
        "resources: {cpus_per_trial: 0}\nobjective:",
        ":10: resources.cpus_per_trial: must be at least 1, got 0.",
    ),
    ("objective:", "store: {max_gb: 0}\nobjective:", ":10: store.max_gb: must be above 0, got 0."),
    (
        "teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}\nsparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}\nprune: {method: slimming}\nfinetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02}\nsearch:",
        "sparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}\nprune: {method: slimming}\nfinetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02}\nsearch:\n  finetune.kd: [none, dist]",
        ":8: search.finetune.kd[1]: finetune.kd is dist, which needs a teacher. Add teacher: {model: resnet32x4}.",
    ),
    (
        "teacher: {model: resnet8, epochs: 2, warmup: 1, decay_every: 1}\nsparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}\nprune: {method: slimming}\nfinetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02}",
        "sparsity: {epochs: 2, warmup: 1, decay_every: 1, lr: 0.05}\nprune: {method: slimming}\nfinetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02, kd: dist}",
        ":1: finetune.kd is dist, which needs a teacher. Add teacher: {model: resnet32x4}.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  prune.percent: [0.3, true]",
        ":9: search.prune.percent[1]: must be a number, got true.",
    ),
    (
        "  prune.percent: [0.3, 0.5, 0.7]",
        "  finetune.nesterov: [true, false]\n  finetune.momentum: [0, 0.9]",
        ":8: search: the point {'finetune.nesterov': True, 'finetune.momentum': 0} does not work: nesterov needs momentum above 0. Set momentum: 0.9.",
    ),
]


def read(text: str) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


@pytest.mark.parametrize(("there", "instead", "lines"), BAD, ids=[bad[1][:40] or "-" for bad in BAD])
def test_a_bad_space_is_told_by_its_lines(there: str, instead: str, lines: str) -> None:
    assert there in SMALL
    with pytest.raises(Faults) as caught:
        read(SMALL.replace(there, instead, 1))
    assert str(caught.value).splitlines() == [f"f.yaml{line}" for line in lines.splitlines()]
    assert caught.value.exit_code == 2


def test_the_table_is_long_enough() -> None:
    assert len(BAD) >= 40


def test_the_space_that_they_spoil_is_a_good_one() -> None:
    space = read(SMALL)
    assert space.name == "small"
    assert space.finite
    assert [params["prune.percent"] for params in space.points()] == [0.3, 0.5, 0.7]


def test_several_faults_are_all_listed_in_the_order_of_their_lines() -> None:
    text = SMALL.replace("lr: 0.02", "lr: -1").replace("val_fraction: 0.2", "val_fraction: 20")
    text = text.replace("trials: 4", "trials: 0").replace("prune.percent", "prune.percnt")
    with pytest.raises(Faults) as caught:
        read(text)
    assert str(caught.value).splitlines() == [
        "f.yaml:2: data.val_fraction: must be below 1, got 20.",
        "f.yaml:7: finetune.lr: must be above 0, got -1.",
        "f.yaml:9: search.prune.percnt: the pipeline has no such setting. Did you mean prune.percent?",
        "f.yaml:12: sweep.trials: must be at least 1, got 0.",
    ]


NO_PRUNE = SMALL.replace("prune: {method: slimming}\n", "").replace("prune.percent", "sparsity.s")


@pytest.mark.parametrize(
    ("there", "instead", "line"),
    [
        (
            "~",
            "",
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
    with pytest.raises(Faults) as caught:
        read(NO_PRUNE.replace(there, instead, 1))
    assert str(caught.value) == f"f.yaml{line}"


@pytest.mark.parametrize(
    ("override", "line"),
    [
        (
            "prune.percent=20",
            "--set prune.percent: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
        ),
        ("finetune.lrr=1", "--set finetune.lrr: is no setting here, got 1. Did you mean lr?"),
        (
            "search.prune.percent=[0.3, 20]",
            "--set search.prune.percent[1]: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %.",
        ),
        (
            "search.prune.percnt=[0.3]",
            "--set search.prune.percnt: the pipeline has no such setting. Did you mean prune.percent?",
        ),
        ("model.x=1", '--set model.x: model is no section, got "preresnet8".'),
    ],
)
def test_a_fault_of_the_command_line_says_so(override: str, line: str, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    with pytest.raises(Faults) as caught:
        load(str(file), [read_override(override)])
    assert str(caught.value) == line


@pytest.mark.parametrize("text", ["prune.percent", "=3", ""])
def test_an_override_is_key_equals_value(text: str) -> None:
    with pytest.raises(
        Faults, match=r"--set: must be KEY=VALUE, got \".*\"\. Write --set prune\.percent=0\.5\."
    ):
        read_override(text)


def test_overrides_replace_the_files_values_and_make_absent_sections(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    given_ = ["finetune.lr=1e-3", "search.prune.percent=[0.1]", "resources.workers=2", "name=other"]
    space = load(str(file), [read_override(text) for text in given_])
    assert space.fixed["finetune.lr"] == 1e-3
    assert list(space.points()) == [{"prune.percent": 0.1}]
    assert space.settings.resources.workers == 2
    assert space.name == "other"


@pytest.mark.parametrize(
    "name", ["finetune", "space/finetune", "space/finetune.yaml", "search_spaces/finetune.yaml"]
)
def test_a_shipped_space_is_found_by_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(name) == SHIPPED / "finetune.yaml"
    assert load(name).name == "finetune"


def test_a_path_goes_before_a_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "finetune.yaml").write_text(SMALL)
    assert load("finetune.yaml").name == "small"


def test_a_space_that_is_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(
        Faults, match=r"^finetun: no such file, and no shipped space of this name\. Did you mean finetune\?$"
    ):
        find("finetun")
    with pytest.raises(Faults, match=r"^folder: is a folder\. Name a YAML file\.$"):
        find("folder")


TEXTS = {
    "small": SMALL,
    "without a search": "\n".join(SMALL.splitlines()[:7]) + "\n",
    "a teacher from a checkpoint": SMALL.replace(
        "resnet8, epochs: 2, warmup: 1, decay_every: 1", "resnet8, checkpoint: t.pth"
    ),
    "several objectives": SMALL.replace(
        "{maximize: accuracy}", "{maximize: accuracy, minimize: [macs, params]}"
    ),
    "conditions": SMALL.replace(
        "  prune.percent",
        "  finetune.kd: [none, dist]\n"
        "  finetune.kd_weight: {uniform: [0.5, 2], points: 3, when: {finetune.kd: dist}}\n  prune.percent",
    ),
    "asha": SMALL.replace("sampler: tpe", "sampler: grid, asha: {rungs: [0.25, 0.5]}"),
}


@pytest.mark.parametrize("text", [*TEXTS.values(), *(p.read_text() for p in sorted(SHIPPED.rglob("*.yaml")))])
def test_the_filled_text_reads_as_the_same_space(text: str) -> None:
    once = read(text)
    again = read(once.text())
    assert again.text() == once.text()
    assert again.settings == once.settings
    assert again.knobs == once.knobs
    assert again.fixed == once.fixed


@settings(deadline=None, max_examples=50)
@given(st.randoms(use_true_random=False))
def test_a_drawn_point_is_a_point_and_makes_a_recipe(rng: object) -> None:
    space = read(TEXTS["conditions"])
    params = space.draw(rng)  # type: ignore[arg-type]
    assert params in list(space.points())
    recipe = space.recipe(params)
    assert recipe.prune is not None
    assert recipe.prune.percent == params["prune.percent"]


def test_asha_compares_by_default_within_what_changes_the_network() -> None:
    text = TEXTS["conditions"].replace("sampler: tpe", "asha: {}")
    assert compare_within(read(text)) == ("finetune.kd", "prune.percent")
    assert compare_within(read(text.replace("asha: {}", "asha: {compare_within: []}"))) == ()


def test_what_can_be_searched_are_the_pipelines_settings() -> None:
    known = settable()
    assert {"seed", "model", "prune.percent", "sparsity.s", "finetune.kd_weight"} <= set(known)
    assert not {"data.source", "data.split_seed", "sweep.trials", "name", "evaluate"} & set(known)


@pytest.mark.parametrize(
    ("there", "instead", "warning"),
    [
        ('constraints: {macs: "<= 0.9"}\n', "", "accuracy alone is won by pruning least"),
        (
            "prune.percent: [0.3, 0.5, 0.7]",
            "sparsity.s: {uniform: [0, 1]}",
            "search.sparsity.s has endlessly many values",
        ),
        ("epochs: 4, warmup: 2", "epochs: 4, warmup: 4", "finetune: the rate never drops in 4 epochs"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of(there: str, instead: str, warning: str) -> None:
    before, after = read(SMALL).warnings, read(SMALL.replace(there, instead)).warnings
    assert not any(text.startswith(warning) for text in before)
    assert any(text.startswith(warning) for text in after)


def test_a_space_is_checked_at_once_without_torch_ray_or_optuna() -> None:
    code = (
        "import sys; from sweeper.space import load; load('finetune'); "
        "print(sorted({'torch', 'ray', 'optuna', 'numpy'} & set(sys.modules)))"
    )
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert time.monotonic() - begin < 2
