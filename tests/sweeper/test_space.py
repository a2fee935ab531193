import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.faults import Faults
from sweeper.settings import RECIPE_SECTIONS, SpaceFile
from sweeper.space import PATHS, SHIPPED, Space, check, compare_within, find, load, read_override
from sweeper.strict_yaml import parse

SMALL = Path(__file__).with_name("small.yaml").read_text()


def read(text: str) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


def test_a_space_knows_its_points() -> None:
    space = read(SMALL)
    assert space.name == "small"
    assert space.finite
    assert [params["prune.percent"] for params in space.points()] == [0.3, 0.5, 0.7]
    assert space.fixed["prune.percent"] == 0.5
    assert not read(SMALL.replace("[0.3, 0.5, 0.7]", "{uniform: [0.3, 0.7]}")).finite


def test_a_space_without_a_name_has_its_files() -> None:
    assert read(SMALL.replace("name: small\n", "")).name == "f"


def test_what_is_wrong_with_a_space_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL.replace("epochs: 4", "epochs: 0").replace("0.7]", "7]"))
    with pytest.raises(Faults, match=r"finetune\.epochs") as caught:
        load(str(file))
    assert str(caught.value).splitlines() == [
        f"{file}:7: finetune.epochs: must be at least 1, got 0.",
        f"{file}:9: search.prune.percent[2]: must be a fraction from 0 to below 1, got 7. Write 0.07 for 7 %.",
    ]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (
            "prune.percent=20",
            ["--set prune.percent: must be a fraction from 0 to below 1, got 20. Write 0.2 for 20 %."],
        ),
        ("finetune.lrr=1", ["--set finetune.lrr: is no setting here, got 1. Did you mean lr?"]),
        (
            "finetune.lr=[0.1, 0.2]",
            [
                "--set finetune.lr: must be a number, got [0.1, 0.2]. "
                "To try several values, write under search: finetune.lr: [0.1, 0.2]."
            ],
        ),
        ("finetune.lr=", ["--set finetune.lr: must be a number, got null. Give it a value, or remove it."]),
        (
            "search.prune.percent=[0.3, 20]",
            [
                "--set search.prune.percent[1]: must be a fraction from 0 to below 1, got 20. "
                "Write 0.2 for 20 %."
            ],
        ),
        (
            "search.prune.percnt=[0.3]",
            ["--set search.prune.percnt: the pipeline has no such setting. Did you mean prune.percent?"],
        ),
        (
            "search.sparsity.s.points=4",
            [
                "--set search.sparsity.s: needs exactly one of choice, uniform, log_uniform, int_uniform, "
                "got {points: 4}."
            ],
        ),
        (
            "search=null",
            ["--set search: is required with a sweep. Add search, or remove sweep."],
        ),
        ("search={}", ["--set search: is empty. Name a setting, such as prune.percent: [0.3, 0.5]."]),
        ("sweep=null", ["--set sweep: is required with a search. Add sweep: {trials: 24}."]),
        (
            "teacher=null;finetune.kd=dist",
            ['--set finetune.kd: needs a teacher, got "dist". Add teacher: {model: resnet32x4}.'],
        ),
        (
            "teacher=null;search.finetune.kd=[none, dist]",
            ['--set search.finetune.kd[1]: needs a teacher, got "dist". Add teacher: {model: resnet32x4}.'],
        ),
        ("sweep.asha.rungs=[2]", ["--set sweep.asha.rungs[0]: must be below 1, got 2."]),
        ("confirm.seeds=1", ["--set confirm.seeds: must be at least 2, got 1."]),
        ("resources.workers=two", ['--set resources.workers: must be a whole number, got "two".']),
        (
            "constraints.macs=0.5",
            ['--set constraints.macs: must be "<= NUMBER" or ">= NUMBER", got 0.5. Write "<= 0.5".'],
        ),
        (
            "stor.max_gb=1",
            ["--set stor: is no setting here, got {max_gb: 1}. Did you mean store?"],
        ),
        (
            "model.x=1;data.source.y=2",
            [
                '--set model.x: model is no section, got "preresnet8".',
                '--set data.source.y: data.source is no section, got "digits".',
            ],
        ),
        (
            "prune.percent=0.5",
            [
                "--set prune.percent: is searched, so this has no effect, got 0.5. "
                "Write --set search.prune.percent=[0.5]."
            ],
        ),
        (
            "prune=null",
            [
                "FILE:9: search.prune.percent: the pipeline has no prune section. "
                "Add prune: {...}, or remove the key.",
                "FILE:11: constraints.macs: is a share of the unpruned network, and the pipeline has no prune "
                'section, got "<= 0.9". Add prune: {percent: 0.5}.',
            ],
        ),
    ],
)
def test_a_fault_of_the_command_line_says_so(overrides: str, lines: list[str], tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    with pytest.raises(Faults, match=r"--set|prune") as caught:
        load(str(file), [read_override(text) for text in overrides.split(";")])
    assert str(caught.value).replace(str(file), "FILE").splitlines() == lines


@pytest.mark.parametrize(
    "text", ["prune.percent", "=3", "", "prune..percent=3", ".percent=3", "prune.=3", " seed=3", "seed =3"]
)
def test_an_override_is_key_equals_value(text: str) -> None:
    with pytest.raises(
        Faults, match=r"--set: must be KEY=VALUE, got \".*\"\. Write --set prune\.percent=0\.5\."
    ):
        read_override(text)


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("finetune.lr=1e-3", "finetune lr", 1e-3),
        ("search.prune.percent=[0.1]", "search prune.percent", [0.1]),
        ("search.sparsity.s={log_uniform: [1e-3, 1], points: 4}", "search sparsity.s points", 4),
        ("search=null;sweep=null", "search", None),
        ("sweep.asha={}", "sweep asha min_peers", 4),
        ("sweep.asha.rungs=[0.25]", "sweep asha rungs", [0.25]),
        ("resources.workers=2", "resources workers", 2),
        ("constraints.params=<= 1e6", "constraints params", "<= 1e6"),
        ("objective.minimize=[macs, params]", "objective minimize", ["macs", "params"]),
        ("teacher=null", "teacher", None),
        ("name=one;name=other", "name", "other"),
    ],
)
def test_any_key_can_be_overridden(text: str, path: str, value: object, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    space = load(str(file), [read_override(one) for one in text.split(";")])
    found = space.settings.model_dump(mode="json")
    for part in path.split():
        found = found[part]
    assert found == value


def test_part_of_a_searched_setting_can_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL.replace("[0.3, 0.5, 0.7]", "{uniform: [0, 0.5], points: 3}"))
    space = load(str(file), [read_override("search.prune.percent.points=2")])
    assert [params["prune.percent"] for params in space.points()] == [0.0, 0.5]


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
    (tmp_path / "mine.yaml").write_text(SMALL)
    with pytest.raises(Faults, match=r"^mines: no such file, .* name\. Did you mean mine\.yaml\?$"):
        find("mines")


@pytest.mark.parametrize("given_", ["x" * 5000, "a\0b", "a/" * 3000, "/dev/null", "/nowhere/x.yaml"])
def test_whatever_is_no_file_is_told_in_one_line(given_: str) -> None:
    with pytest.raises(Faults, match=r"no such file, and no shipped space of this name") as caught:
        find(given_)
    assert str(caught.value).isprintable()


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
    "shares": SMALL.replace(
        "epochs: 4, warmup: 2, decay_every: 1", "epochs: 4, warmup_share: 0.25, decay_share: 0.5"
    ),
    "a share beside null": SMALL.replace(
        "warmup: 2, decay_every: 1", "warmup: null, warmup_share: 0.25, decay_every: 1"
    ),
    "the default share beside a number": SMALL.replace("warmup: 2,", "warmup: 2, warmup_share: 0.5,"),
    "gradual": SMALL.replace(
        "{method: slimming}", "{gradual: {steps: 3, ratio: linear, epochs: 3, warmup: 1}}"
    ),
    "a single step": SMALL.replace("{method: slimming}", "{gradual: {steps: 1}}"),
    "scratch-b": SMALL.replace("epochs: 4", "start: scratch_b, epochs: 4"),
    "a budget": SMALL.replace("{method: slimming}", "{keep_macs: 0.5}").replace(
        "prune.percent: [", "prune.keep_macs: ["
    ),
    "a fixed budget": SMALL.replace("{method: slimming}", "{keep_params: 0.5, scope: layer}").replace(
        "prune.percent: [0.3, 0.5, 0.7]", "sparsity.s: [0.1, 0.2]"
    ),
    "draws": SMALL.replace("{method: slimming}", "{method: random, like: slimming, draw: 3, recalibrate: 4}"),
    "taylor": SMALL.replace(
        "{method: slimming}", "{method: taylor, batches: 3, protect_share: 0.1, protect: [bn, 'layer1.*']}"
    ),
    "null in a choice": SMALL.replace("  prune.percent", "  prune.like: [null, l1]\n  prune.percent"),
    "when with a list": SMALL.replace(
        "  prune.percent",
        "  prune.method: [slimming, random, l1]\n"
        "  prune.like: {choice: [null, l2], when: {prune.method: [random, l1]}}\n  prune.percent",
    ),
    "a probe": SMALL.replace("{method: slimming}", "{probe: [0.3, 0.5]}")
    .replace("finetune: {epochs: 4, warmup: 2, decay_every: 1, lr: 0.02}\n", "")
    .replace("prune.percent: [0.3, 0.5, 0.7]", "sparsity.s: [0.1, 0.2]")
    .replace("maximize: accuracy", "maximize: accuracy_pruned"),
    "evaluate all": SMALL + "evaluate: all\n",
    "test sets": SMALL
    + "evaluate: {trials: all, test_sets: {corruptions: [contrast], severities: [1, 5], folders: {mine: here}}}\n",
    "all corruptions": SMALL + "evaluate: {test_sets: {corruptions: all}}\n",
    "the diary's protocol": SMALL + "protocol: diary\n",
    "a file to finetune": re.sub(
        r"(?m)^(sparsity|prune|search|  prune|sweep|constraints).*\n", "", SMALL
    ).replace(
        "finetune: {",
        "finetune: {init: pruned.pth.tar, weights: ema_model, normalize: cifar10, trained_on: train, ",
    ),
    "a file to prune": re.sub(r"(?m)^sparsity.*\n", "", SMALL).replace(
        "prune: {", "prune: {init: model_best.pth.tar, normalize: [[0.5], [0.25]], trained_on: split, "
    ),
    "a file to train sparsely": SMALL.replace(
        "sparsity: {", "sparsity: {init: model_best.pth.tar, trained_on: train, "
    ),
    "a teacher of dist's": SMALL.replace(
        "resnet8, epochs: 2, warmup: 1, decay_every: 1",
        "resnet8, checkpoint: t.pth, weights: ema_model, normalize: half",
    ),
}


SHIPPED_TEXTS = {str(p.relative_to(SHIPPED)): p.read_text() for p in sorted(SHIPPED.rglob("*.yaml"))}


@pytest.mark.parametrize("name", [*TEXTS, *SHIPPED_TEXTS])
def test_the_filled_text_reads_as_the_same_space(name: str) -> None:
    text = (TEXTS | SHIPPED_TEXTS)[name]
    once = read(text)
    again = read(once.text())
    assert again.text() == once.text()
    assert again.fixed == whole(once.fixed)
    assert again.knobs == once.knobs
    searching = set(SpaceFile.model_fields) - set(RECIPE_SECTIONS)
    assert again.settings.model_dump(include=searching) == once.settings.model_dump(include=searching)
    assert once.fixed != whole(once.fixed) or again.settings == once.settings


def whole(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a run's own file has them, whose paths hold wherever the run is resumed."""
    return {
        key: str(Path(value).resolve()) if value and (key in PATHS or ".folders." in key) else value
        for key, value in fixed.items()
    }


def test_a_runs_file_names_files_and_folders_by_whole_paths() -> None:
    for name, key, file in (
        ("a file to prune", "prune.init", "model_best.pth.tar"),
        ("a teacher of dist's", "teacher.checkpoint", "t.pth"),
        ("test sets", "evaluate.test_sets.folders.mine", "here"),
    ):
        space = read(TEXTS[name])
        assert space.fixed[key] == file
        assert read(space.text()).fixed[key] == str(Path.cwd() / file)


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


def test_a_space_carries_the_cautions_of_its_file() -> None:
    assert not any("accuracy alone" in text for text in read(SMALL).warnings)
    text = SMALL.replace('constraints: {macs: "<= 0.9"}\n', "")
    assert any(text.startswith("accuracy alone is won by pruning least") for text in read(text).warnings)


def test_a_space_is_checked_without_torch_ray_or_optuna() -> None:
    code = (
        "import sys; from sweeper.space import load; load('finetune'); "
        "print(sorted({'torch', 'ray', 'optuna', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
