import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.pruning import IMPORTANCES, choose, prune
from trainables.pruning.gradual import cumulative
from trainables.pruning.layers import layers_of

IMAGE = (3, 8, 8)


@pytest.fixture
def network(looks_trained: Callable[[nn.Module], nn.Module]) -> nn.Module:
    return looks_trained(build(Architecture(model="preresnet8", classes=4), seed=0)).eval()


def widths(network: nn.Module) -> list[int]:
    return [layer.width for layer in layers_of(network, IMAGE)]


@pytest.mark.parametrize("method", [name for name in IMPORTANCES if name != "slimming"])
def test_every_method_cuts_the_same_share_and_another_set(
    network: nn.Module, batches: list[tuple[Tensor, Tensor]], method: str
) -> None:
    mine = choose(network, 0.5, method=method, batches=batches)
    slimming = choose(network, 0.5)
    assert abs(mine.share - slimming.share) < 0.02
    assert not all(map(torch.equal, mine.masks, slimming.masks))


def test_layers_and_shares_are_protected(network: nn.Module, caplog: pytest.LogCaptureFixture) -> None:
    network.get_parameter("layer2.0.bn2.weight").data.mul_(1e-3)
    chosen = choose(network, 0.6, protect_share=0.25, protect=["layer1.0*", "bn"])
    names = [layer.name for layer in layers_of(network)]
    for name, mask in zip(names, chosen.masks, strict=True):
        assert int(mask.sum()) >= 0.25 * len(mask)
        assert mask.all() or name in ("layer2.0.bn1", "layer2.0.bn2", "layer3.0.bn1", "layer3.0.bn2")
    assert int(chosen.masks[names.index("layer2.0.bn2")].sum()) == 8
    assert "layer2.0.bn2 would lose more than they may" in caplog.text


def test_a_draw_like_slimming_has_its_widths_and_other_channels(network: nn.Module) -> None:
    slimming = choose(network, 0.5)
    draws = [choose(network, 0.5, method="random", like="slimming", seed=seed) for seed in (0, 0, 1)]
    for draw in draws:
        assert [int(mask.sum()) for mask in draw.masks] == [int(mask.sum()) for mask in slimming.masks]
        assert not all(map(torch.equal, draw.masks, slimming.masks))
    assert all(map(torch.equal, draws[0].masks, draws[1].masks))
    assert not all(map(torch.equal, draws[0].masks, draws[2].masks))


def test_a_draw_like_slimming_keeps_to_a_budget(network: nn.Module) -> None:
    drawn = prune(network, keep_macs=0.5, method="random", like="slimming", image=IMAGE)
    assert complexity(drawn, image=IMAGE).macs <= 0.5 * complexity(network, image=IMAGE).macs
    assert widths(drawn) == widths(prune(network, keep_macs=0.5, image=IMAGE))


def test_an_iterator_of_batches_serves_both_methods(
    network: nn.Module, batches: list[tuple[Tensor, Tensor]]
) -> None:
    like = choose(network, 0.5, method="random", like="taylor", batches=iter(batches))
    taylor = choose(network, 0.5, method="taylor", batches=batches)
    assert [int(mask.sum()) for mask in like.masks] == [int(mask.sum()) for mask in taylor.masks]


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("foreign", [False, True])
def test_gradual_cuts_without_training_between_end_where_one_cut_does(
    network: nn.Module, small: nn.Module, scope: str, foreign: bool
) -> None:
    whole = small if foreign else network
    smaller = whole
    for share in cumulative(0.6, 3):
        smaller = prune(smaller, share, scope=scope, image=IMAGE, unpruned=whole)
    at_once = prune(whole, 0.6, scope=scope, image=IMAGE)
    assert widths(smaller) == widths(at_once)
    for name, tensor in at_once.state_dict().items():
        assert torch.equal(tensor, smaller.state_dict()[name]), name
    assert smaller.pruned_by.share == at_once.pruned_by.share  # type: ignore[union-attr]


def test_a_budget_is_a_share_of_the_unpruned_network(network: nn.Module) -> None:
    half = prune(network, 0.3, image=IMAGE)
    third = prune(half, keep_macs=0.3, image=IMAGE, unpruned=network)
    whole = complexity(network, image=IMAGE).macs
    assert 0.25 * whole < complexity(third, image=IMAGE).macs <= 0.3 * whole


def test_another_network_as_the_unpruned_one_is_refused(network: nn.Module) -> None:
    with pytest.raises(
        InputError, match=r"unpruned: the network from before .* got layers of \[16, 32, 64\] "
    ):
        choose(network, 0.5, unpruned=build(Architecture(model="resnet8", classes=4), seed=0))
    with pytest.raises(InputError, match=r"unpruned: the network from before it was pruned"):
        choose(network, 0.5, unpruned=prune(network, 0.5))


def test_what_needs_no_rescue_is_not_warned_about(
    network: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        choose(network, 0.3)
    assert caplog.text == ""
