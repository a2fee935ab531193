import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.metrics import doubt, parse_bound, read_bound, violation


@pytest.mark.parametrize(
    ("text", "bound"), [("<= 0.5", ("<=", 0.5)), (">=1e6", (">=", 1e6)), ("  <=  3 ", ("<=", 3.0))]
)
def test_a_bound_is_a_sign_and_a_number(text: str, bound: tuple[str, float]) -> None:
    assert parse_bound(text) == bound


@pytest.mark.parametrize(
    ("given_", "meant"),
    [
        (0.5, "<= 0.5"),
        ("0.5", "<= 0.5"),
        ("< 0.5", "<= 0.5"),
        ("=< 0.5", "<= 0.5"),
        ("≤0.5", "<= 0.5"),
        ("<= 0,5", "<= 0.5"),
        ("<= 50 %", "<= 0.5"),
        ("> 1e6", ">= 1000000"),
        ("≥ 80M", ">= 80000000"),
        ("=> 1.5k", ">= 1500"),
        ("<= x", "<= 0.5"),
        ("<= 1e", "<= 0.5"),
        ("<= 1e999", "<= 0.5"),
        ("<= nan", "<= 0.5"),
        ("", "<= 0.5"),
        (None, "<= 0.5"),
        ([0.5], "<= 0.5"),
        (True, "<= 0.5"),
    ],
)
def test_other_bounds_are_refused_with_what_was_meant(given_: object, meant: str) -> None:
    with pytest.raises(ValueError, match=f'must be "<= NUMBER" or ">= NUMBER". Write "{meant}"[.]$'):
        read_bound(given_)
    assert read_bound(meant) == meant


@pytest.mark.parametrize(
    ("metric", "bound", "mend"),
    [
        ("macs", "<= 1.5", 'Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for half.'),
        ("macs", "<= 1", 'Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for half.'),
        ("macs", ">= 0", 'Below 1 it is a share of the unpruned network\'s; write ">= 0.5" for half.'),
        ("params", "<= 50", 'Below 1 it is a share of the unpruned network\'s; write "<= 0.5" for 50 %.'),
        ("macs", "<= 177", 'Write "<= 177e6" for 177 million.'),
        ("params", "<= 999.5", 'Write "<= 999.5e6" for 999.5 million.'),
        ("accuracy", ">= 70", 'Write ">= 0.7" for 70 %.'),
        ("percent_cut", "<= 101", 'Write "<= 0.5" for half.'),
    ],
)
def test_a_bound_that_cannot_be_meant_is_doubted(metric: str, bound: str, mend: str) -> None:
    reason = doubt(metric, bound)
    assert reason is not None
    rule, said = reason
    assert said == mend
    assert rule == (
        "must be a share, above 0 and below 1, or a count of at least 1000"
        if metric in ("macs", "params")
        else "must be a fraction from 0 to 1"
    )


@settings(deadline=None)
@given(
    st.sampled_from(["macs", "params"]),
    st.floats(0, 1, exclude_min=True, exclude_max=True) | st.floats(1000, 1e300),
)
def test_shares_and_counts_are_not_doubted(metric: str, limit: float) -> None:
    assert doubt(metric, f"<= {limit!r}") is None
    assert doubt("loss", f"<= {limit!r}") is None


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
