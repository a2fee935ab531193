import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sweeper.settings import Asha, Objective, SpaceFile, Sweep, parse_bound, violation


def test_an_objective_gives_its_directions_in_order() -> None:
    assert Objective(maximize="accuracy").directions == (("accuracy", "maximize"),)
    both = Objective(maximize=["accuracy"], minimize=["macs", "params"])
    assert both.directions == (("accuracy", "maximize"), ("macs", "minimize"), ("params", "minimize"))


@pytest.mark.parametrize(
    ("given_", "match"),
    [
        ({}, "needs a metric"),
        ({"maximize": []}, "at least 1 item"),
        ({"maximize": "accuracy", "minimize": "accuracy"}, "names a metric twice"),
        ({"maximize": "test_accuracy"}, "test_accuracy"),
    ],
)
def test_a_bad_objective_is_refused(given_: dict[str, object], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        Objective.model_validate(given_)


@pytest.mark.parametrize(
    ("text", "bound"), [("<= 0.5", ("<=", 0.5)), (">=1e6", (">=", 1e6)), ("  <=  3 ", ("<=", 3.0))]
)
def test_a_bound_is_a_sign_and_a_number(text: str, bound: tuple[str, float]) -> None:
    assert parse_bound(text) == bound


@pytest.mark.parametrize("text", ["0.5", "< 0.5", "<= x", "<= 1e", ""])
def test_other_bounds_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (whatever float says)
        parse_bound(text)


@settings(deadline=None)
@given(st.floats(1, 1e9), st.floats(0.01, 0.99), st.floats(0.0, 1.0))
def test_a_bound_below_one_is_a_share_of_the_unpruned_network(
    unpruned: float, limit: float, share: float
) -> None:
    amount = violation(f"<= {limit!r}", "macs", share * unpruned, unpruned)
    assert amount == pytest.approx(share - limit, abs=1e-9)


def test_a_bound_of_one_or_more_and_of_other_metrics_is_absolute() -> None:
    assert violation("<= 1000", "macs", 1500, 3000) == 500
    assert violation(">= 0.5", "accuracy", 0.75, None) == -0.25
    assert violation("<= 0.5", "loss", 0.5, None) == 0


def test_trials_are_needed_but_for_a_grid() -> None:
    assert Sweep(sampler="grid").trials is None
    with pytest.raises(ValidationError, match="needs trials with sampler: tpe"):
        Sweep()


@pytest.mark.parametrize("name", ["a/b", "../a", ".hidden", "", "a b", "x" * 65])
def test_a_name_is_a_folders(name: str) -> None:
    plain = {"data": {"source": "digits"}, "model": "preresnet8", "finetune": {}}
    assert SpaceFile.model_validate({**plain, "name": "a-b_1.c"}).name == "a-b_1.c"
    with pytest.raises(ValidationError, match="name"):
        SpaceFile.model_validate({**plain, "name": name})


def test_asha_has_the_defaults_of_the_documents() -> None:
    asha = Asha()
    assert (asha.rungs, asha.reduction, asha.min_peers, asha.compare_within) == ("plateaus", 3, 4, None)
