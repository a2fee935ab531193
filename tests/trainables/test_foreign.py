from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from trainables.checkpoints import load
from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import prune

torch.set_num_threads(1)
GOLDEN = Path(__file__).parents[1] / "golden"
State = dict[str, Tensor]


def random(model: str, **settings: Any) -> PrunableNetwork:
    network = build(Architecture(model=model, classes=5, **settings), seed=3)
    assert isinstance(network, PrunableNetwork)
    for seed, name in enumerate(network.prunable()):
        network.get_parameter(f"{name}.weight").data.uniform_(generator=torch.Generator().manual_seed(seed))
    return network


def same_tensors(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture
def reload(tmp_path: Path) -> Callable[..., PrunableNetwork]:
    """Saves a checkpoint and loads the network in it."""

    def through_a_file(checkpoint: object, **asked: Any) -> PrunableNetwork:
        torch.save(checkpoint, tmp_path / "f.pth")
        network = load(tmp_path / "f.pth", **asked)
        assert isinstance(network, PrunableNetwork)
        return network

    return through_a_file


def test_repdistillers_checkpoint_gives_its_logits() -> None:
    network = load(GOLDEN / "repdistiller_resnet8x4_ckpt_epoch_240.pth", model="resnet8x4", classes=100)
    expected = torch.load(GOLDEN / "repdistiller_resnet8x4_expected.pt", weights_only=True)
    with torch.no_grad():
        torch.testing.assert_close(network(expected["x"]), expected["logits"])


def test_network_slimmings_checkpoints_give_its_logits() -> None:
    expected = torch.load(GOLDEN / "ns_preresnet20_p50_expected.pt", weights_only=True)
    sparse = load(GOLDEN / "ns_preresnet20_p50_sparse.pth.tar")
    smaller = load(GOLDEN / "ns_preresnet20_p50_pruned.pth.tar", model="preresnet20_bottleneck")
    assert isinstance(smaller, PrunableNetwork)
    assert list(smaller.architecture.cfg or ()) == expected["cfg"]
    assert complexity(smaller).params == expected["params_without_selection"]
    with torch.no_grad():
        torch.testing.assert_close(sparse(expected["x"]), expected["logits_before"])
        torch.testing.assert_close(smaller(expected["x"]), expected["logits_after"])
        torch.testing.assert_close(prune(sparse, 0.5)(expected["x"]), expected["logits_after"])


@pytest.mark.parametrize("norm", [False, True], ids=["bare", "shortcut_norm"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("percent", [0, 0.5])
def test_a_basic_block_fork_is_recognised(
    reload: Callable[..., PrunableNetwork], percent: float, prefix: str, norm: bool
) -> None:
    network = prune(random("preresnet8", channels=1, shortcut_norm=norm), percent)
    assert isinstance(network, PrunableNetwork)
    state = {prefix + name: tensor for name, tensor in network.state_dict().items()}
    checkpoint: dict[str, Any] = {"state_dict": state}
    if percent:
        assert network.architecture.cfg is not None
        checkpoint["cfg"] = list(network.architecture.cfg)
    loaded = reload(checkpoint, model="preresnet8")
    assert loaded.architecture == network.architecture
    assert same_tensors(loaded.state_dict(), network.state_dict())


@pytest.mark.parametrize("model", ["resnet8", "resnet14x4", "preresnet8x4", "preresnet20_bottleneck"])
@pytest.mark.parametrize("percent", [0, 0.7])
def test_a_bare_state_dict_is_recognised(
    reload: Callable[..., PrunableNetwork], model: str, percent: float
) -> None:
    network = prune(random(model), percent)
    loaded = reload(network.state_dict())
    assert loaded.architecture == network.architecture
    assert same_tensors(loaded.state_dict(), network.state_dict())


def test_safetensors_without_our_metadata_are_a_bare_state_dict(tmp_path: Path) -> None:
    network = random("resnet8")
    save_file(network.state_dict(), tmp_path / "f.safetensors")
    assert same_tensors(load(tmp_path / "f.safetensors").state_dict(), network.state_dict())


def test_dists_two_networks_are_chosen_by_name(reload: Callable[..., PrunableNetwork]) -> None:
    trained, averaged = (
        build(Architecture(model="resnet8", classes=5), seed=seed).state_dict() for seed in (3, 4)
    )
    doubly = {
        f"module.module.{name}": tensor for name, tensor in averaged.items()
    }  # of ModelEMA(DDP(network))
    checkpoint = {
        "epoch": 9,
        "model": trained,
        "ema_model": doubly,
        "optimizer": {"state": {}},
        "dyrep": None,
    }
    assert same_tensors(reload(checkpoint).state_dict(), trained)
    assert same_tensors(reload(checkpoint, weights="model").state_dict(), trained)
    assert same_tensors(reload(checkpoint, weights="ema_model").state_dict(), averaged)


@pytest.mark.parametrize("more", [{}, {"ema_model": None}])
def test_a_network_that_is_not_there_is_refused(
    reload: Callable[..., PrunableNetwork], more: dict[str, None]
) -> None:
    with pytest.raises(
        InputError, match=r"f.pth: weights: model, the only network in this file, got ema_model"
    ):
        reload({"model": random("resnet8").state_dict(), **more}, weights="ema_model")


def test_an_unknown_choice_of_weights_is_refused(reload: Callable[..., PrunableNetwork]) -> None:
    with pytest.raises(InputError, match=r"f.pth: weights: model or ema_model, got ema"):
        reload({"model": random("resnet8").state_dict()}, weights="ema")


def test_parameters_in_a_state_dict_are_tensors(reload: Callable[..., PrunableNetwork]) -> None:
    network = random("preresnet8")
    state: State = dict(network.state_dict(keep_vars=True))
    state["select.indexes"] = torch.nn.Parameter(state["select.indexes"])
    assert same_tensors(reload({"state_dict": state}).state_dict(), network.state_dict())


def test_selections_may_be_missing_where_all_is_selected(reload: Callable[..., PrunableNetwork]) -> None:
    state = random("preresnet8").state_dict()
    without = {name: tensor for name, tensor in state.items() if not name.endswith(".indexes")}
    assert len(without) == len(state) - 4
    assert same_tensors(reload(without).state_dict(), state)


def test_selections_may_not_be_missing_where_it_matters(reload: Callable[..., PrunableNetwork]) -> None:
    state = prune(random("preresnet8"), 0.5).state_dict()
    del state["layer3.0.select.indexes"]
    with pytest.raises(InputError, match=r"f.pth: checkpoint: .* layer3.0.select.indexes is missing"):
        reload(state)


def test_counters_that_old_torch_did_not_write_may_be_missing(reload: Callable[..., PrunableNetwork]) -> None:
    state = random("preresnet8").state_dict()
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    assert same_tensors(reload({"state_dict": old}).state_dict(), state)


def test_the_format_of_old_torch_is_read(tmp_path: Path) -> None:
    state = random("resnet8").state_dict()
    torch.save({"model": state}, tmp_path / "f.pth", _use_new_zipfile_serialization=False)
    assert same_tensors(load(tmp_path / "f.pth").state_dict(), state)


def test_the_dtype_is_the_files(reload: Callable[..., PrunableNetwork]) -> None:
    assert reload(random("resnet8").double().state_dict()).get_parameter("fc.weight").dtype == torch.float64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"layer2.0.conv1.weight": torch.ones(31, 16, 3, 3)},
            r"layer2.0.conv1.weight has shape \(31, 16, 3, 3\)",
        ),
        (
            {"layer1.0.conv2.weight": torch.ones(16, 17, 3, 3)},
            r"shape \(16, 17, 3, 3\) in place of \(16, 16, 3, 3\)",
        ),
        ({"fc.bias": torch.ones(6)}, r"fc.bias has shape \(6,\) in place of \(5,\)"),
        ({"fc.extra": torch.ones(1)}, "fc.extra is not in the network"),
        ({"layer3.0.bn1.bias": None}, "layer3.0.bn1.bias is missing"),
        ({"fc.weight": None}, "a weight fc.weight, got none"),
        ({"conv1.weight": None}, r"one of the networks of MODELS, got bn1.weight"),
        ({"conv1.weight": torch.ones(17, 3, 3, 3)}, r"depth 8 and widths \(17, 16, 32, 64\)"),
    ],
)
def test_the_first_tensor_that_does_not_fit_is_named(
    reload: Callable[..., PrunableNetwork], change: dict[str, Tensor | None], message: str
) -> None:
    state = {**random("resnet8").state_dict(), **change}
    with pytest.raises(InputError, match=f"f.pth: checkpoint: .*{message}"):
        reload({"model": {name: tensor for name, tensor in state.items() if tensor is not None}})


def test_with_a_model_a_damaged_stem_is_named(reload: Callable[..., PrunableNetwork]) -> None:
    state = random("resnet8").state_dict() | {"conv1.weight": torch.ones(17, 3, 3, 3)}
    with pytest.raises(
        InputError, match=r"model: another network in this file, got resnet8; conv1.weight has shape"
    ):
        reload(state, model="resnet8")


def test_a_cfg_that_disagrees_with_the_tensors_is_refused(reload: Callable[..., PrunableNetwork]) -> None:
    with pytest.raises(InputError, match=r"cfg: \[16, 32, 64\] by the tensors' shapes, got \[16, 32, 63\]"):
        reload({"cfg": [16, 32, 63], "state_dict": random("resnet8").state_dict()})


def test_a_cfg_is_a_list(reload: Callable[..., PrunableNetwork]) -> None:
    with pytest.raises(InputError, match=r"f.pth: cfg: a list of widths, got dict"):
        reload({"cfg": {"lr": 0.1}, "model": random("resnet8").state_dict()})


def test_an_empty_layer_is_refused_by_its_number(reload: Callable[..., PrunableNetwork]) -> None:
    state = random("resnet8").state_dict()  # as the official prune leaves them: a layer of no channels
    for name in ("conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"):
        state[f"layer2.0.{name}"] = state[f"layer2.0.{name}"][:0]
    state["layer2.0.conv2.weight"] = state["layer2.0.conv2.weight"][:, :0]
    with pytest.raises(InputError, match=r"f.pth: cfg: layer 1 has 1 to 32 channels, got 0"):
        reload(state)


def test_a_vgg_that_is_none_of_ours_is_refused_by_its_first_tensor(
    reload: Callable[..., PrunableNetwork],
) -> None:
    state = build(Architecture(model="vgg11", classes=5), seed=0).state_dict()
    wide = state | {"feature.4.bias": torch.zeros(128)}
    with pytest.raises(InputError, match=r"f.pth: checkpoint: .* feature.4.bias is not in the network"):
        reload(wide)
    fewer = {
        name: tensor for name, tensor in state.items() if not name.startswith(("feature.25", "feature.26"))
    }
    with pytest.raises(InputError, match=r"f.pth: checkpoint: one of the networks of MODELS, got depth 10"):
        reload(fewer)
    with pytest.raises(
        InputError, match=r"f.pth: model: vgg11 in this file, got resnet8; conv1.weight is missing"
    ):
        reload(state, model="resnet8")


def test_a_selection_that_disagrees_with_its_reader_is_refused(
    reload: Callable[..., PrunableNetwork],
) -> None:
    state = random("preresnet8").state_dict()
    state["layer2.0.select.indexes"][3] = 0
    with pytest.raises(InputError, match=r"16 channels selected by layer2.0.select.indexes, .* got 15"):
        reload({"state_dict": state})


@pytest.mark.parametrize(
    ("checkpoint", "got"),
    [([1, 2], "list"), ({"model": "resnet8"}, "str"), ({"epoch": 3}, "epoch"), ({"state_dict": {}}, "dict")],
)
def test_a_file_without_tensors_is_refused(
    reload: Callable[..., PrunableNetwork], checkpoint: object, got: str
) -> None:
    with pytest.raises(InputError, match=f"f.pth: checkpoint: .* got {got}"):
        reload(checkpoint)
