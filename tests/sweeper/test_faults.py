import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeper.faults import SET, Fault, Faults
from sweeper.wording import dotted
from trainables.errors import InputError


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(rule="is empty"), "f: is empty."),
        (Fault(rule="is bad", line=3), "f:3: is bad."),
        (Fault(rule="is bad", key="a.b[2]", line=3, got=None), "f:3: a.b[2]: is bad, got null."),
        (Fault(rule="is bad", key="a", got=1, mend="Write 2"), "f: a: is bad, got 1. Write 2."),
        (
            Fault(rule="is bad", key="a", got=1, mend="Is it 2?", origin=SET),
            "--set a: is bad, got 1. Is it 2?",
        ),
        (Fault(rule="is\nbad", key="a\x1b[31m"), "f: a\\x1b[31m: is\\x0abad."),
    ],
)
def test_a_fault_is_written_without_the_parts_that_it_lacks(fault: Fault, text: str) -> None:
    assert fault.text("f") == text


def test_faults_are_one_input_error_that_survives_a_process_border() -> None:
    faults = Faults("f", [Fault(rule="b", line=2), Fault(rule="a", line=1), Fault(rule="b", line=2)])
    assert isinstance(faults, InputError)
    assert faults.exit_code == 2
    assert str(faults) == str(pickle.loads(pickle.dumps(faults))) == "f:1: a.\nf:2: b."


@settings(deadline=None, max_examples=80)
@given(st.text(), st.text(), st.text(), st.recursive(st.text() | st.floats(), st.lists), st.text())
def test_a_fault_is_always_one_line(file: str, key: str, rule: str, got: object, mend: str) -> None:
    text = Fault(rule=rule, key=dotted((key,)), line=1, got=got, mend=mend).text(file)
    assert text.isprintable()
