import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.seeding import derive, generator

PART = st.one_of(st.integers(), st.text(max_size=5))


def test_a_seed_is_the_same_for_ever() -> None:
    assert derive(0, "sparsity", 3, "crops") == 8960408264710181357


@given(st.lists(PART, max_size=4), st.lists(PART, max_size=4))
def test_different_names_give_different_seeds(one: list[int | str], other: list[int | str]) -> None:
    assert (derive(*one) == derive(*other)) == (one == other)
    assert 0 <= derive(*one) < 2**63


@pytest.mark.parametrize(("one", "other"), [((1,), ("1",)), (("a", "bc"), ("ab", "c")), ((1, 2), (12,))])
def test_names_that_look_alike_are_told_apart(
    one: tuple[int | str, ...], other: tuple[int | str, ...]
) -> None:
    assert derive(*one) != derive(*other)


def test_a_generator_is_a_function_of_its_name() -> None:
    first = torch.rand(5, generator=generator(0, "finetune", 1))
    assert torch.equal(first, torch.rand(5, generator=generator(0, "finetune", 1)))
    assert not torch.equal(first, torch.rand(5, generator=generator(0, "finetune", 2)))


def test_deriving_a_seed_needs_no_torch() -> None:
    code = "import sys; from trainables.seeding import derive; derive(1); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
