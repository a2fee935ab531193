"""What every importance of `IMPORTANCES` must do."""

import pytest
import torch

from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import IMPORTANCES, prune

torch.set_num_threads(1)


@pytest.fixture(params=["resnet8", "preresnet8", "preresnet11_bottleneck"])
def network(request: pytest.FixtureRequest) -> PrunableNetwork:
    made = build(Architecture(model=request.param, classes=4), seed=0)
    assert isinstance(made, PrunableNetwork)
    for seed, name in enumerate(made.prunable()):
        made.get_parameter(f"{name}.weight").data.normal_(generator=torch.Generator().manual_seed(seed))
    return made


@pytest.mark.parametrize("method", IMPORTANCES)
@pytest.mark.parametrize("percent", [0, 0.5])
def test_it_scores_every_channel_that_is_left(network: PrunableNetwork, method: str, percent: float) -> None:
    smaller = prune(network, percent, method=method)
    assert isinstance(smaller, PrunableNetwork)
    before = {name: tensor.clone() for name, tensor in smaller.state_dict().items()}
    scores = IMPORTANCES[method](smaller)
    readers = [smaller.get_parameter(f"{group.reader}.weight") for group in smaller.groups()]
    assert [score.shape for score in scores] == [(weight.shape[1],) for weight in readers]
    for score in scores:
        assert not score.requires_grad
        assert score.isfinite().all()
        assert (score >= 0).all()
    assert all(torch.equal(tensor, before[name]) for name, tensor in smaller.state_dict().items())


@pytest.mark.parametrize("method", IMPORTANCES)
def test_it_repeats_itself(network: PrunableNetwork, method: str) -> None:
    first, second = (IMPORTANCES[method](network) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
