from typing import Any

import pytest
from torch import nn

from trainables.errors import InputError
from trainables.pruning.layers import layers_of
from trainables.pruning.rule import Rule


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "percent: exactly one of percent, keep_macs, keep_params, got none"),
        ({"percent": 0.5, "keep_macs": 0.5}, "percent: exactly one of .*, got percent and keep_macs"),
        ({"keep_macs": 0.5, "keep_params": 0.5}, "percent: exactly one of .*, got keep_macs and keep_params"),
        ({"keep_macs": 0}, "keep_macs: a share above 0 and up to 1, got 0"),
        ({"keep_params": 60}, "keep_params: a share above 0 and up to 1, got 60. Write 0.6"),
        ({"percent": 0.5, "protect_share": 1}, "protect_share: a share from 0 to below 1, got 1"),
        ({"percent": 0.5, "method": "magic"}, "method: one of slimming, .*, got magic"),
        ({"percent": 0.5, "like": "magic"}, "like: one of slimming, .*, got magic"),
        ({"percent": 0.5, "method": "l1", "like": "l1"}, "like: another method than method, got l1 twice"),
    ],
)
def test_bad_values_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        Rule(**keys)


def test_floors_are_shares_of_the_unpruned_widths_rounded_up_and_never_0() -> None:
    assert Rule(percent=0.5).floors([1, 10, 16]) == [1, 1, 1]
    assert Rule(percent=0.5, protect_share=0.25).floors([1, 10, 16]) == [1, 3, 4]
    assert Rule(percent=0.5, protect_share=0.29).floors([100]) == [29]


@pytest.mark.parametrize(
    ("protect", "untouched"),
    [
        ([], []),
        (["block.1"], [0]),
        (["block.0"], [0]),  # its convolution is another name of the layer
        (["block.*", "head*"], [0, 2]),
        (["plain?norm"], [1]),
    ],
)
def test_layers_are_protected_by_name(small: nn.Module, protect: list[str], untouched: list[int]) -> None:
    layers = layers_of(small, (3, 8, 8))
    assert Rule(percent=0.5, protect=protect).untouched(layers) == set(untouched)


def test_a_pattern_that_names_nothing_is_refused_and_so_is_one_that_names_all(small: nn.Module) -> None:
    layers = layers_of(small, (3, 8, 8))
    with pytest.raises(
        InputError, match=r"protect: .* got stem.1, which none has. They are block.1, plain_norm"
    ):
        Rule(percent=0.5, protect=["head.1", "stem.1"]).untouched(layers)
    with pytest.raises(InputError, match=r"protect: some layers, got block\*, \*n\*, head\*, which is all"):
        Rule(percent=0.5, protect=["block*", "*n*", "head*"]).untouched(layers)
