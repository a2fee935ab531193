from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.flow import flow
from sweeper.strict_yaml import parse_value


def test_what_is_to_be_pasted_is_as_a_person_writes_it() -> None:
    value = {"choice": [0.5, 1, "dist", "no", None, True], "when": {"finetune.kd": "dist"}}
    assert flow(value) == '{choice: [0.5, 1, dist, "no", null, true], when: {finetune.kd: dist}}'
    assert flow(1e-5) == "1.0e-05"


scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8)
scalars |= st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=6,
    )
)
def test_what_is_to_be_pasted_reads_back(value: object) -> None:
    assert parse_value(flow(value)) == value
