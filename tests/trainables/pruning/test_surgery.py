import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import choose, prune
from trainables.pruning.surgery import cut, mask, restart

torch.set_num_threads(1)
GOLDEN = Path(__file__).parents[2] / "golden"


def trained(model: str, **settings: Any) -> PrunableNetwork:
    """A network whose BatchNorms look trained: scales and statistics differ from channel to channel."""
    network = build(Architecture(model=model, classes=10, **settings), seed=0)
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    assert isinstance(network, PrunableNetwork)
    return network


def images(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    expected: dict[str, Any] = torch.load(GOLDEN / "ns_preresnet20_p50_expected.pt", weights_only=True)
    return expected


@pytest.fixture(scope="module")
def sparse() -> nn.Module:
    network = build(Architecture(model="preresnet20_bottleneck", classes=100), seed=0)
    checkpoint = torch.load(GOLDEN / "ns_preresnet20_p50_sparse.pth.tar", weights_only=True)
    network.load_state_dict(checkpoint["state_dict"])
    return network.eval()


def test_the_selection_equals_network_slimmings(golden: dict[str, Any], sparse: nn.Module) -> None:
    chosen = choose(sparse, golden["percent"])
    assert chosen.threshold == golden["threshold"]
    for mine, theirs in zip(chosen.masks, golden["masks"], strict=True):
        assert torch.equal(mine, theirs.bool())


def test_the_pruned_network_equals_network_slimmings(golden: dict[str, Any], sparse: nn.Module) -> None:
    smaller = prune(sparse, golden["percent"])
    assert isinstance(smaller, PrunableNetwork)
    assert list(smaller.architecture.cfg or ()) == golden["cfg"]
    assert complexity(smaller).params == golden["params_without_selection"]
    theirs = torch.load(GOLDEN / "ns_preresnet20_p50_pruned.pth.tar", weights_only=True)["state_dict"]
    for name, tensor in smaller.state_dict().items():
        assert torch.equal(tensor, theirs[name]), name
    with torch.no_grad():
        torch.testing.assert_close(sparse(golden["x"]), golden["logits_before"])
        torch.testing.assert_close(smaller(golden["x"]), golden["logits_after"])


def test_a_masked_network_equals_network_slimmings_pruned_one(
    golden: dict[str, Any], sparse: nn.Module
) -> None:
    masked = mask(sparse, [stays.bool() for stays in golden["masks"]])
    with torch.no_grad():
        torch.testing.assert_close(masked(golden["x"]), golden["logits_after"])
    assert complexity(masked) == complexity(sparse)


@pytest.mark.parametrize("model", ["resnet14", "preresnet14", "preresnet11_bottleneck"])
def test_masked_and_cut_networks_also_train_alike(model: str) -> None:
    network = trained(model).double()
    masks = choose(network, 0.6).masks
    batch = images(4, 3, 8, 8).double()
    torch.testing.assert_close(mask(network, masks)(batch), cut(network, masks)(batch))


@pytest.mark.parametrize("model", ["resnet14", "preresnet14", "preresnet11_bottleneck"])
def test_a_pruned_network_can_be_pruned_again(model: str) -> None:
    network = trained(model, shortcut_norm=model.startswith("pre")).eval()
    once = prune(network, 0.4)
    masks = choose(once, 0.5).masks
    twice, masked = cut(once, masks), mask(once, masks)
    torch.testing.assert_close(twice(images(2, 3, 8, 8)), masked(images(2, 3, 8, 8)))
    assert twice.architecture.cfg == tuple(int(stays.sum()) for stays in masks)
    assert complexity(twice).prunable == sum(twice.architecture.cfg) < complexity(once).prunable


def test_the_given_network_is_untouched() -> None:
    network = trained("preresnet8")
    before = copy.deepcopy(network.state_dict())
    smaller = prune(network, 0.5)
    for tensor in smaller.state_dict().values():
        tensor.zero_()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("training", [True, False])
def test_mode_and_dtype_stay(training: bool) -> None:
    smaller = prune(trained("preresnet8").double().train(training), 0.5)
    assert smaller.training is training
    assert smaller.get_submodule("bn").training is training
    assert {tensor.dtype for tensor in smaller.parameters()} == {torch.float64}


def test_percent_zero_gives_a_copy() -> None:
    network = trained("preresnet8")
    copied = prune(network, 0)
    assert isinstance(copied, PrunableNetwork)
    assert copied is not network
    assert copied.architecture == network.architecture
    assert copied.pruned_by is not None
    assert copied.pruned_by.share == 0
    for name, tensor in copied.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])


def test_a_rescued_layer_is_reported_and_the_network_still_runs(caplog: pytest.LogCaptureFixture) -> None:
    network = trained("preresnet8")
    network.get_parameter("layer2.0.bn2.weight").data.mul_(1e-6)
    smaller = prune(network, 0.5)
    assert isinstance(smaller, PrunableNetwork)
    assert smaller.pruned_by is not None
    assert smaller.pruned_by.rescued == (3,)
    assert smaller.architecture.cfg is not None
    assert smaller.architecture.cfg[3] == 1
    assert "layer2.0.bn2" in caplog.text
    assert smaller(images(2, 3, 8, 8)).isfinite().all()


def test_restarting_keeps_shape_and_selections_and_draws_new_weights() -> None:
    smaller = prune(trained("preresnet8").eval(), 0.5)
    fresh = restart(smaller, seed=5)
    assert fresh.architecture == smaller.architecture
    assert not fresh.training
    for name, tensor in smaller.state_dict().items():
        assert torch.equal(tensor, fresh.state_dict()[name]) is name.endswith(
            ("indexes", "num_batches_tracked")
        ), name


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InputError, match=r"method: one of slimming, l1, .*, got magic"):
        prune(trained("preresnet8"), 0.5, method="magic")


def test_masks_of_another_network_or_empty_ones_are_refused() -> None:
    network = trained("resnet8")
    with pytest.raises(InputError, match=r"masks: 16 entries for layer1.0.bn1 .* got 15 with 15 True"):
        cut(network, [torch.ones(15).bool(), torch.ones(32).bool(), torch.ones(64).bool()])
    with pytest.raises(InputError, match=r"masks: 32 entries for layer2.0.bn1 .* got 32 with 0 True"):
        mask(network, [torch.ones(16).bool(), torch.zeros(32).bool(), torch.ones(64).bool()])
