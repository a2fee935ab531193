import pytest
import torch
from torch import Tensor, nn

from trainables.errors import InputError
from trainables.models import Architecture, build
from trainables.pruning.importance import IMPORTANCES
from trainables.pruning.layers import Layer, Part, layers_of


def part(module: str, *channels: int) -> Part:
    return Part(module=module, channels=torch.tensor(channels)[:, None])


@pytest.fixture
def two_writers() -> nn.Module:
    """Two convolutions whose sum is normalised: every number by hand."""
    network = nn.ModuleDict(
        {"a": nn.Conv2d(1, 3, 1), "b": nn.Conv2d(2, 3, 1), "n": nn.BatchNorm2d(3), "r": nn.Conv2d(3, 2, 1)}
    )
    network.get_parameter("a.weight").data = torch.tensor([3.0, -1.0, 2.0]).view(3, 1, 1, 1)
    network.get_parameter("b.weight").data = torch.tensor([[3.0, 4.0], [0.0, 0.0], [1.0, -1.0]]).view(
        3, 2, 1, 1
    )
    network.get_parameter("n.weight").data = torch.tensor([0.5, -0.2, 0.0])
    network.get_parameter("r.weight").data = torch.tensor([[1.0, 2.0, 3.0], [1.0, -2.0, 4.0]]).view(
        2, 3, 1, 1
    )
    return network


LAYER = Layer(
    name="n",
    norms=(part("n", 0, 1, 2),),
    writers=(part("a", 0, 1, 2), part("b", 0, 1, 2)),
    readers=(part("r", 0, 1, 2),),
)
SELECTED = Layer(name="n", norms=(part("n", 2, 0),), writers=(), readers=(part("r", 0, 1),), selected=True)


@pytest.mark.parametrize(
    ("method", "by_hand"),
    [
        ("l1", ([3, 1, 2], [7, 0, 2])),
        ("l2", ([3, 1, 2], [5, 0, 2**0.5])),
        ("fpgm", ([5, 7, 4], [5 + 29**0.5, 5 + 2**0.5, 29**0.5 + 2**0.5])),
    ],
)
def test_scores_of_filters_are_means_over_the_writers_and_then_over_the_layers_mean(
    two_writers: nn.Module, method: str, by_hand: tuple[list[float], list[float]]
) -> None:
    mean = (torch.tensor(by_hand[0]) + torch.tensor(by_hand[1])) / 2
    (score,) = IMPORTANCES[method](two_writers, [LAYER])
    torch.testing.assert_close(score, mean / mean.mean())


def test_slimming_takes_the_scale_as_it_is(two_writers: nn.Module) -> None:
    scores = IMPORTANCES["slimming"](two_writers, [LAYER, SELECTED])
    torch.testing.assert_close(scores[0], torch.tensor([0.5, 0.2, 0.0]))
    torch.testing.assert_close(scores[1], torch.tensor([0.0, 0.5]))


def test_behind_a_selection_the_reader_stands_for_the_filter(two_writers: nn.Module) -> None:
    two_writers.get_parameter("r.weight").data = torch.tensor([[1.0, 2.0], [1.0, -2.0]]).view(2, 2, 1, 1)
    (score,) = IMPORTANCES["l1"](two_writers, [SELECTED])
    torch.testing.assert_close(score, torch.tensor([2.0, 4.0]) / 3)


def test_the_filter_nearest_to_the_others_has_the_lowest_fpgm_score() -> None:
    network = nn.ModuleDict({"w": nn.Conv2d(1, 4, (1, 2))})
    network.get_parameter("w.weight").data = torch.tensor([[9.0, 0], [0, 9], [-9, -9], [0.1, 0]]).view(
        4, 1, 1, 2
    )
    layer = Layer(name="w", norms=(), writers=(part("w", 0, 1, 2, 3),), readers=())
    assert IMPORTANCES["fpgm"](network, [layer])[0].argmin() == 3
    assert IMPORTANCES["l2"](network, [layer])[0].argmin() == 3
    network.get_parameter("w.weight").data += 20  # moves the norms, not the distances
    assert IMPORTANCES["fpgm"](network, [layer])[0].argmin() == 3
    assert IMPORTANCES["l2"](network, [layer])[0].argmin() == 2


def test_a_layer_of_zeros_scores_zero(two_writers: nn.Module) -> None:
    for name in ("a", "b"):
        two_writers.get_parameter(f"{name}.weight").data.zero_()
    for method in ("l1", "l2", "fpgm"):
        assert torch.equal(IMPORTANCES[method](two_writers, [LAYER])[0], torch.zeros(3))


def test_random_scores_depend_on_the_seed_alone() -> None:
    one, other = (build(Architecture(model="preresnet8", classes=4), seed=seed) for seed in (0, 1))
    first, second, third = (
        IMPORTANCES["random"](network, layers_of(network), seed=seed)
        for network, seed in ((one, 5), (other, 5), (one, 6))
    )
    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))
    assert not any(torch.equal(*pair) for pair in zip(first, third, strict=True))
    together = torch.cat(first)
    assert 0 <= together.min() < 0.1
    assert 0.9 < together.max() < 1


def test_slimming_without_batchnorm_says_which_methods_would_do() -> None:
    network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.Conv2d(3, 2, 1))
    with pytest.raises(
        InputError, match=r"method: slimming needs a BatchNorm .* got 0 without .* Choose l1, l2"
    ):
        IMPORTANCES["slimming"](network, layers_of(network, (1, 4, 4)))


def test_a_flattened_reader_counts_all_pixels_of_a_channel(small: nn.Module) -> None:
    head = layers_of(small, (3, 8, 8))[2]
    reading = Layer(name="fc", norms=(), writers=(), readers=head.readers)
    (score,) = IMPORTANCES["l1"](small, [reading])
    by_hand: Tensor = small.get_parameter("fc.weight").detach().view(4, 5, 16).abs().sum((0, 2))
    torch.testing.assert_close(score, by_hand / by_hand.mean())
