import copy
import pickle

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.models.selection import ChannelSelection

torch.set_num_threads(1)


def selection_of(*mask: int) -> ChannelSelection:
    selection = ChannelSelection(len(mask), len(mask))
    selection.indexes.copy_(torch.tensor(mask))
    return selection


def test_a_whole_selection_hands_on_the_very_same_tensor() -> None:
    images = torch.ones(2, 3, 4, 4)
    assert ChannelSelection(3, 3)(images) is images


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=9).filter(any), st.booleans())
def test_it_equals_fancy_indexing_in_value_gradient_and_memory_format(mask: list[int], last: bool) -> None:
    memory = torch.channels_last if last else torch.contiguous_format
    images = torch.randn(2, len(mask), 3, 4, generator=torch.Generator().manual_seed(0))
    images = images.to(memory_format=memory).requires_grad_()
    chosen = selection_of(*mask)(images)
    expected = images[:, torch.tensor(mask).bool()]
    assert torch.equal(chosen, expected)
    assert chosen.is_contiguous(memory_format=memory)
    weights = torch.arange(chosen.numel(), dtype=torch.float).view(chosen.shape)
    gradients = (torch.autograd.grad((out * weights).sum(), images)[0] for out in (chosen, expected))
    torch.testing.assert_close(*gradients)


def test_a_change_in_place_is_seen() -> None:
    selection, images = selection_of(1, 1, 1), torch.ones(1, 3, 1, 1)
    for mask, left in [((1, 1, 1), 3), ((1, 0, 1), 2), ((0, 0, 1), 1)]:
        selection.indexes.copy_(torch.tensor(mask))
        assert selection(images).shape[1] == left


def test_a_loaded_state_is_seen() -> None:
    selection, images = selection_of(1, 1, 1), torch.ones(1, 3, 1, 1)
    assert selection(images).shape[1] == 3
    for assign in (False, True):
        selection.load_state_dict({"indexes": torch.tensor([0.0, 1.0, 0.0])}, assign=assign)
        assert selection(images).shape[1] == 1
        selection.load_state_dict({"indexes": torch.ones(3)}, assign=assign)
        assert selection(images).shape[1] == 3


def test_copies_see_their_own_changes_only() -> None:
    original, images = selection_of(1, 0, 1), torch.ones(1, 3, 1, 1)
    assert original(images).shape[1] == 2
    for copied in (copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        copied.indexes[0] = 0
        assert copied(images).shape[1] == 1
        assert original(images).shape[1] == 2


def test_the_positions_are_searched_once() -> None:
    selection = selection_of(1, 0, 1)
    assert selection.positions() is selection.positions()


def test_another_dtype_selects_the_same() -> None:
    selection = selection_of(1, 0, 1)
    images = torch.arange(3.0).view(1, 3, 1, 1)
    assert selection(images).flatten().tolist() == [0, 2]
    assert selection.double()(images.double()).flatten().tolist() == [0, 2]


def test_it_has_no_parameters_and_shows_how_much_it_selects() -> None:
    selection = selection_of(1, 0, 1)
    assert not list(selection.parameters())
    assert list(selection.state_dict()) == ["indexes"]
    assert str(selection) == "ChannelSelection(2 of 3)"
