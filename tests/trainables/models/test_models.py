import json
import subprocess
import sys

import pytest
import torch

from trainables.errors import InputError
from trainables.models import MODELS, Architecture, Family, build

torch.set_num_threads(1)


def test_names_and_descriptions_need_no_torch() -> None:
    modules = "trainables.models, trainables.losses, trainables.pruning, trainables.checkpoints"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "architecture",
    [
        Architecture(model="resnet8", classes=10),
        Architecture(model="preresnet8", classes=3, channels=1, cfg=(1, 2, 3), shortcut_norm=True),
        Architecture(model="vgg11", classes=3, mean=(0.5071, 0.4867, 0.4408), std=(0.2675, 0.2565, 0.2761)),
    ],
)
def test_an_architecture_survives_json(architecture: Architecture) -> None:
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_an_architecture_with_strange_or_missing_keys_is_refused() -> None:
    with pytest.raises(InputError, match=r"architecture: keys are model, .* got width"):
        Architecture.from_json({"model": "resnet8", "classes": 10, "width": 4})
    with pytest.raises(
        InputError, match=r"architecture: needs model and classes, got \['model'\]. Add classes"
    ):
        Architecture.from_json({"model": "resnet8"})


def test_what_was_written_before_there_were_mean_and_std_is_read() -> None:
    old = {"model": "resnet8", "classes": 10, "channels": 1, "cfg": [3, 2, 1], "shortcut_norm": False}
    assert Architecture.from_json(old) == Architecture(model="resnet8", classes=10, channels=1, cfg=(3, 2, 1))


@pytest.mark.parametrize(
    ("normalisation", "message"),
    [
        ({"mean": (0.5,) * 3}, r"mean, std: both or none, got \(0.5, 0.5, 0.5\) and None"),
        ({"std": (0.5,) * 3}, r"mean, std: both or none, got None and \(0.5, 0.5, 0.5\)"),
        ({"mean": (0.5,), "std": (1.0,) * 3}, "mean: one number for each of the 3 image channels, got 1"),
        ({"mean": (0.5,) * 3, "std": (1.0,) * 4}, "std: one number for each of the 3 image channels, got 4"),
        ({"mean": (0.5,) * 3, "std": (1.0, 0.0, 1.0)}, r"std: finite numbers above 0, got \(1.0, 0.0, 1.0\)"),
        ({"mean": (0.5,) * 3, "std": (1.0, 1.0, float("nan"))}, "std: finite numbers above 0, got .*nan"),
    ],
)
def test_mean_and_std_are_one_number_a_channel(
    normalisation: dict[str, tuple[float, ...]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build(Architecture(model="resnet8", classes=10, **normalisation), seed=0)


def test_every_depth_up_to_18_blocks_a_stage_has_a_name() -> None:
    names = {"resnet26", "resnet38x4", "preresnet92", "preresnet110x4", "preresnet47_bottleneck", "vgg16"}
    assert names < set(MODELS)
    assert "preresnet48_bottleneck" not in MODELS
    blocks = build(Architecture(model="preresnet47_bottleneck", classes=2), seed=0).get_submodule("layer2")
    assert len(list(blocks.children())) == 5


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(
        InputError, match=r"model: one of \[pre\]resnet.* got preresnet8x5. Did you mean preresnet8x4\?"
    ):
        build(Architecture(model="preresnet8x5", classes=10), seed=0)


@pytest.mark.parametrize("key", ["classes", "channels"])
def test_sizes_start_at_one(key: str) -> None:
    with pytest.raises(InputError, match=f"{key}: a number from 1 on, got 0"):
        build(Architecture(**{"model": "resnet8", "classes": 10, key: 0}), seed=0)


def test_a_cfg_has_one_width_for_each_prunable_layer() -> None:
    with pytest.raises(
        InputError, match="cfg: one number for each of the 3 prunable layers of resnet8, got 2"
    ):
        build(Architecture(model="resnet8", classes=10, cfg=(1, 2)), seed=0)


@pytest.mark.parametrize("width", [0, 33])
def test_a_cfg_stays_within_the_widths(width: int) -> None:
    with pytest.raises(InputError, match=f"cfg: layer 1 has 1 to 32 channels, got {width}"):
        build(Architecture(model="resnet8", classes=10, cfg=(1, width, 1)), seed=0)


def test_a_shortcut_norm_is_a_choice_of_the_preactivation_networks() -> None:
    with pytest.raises(InputError, match=r"shortcut_norm: .* got true for resnet8"):
        build(Architecture(model="resnet8", classes=10, shortcut_norm=True), seed=0)
    names = build(Architecture(model="preresnet8x4", classes=10, shortcut_norm=True), seed=0).state_dict()
    assert "layer1.0.downsample.1.weight" in names


def test_building_touches_no_global_random_state() -> None:
    before = torch.random.get_rng_state()
    build(Architecture(model="resnet8", classes=10), seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_another_seed_gives_other_weights() -> None:
    first, second = (build(Architecture(model="resnet8", classes=10), seed=seed) for seed in (0, 1))
    assert not torch.equal(first.get_parameter("conv1.weight"), second.get_parameter("conv1.weight"))


@pytest.mark.parametrize(("model", "gamma"), [("resnet8x4", 1.0), ("preresnet8x4", 0.5)])
def test_weights_begin_as_in_the_official_codes(model: str, gamma: float) -> None:
    network = build(Architecture(model=model, classes=10), seed=0)
    norm, conv = network.get_submodule("layer3.0.bn1"), network.get_parameter("layer3.0.conv2.weight")
    assert norm.weight.unique().tolist() == [gamma]
    assert norm.bias.unique().tolist() == [0]
    assert conv.std().item() == pytest.approx((2 / (9 * 256)) ** 0.5, rel=0.01)


def test_parameters_have_repdistillers_names() -> None:
    names = build(Architecture(model="resnet8x4", classes=10), seed=0).state_dict()
    block = [name.removeprefix("layer1.0.") for name in names if name.startswith("layer1.0.")]
    assert [name for name in block if name.endswith("weight")] == [
        "conv1.weight",
        "bn1.weight",
        "conv2.weight",
        "bn2.weight",
        "downsample.0.weight",
        "downsample.1.weight",
    ]
    assert {"conv1.weight", "bn1.weight", "fc.weight", "fc.bias"} <= set(names)


def test_an_own_network_is_one_more_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = Family(where="trainables.models.resnet:ResNet", depth=8, widths=(8, 8, 8, 8))
    monkeypatch.setitem(MODELS, "narrow", wide)
    network = build(Architecture(model="narrow", classes=2, channels=1), seed=0)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 2)
