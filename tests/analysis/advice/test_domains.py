"""Proposals never leave what the sweeper allows."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.advice.domains import DOMAINS, beyond, domain_of, last, on_log
from sweeper.settable import number_kind, settable, value_fault

KEYS = [key for key in settable() if number_kind(key) and last(key) in DOMAINS]


@pytest.mark.parametrize("key", KEYS)
def test_a_domain_is_of_the_settings_own_type(key: str) -> None:
    assert DOMAINS[last(key)].integer == (number_kind(key) is int)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_advice_never_leaves_the_valid_domain(data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(KEYS))
    domain = DOMAINS[last(key)]
    top = min(domain.high, 1e6)
    numbers = (
        st.integers(int(domain.low), int(top))
        if domain.integer
        else st.floats(domain.low, top, allow_subnormal=False)
    )
    near, edge = data.draw(numbers), data.draw(numbers)
    assume(near != edge and value_fault(key, near) is None and value_fault(key, edge) is None)
    value = beyond(domain, near, edge, log=near > 0 and edge > 0 and data.draw(st.booleans()))
    if value is not None:
        assert value_fault(key, value) is None
        assert value != edge
        assert (value > edge) == (edge > near)
        assert isinstance(value, int) == domain.integer


@pytest.mark.parametrize(
    ("name", "near", "edge", "log", "value"),
    [
        ("lr", 0.01, 0.1, True, 1.0),
        ("lr", 0.1, 0.01, True, 0.001),
        ("lr", 1e-5, 0.1, True, 1.0),
        ("s", 0.02, 0.01, False, 0.0),
        ("kd_weight", 2, 1, False, 0.5),
        ("epochs", 8, 12, False, 16),
        ("epochs", 2, 1, False, None),
        ("percent", 0.8, 0.9, False, 0.95),
        ("momentum", 0.9, 0.95, False, 0.975),
        ("batch_size", 512, 1024, True, None),
    ],
)
def test_a_step_beyond_an_edge(name: str, near: float, edge: float, log: bool, value: float | None) -> None:
    found = beyond(DOMAINS[name], near, edge, log=log)
    assert found == (None if value is None else pytest.approx(value))


def test_numbers_that_double_lie_on_a_log_scale() -> None:
    assert on_log([0.5, 1, 2])
    assert not on_log([4, 8, 12])
    assert not on_log([0, 1, 10])


def test_a_hold_is_not_widened_beyond_the_epochs_of_its_stage() -> None:
    space = {"finetune": {"epochs": 12}, "search": {}}
    domain = domain_of("finetune.warmup", space)
    assert domain is not None
    assert domain.high == 11
    domain = domain_of("finetune.warmup", space | {"search": {"finetune.epochs": [6, 12]}})
    assert domain is not None
    assert domain.high == 5
    assert domain_of("finetune.warmup", {"search": {}}) is None


def test_a_setting_without_a_known_domain_is_never_widened() -> None:
    assert domain_of("data.pad", {}) is None
