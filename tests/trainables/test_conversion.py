import copy

import pytest
import torch
from torch import Tensor, nn

from trainables.conversion import Sum, transfer
from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import prune

torch.set_num_threads(1)


def trained(model: str, **settings: object) -> PrunableNetwork:
    """A network, grey, float64, its BatchNorms as if trained, in evaluation mode."""
    network = build(
        Architecture(**{"model": model, "classes": 4, "channels": 1, **settings}), seed=0
    ).double()
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                assert tensor is not None
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    assert isinstance(network, PrunableNetwork)
    return network.eval()


def lifted(network: PrunableNetwork) -> PrunableNetwork:
    """The same with every sum that a shortcut reads, the stem's included, above 0; the last sum is around it."""
    norms = {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}
    sums = [name for name in norms if name == "bn1" or name.endswith(".bn2")]
    for name in [*sums, *(name for name in norms if name.endswith("downsample.1"))]:
        norms[name].weight.data *= 0.02
    for name in sums[:-1]:
        norms[name].bias.data += 5
    return network


def images() -> Tensor:
    return torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(2)).double()


@pytest.mark.parametrize("percent", [0, 0.5])
@pytest.mark.parametrize("model", ["resnet8x4", "resnet20"])
def test_the_function_stays_where_no_shortcut_reads_a_negative_sum(model: str, percent: float) -> None:
    source = prune(lifted(trained(model)), percent)
    target, report = transfer(source, f"pre{model}")
    sums = list[Tensor]()
    for name, module in source.named_modules():
        if name.count(".") == 1:  # the blocks
            module.register_forward_pre_hook(lambda _, inputs: sums.append(inputs[0]))
    with torch.no_grad():
        torch.testing.assert_close(target(images()), source(images()))
    assert all(total.min() > 0 for total in sums)
    assert not report.exact
    assert "before their ReLU" in report.reason


@torch.no_grad()
def test_elsewhere_the_function_changes() -> None:
    source = trained("resnet8x4")
    target, _ = transfer(source, "preresnet8x4")
    assert not torch.allclose(target(images()), source(images()), atol=1e-3)


def test_every_tensor_goes_where_the_table_says() -> None:
    source = trained("resnet8x4")
    target, report = transfer(source, "preresnet8x4")
    old, new = source.state_dict(), target.state_dict()
    assert report.copied == {
        **{f"layer{n}.0.conv1": f"layer{n}.0.conv1" for n in (1, 2, 3)},
        **{f"layer{n}.0.bn2": f"layer{n}.0.bn1" for n in (1, 2, 3)},
        "fc": "fc",
    }
    for to, of in report.copied.items():
        for name in (name for name in old if name.startswith(f"{of}.")):
            assert torch.equal(new[to + name.removeprefix(of)], old[name]), name
    assert report.computed["conv1"] == ("conv1", "bn1")
    assert report.computed["layer1.0.bn1"] == ("bn1",)
    assert report.computed["layer1.0.conv2"] == ("layer1.0.conv2", "layer1.0.bn2")
    assert report.computed["layer1.0.downsample.0"] == (
        "layer1.0.downsample.0",
        "layer1.0.downsample.1",
        "bn1",
    )
    assert report.computed["layer2.0.bn1"] == (
        "bn1",
        "layer1.0.downsample.0",
        "layer1.0.downsample.1",
        "layer1.0.bn2",
    )
    assert "layer3.0.bn2" in report.computed["bn"]
    assert report.new == ("layer1.0.select", "layer2.0.select", "layer3.0.select", "select")
    assert all(new[f"{name}.indexes"].all() for name in report.new)
    assert report.unused == ()
    modules = {name.rpartition(".")[0] for name in new}
    assert {*report.copied, *report.computed, *report.new} == modules


def test_what_ranks_the_channels_is_the_spread_of_the_sum() -> None:
    source = trained("resnet8x4")
    target, _ = transfer(source, "preresnet8x4")
    old, new = source.state_dict(), target.state_dict()
    spread = torch.hypot(old["layer1.0.bn2.weight"], old["layer1.0.downsample.1.weight"])
    torch.testing.assert_close(new["layer2.0.bn1.weight"], spread, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(new["layer1.0.bn1.weight"], old["bn1.weight"], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(
        new["layer2.0.bn1.bias"], old["layer1.0.bn2.bias"] + old["layer1.0.downsample.1.bias"]
    )


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.5, 0.7), (-0.8, 2.0), (4.0, 0.5)])
def test_the_line_in_place_of_the_relu_is_the_least_squares_one(mean: float, deviation: float) -> None:
    places = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    values = mean + deviation * torch.special.ndtri(places)  # evenly through the normal distribution
    design = torch.stack([values, torch.ones_like(values)], 1)
    slope, offset = torch.linalg.lstsq(design, values.relu()[:, None]).solution.flatten()
    total = Sum(
        shift=torch.zeros(1),
        mean=torch.tensor([mean], dtype=torch.float64),
        var=torch.tensor([deviation**2], dtype=torch.float64),
        parts=(),
    )
    found = torch.cat(total.relu())
    torch.testing.assert_close(found, torch.stack([slope, offset]), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("model", ["preresnet8x4", "preresnet20_bottleneck"])
@torch.no_grad()
def test_a_network_without_selections_gets_them_and_keeps_its_logits(model: str) -> None:
    source = trained(model, shortcut_norm=True)
    expected = source(images())
    for name in [name for name, _ in source.named_modules() if name.endswith("select")]:
        source.set_submodule(name, nn.Identity())
    assert not any(name.endswith("indexes") for name in source.state_dict())
    target, report = transfer(source, model)
    assert torch.equal(target(images()), expected)
    assert report.exact
    assert report.computed == {}
    assert report.unused == ()
    assert set(report.new) == {name for name, _ in target.named_modules() if name.endswith("select")}
    assert isinstance(target, PrunableNetwork)
    assert torch.isfinite(prune(target, 0.3)(images())).all()


@torch.no_grad()
def test_the_same_network_is_moved_as_it_is_pruned_or_not() -> None:
    for percent in (0, 0.5):
        source = prune(trained("preresnet8"), percent)
        target, report = transfer(source, "preresnet8")
        assert target is not source
        assert target.architecture == source.architecture
        assert torch.equal(target(images()), source(images()))
        assert report.new == report.unused == ()


def test_any_module_with_the_names_of_ours_can_be_the_source() -> None:
    source = trained("resnet8")
    wrapped = nn.DataParallel(source)
    target, report = transfer(wrapped, "preresnet8")
    own, _ = transfer(source, "preresnet8")
    assert not report.exact
    assert all(torch.equal(tensor, own.state_dict()[name]) for name, tensor in target.state_dict().items())


def test_mode_dtype_and_description_are_the_sources_which_stays_as_it_was() -> None:
    source = trained("resnet8", mean=(0.3,), std=(0.4,)).train()
    before = copy.deepcopy(source.state_dict())
    target, _ = transfer(source, "preresnet8")
    assert target.training
    assert {tensor.dtype for tensor in target.parameters()} == {torch.float64}
    assert target.architecture == Architecture(
        model="preresnet8", classes=4, channels=1, mean=(0.3,), std=(0.4,)
    )
    for parameter in target.parameters():
        parameter.data.zero_()
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.state_dict().items())
    assert transfer(source.float(), "preresnet8")[0].get_parameter("fc.weight").dtype == torch.float32


@pytest.mark.parametrize("model", ["preresnet14", "preresnet8x4", "resnet14", "vgg11"])
def test_another_depth_or_width_is_refused(model: str) -> None:
    with pytest.raises(InputError, match=f"model: resnet8, or its pre-activation twin .* got {model}"):
        transfer(trained("resnet8"), model)


def test_the_way_back_is_refused() -> None:
    with pytest.raises(InputError, match=r"model: preresnet8, or its .* got resnet8\."):
        transfer(trained("preresnet8"), "resnet8")


def test_a_module_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(InputError, match=r"checkpoint: one of the networks of MODELS, got 0\.weight"):
        transfer(nn.Sequential(nn.Linear(2, 2)), "preresnet8")
