"""The knobs as analysis reads them are those of the sweeper."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import plain_yaml
from analysis.advice.knobs import knobs, same, spaced
from analysis.errors import ResultsError
from sweeper import grammar
from sweeper.space import load


@pytest.mark.parametrize("name", ["finetune", "pipeline", "methods", "gradual", "random_baseline"])
def test_values_and_order_are_those_of_the_sweeper(name: str) -> None:
    space = load(name)
    plain = plain_yaml.load(space.text())
    assert isinstance(plain, dict)
    found = {knob.key: knob for knob in knobs(plain)}
    assert found.keys() == {knob.key for knob in space.knobs}
    for theirs in space.knobs:
        ours = found[theirs.key]
        assert ours.values == theirs.values
        assert dict(theirs.when) == dict(ours.when)
        if ours.kind != "repeats" and theirs.values is not None and len(theirs.values) > 1:
            assert ours.ordered == theirs.ordered


@settings(deadline=None, max_examples=40)
@given(st.floats(1e-4, 1), st.floats(1.5, 1000), st.integers(2, 9), st.booleans())
def test_points_lie_where_the_sweeper_puts_them(low: float, times: float, points: int, log: bool) -> None:
    assert spaced(low, low * times, points, log=log) == grammar.spaced(low, low * times, points, log=log)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.sampled_from(["uniform", "log_uniform", "int_uniform"]))
def test_a_place_and_its_number_are_each_others_inverse(place: float, kind: str) -> None:
    (knob,) = knobs({"search": {"finetune.lr": {kind: [1, 9]}}})
    assert knob.place(knob.at(place)) == pytest.approx(place)
    assert 0 <= (knob.cell(knob.at(place)) or 0) < knob.cells


def test_a_value_of_another_type_is_another_value() -> None:
    assert same(1, 1.0)
    assert same(0.1 + 0.2, 0.3)
    assert not same(1, True)
    assert not same("1", 1)
    assert same(None, None)


@pytest.mark.parametrize(
    ("key", "entry", "kind"),
    [
        ("seed", [0, 1, 2], "repeats"),
        ("prune.draw", {"int_uniform": [0, 4]}, "repeats"),
        ("finetune.kd", ["none", "dist"], "categories"),
        ("finetune.epochs", [8, 4], "categories"),
        ("finetune.epochs", [4, 8], "steps"),
        ("finetune.nesterov", [False, True], "categories"),
        ("finetune.epochs", {"int_uniform": [4, 12], "step": 4}, "steps"),
        ("finetune.lr", {"uniform": [0.1, 0.2]}, "range"),
    ],
)
def test_the_kind_of_a_knob_follows_from_its_entry(key: str, entry: Any, kind: str) -> None:
    (knob,) = knobs({"search": {key: entry}})
    assert knob.kind == kind


def test_a_space_without_a_search_has_no_knobs() -> None:
    assert knobs({"name": "one"}) == ()


@pytest.mark.parametrize("entry", [0.5, {"uniform": [1]}, {"choice": 3}, {"between": [1, 2]}, None])
def test_a_damaged_entry_is_named(entry: Any) -> None:
    with pytest.raises(ResultsError, match=r"search\.finetune\.lr: values or a range, got "):
        knobs({"search": {"finetune.lr": entry}})
