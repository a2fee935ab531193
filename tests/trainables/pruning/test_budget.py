from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from trainables.counting import complexity
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.pruning import choose, cut, prune
from trainables.pruning.budget import Cost, CostModel, distinct_percents
from trainables.pruning.layers import layers_of
from trainables.pruning.selection import select

MODELS = ["resnet8", "preresnet8", "preresnet11_bottleneck", "vgg11"]
IMAGE = (3, 8, 8)


def cost(network: nn.Module) -> Cost:
    counted = complexity(network, image=IMAGE)
    return Cost(params=counted.params, macs=counted.macs)


@pytest.mark.parametrize("model", [*MODELS, None])
@pytest.mark.parametrize("percent", [0, 0.3, 0.8])
def test_costs_are_those_of_the_network_cut(
    model: str | None, percent: float, small: nn.Module, looks_trained: Callable[[nn.Module], nn.Module]
) -> None:
    network = small if model is None else build(Architecture(model=model, classes=4), seed=0)
    looks_trained(network)
    for _ in range(2):  # the second time on a pruned network
        layers = layers_of(network, IMAGE)
        masks = choose(network, percent, image=IMAGE, method="random").masks
        smaller = cut(network, masks, image=IMAGE)
        assert CostModel(network, layers, IMAGE)(masks) == cost(smaller)
        network = smaller


@pytest.mark.parametrize("model", [*MODELS, None])
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize(("key", "what"), [("keep_macs", "macs"), ("keep_params", "params")])
def test_the_largest_network_within_the_budget_is_found(
    model: str | None,
    scope: str,
    key: str,
    what: str,
    small: nn.Module,
    looks_trained: Callable[[nn.Module], nn.Module],
) -> None:
    network = looks_trained(small if model is None else build(Architecture(model=model, classes=4), seed=0))
    layers, whole = layers_of(network, IMAGE), cost(network)
    model_of_cost = CostModel(network, layers, IMAGE)
    found = choose(network, image=IMAGE, scope=scope, **{key: 0.6})  # type: ignore[arg-type]
    assert getattr(model_of_cost(found.masks), what) <= 0.6 * getattr(whole, what)
    percents = distinct_percents([layer.width for layer in layers], scope)
    larger = choose(network, percents[percents.index(found.percent) - 1], image=IMAGE, scope=scope)
    assert getattr(model_of_cost(larger.masks), what) > 0.6 * getattr(whole, what)
    again = choose(network, found.percent, image=IMAGE, scope=scope)
    assert all(map(torch.equal, again.masks, found.masks))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from(["global", "layer"]))
def test_every_selection_has_a_percent(widths: list[int], scope: str) -> None:
    scores = list(torch.randperm(sum(widths)).double().split(widths))
    chosen = [select(scores, percent, scope=scope) for percent in distinct_percents(widths, scope)]
    cuts = [one.cut for one in chosen]
    assert cuts == sorted(cuts)
    for percent in torch.linspace(0, 0.999, 50).tolist():
        masks = select(scores, percent, scope=scope).masks
        assert any(all(map(torch.equal, masks, one.masks)) for one in chosen)


def test_the_whole_budget_cuts_nothing(looks_trained: Callable[[nn.Module], nn.Module]) -> None:
    network = looks_trained(build(Architecture(model="resnet8", classes=4), seed=0))
    chosen = choose(network, keep_macs=1, image=IMAGE)
    assert (chosen.percent, chosen.cut) == (0, 0)


def test_a_budget_out_of_reach_says_what_can_be_reached(
    looks_trained: Callable[[nn.Module], nn.Module],
) -> None:
    network = looks_trained(build(Architecture(model="resnet8", classes=4), seed=0))
    with pytest.raises(
        InputError, match=r"keep_macs: a share that can be reached, got 0\.01; .*, 0\.\d+ is left"
    ) as e:
        prune(network, keep_macs=0.01, image=IMAGE)
    least = float(str(e.value).split(" Write ")[1].split()[0])
    smallest = prune(network, keep_macs=least, image=IMAGE)
    assert {int(mask.sum()) for mask in choose(network, keep_macs=least, image=IMAGE).masks} == {1}
    assert cost(smallest).macs <= least * cost(network).macs
    with pytest.raises(InputError, match=r"keep_params: .* got 0\.5; .* or protect less"):
        prune(network, keep_params=0.5, protect=["layer2.*", "layer3.*"])


def test_multiply_accumulates_need_the_images_size() -> None:
    network = build(Architecture(model="resnet8", classes=4), seed=0)
    with pytest.raises(InputError, match=r"image: channels, height and width for keep_macs, got None"):
        choose(network, keep_macs=0.5)
    assert choose(network, keep_params=1).cut == 0
