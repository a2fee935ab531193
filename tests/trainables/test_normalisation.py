import pytest

from trainables.normalisation import NAMES, NORMALIZATIONS, statistics_of

OWN = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))


def test_the_data_sets_own_numbers_come_first() -> None:
    assert NAMES[0] == "data"
    assert statistics_of("data", OWN) == OWN


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_a_name_gives_one_number_a_channel_and_deviations_above_zero(name: str) -> None:
    assert statistics_of(name, OWN) == NORMALIZATIONS[name]
    for own in (((0.1,), (0.4,)), OWN):
        mean, std = statistics_of(name, own)
        assert len(mean) == len(std) == len(own[0])
        assert all(0 <= value < 1 for value in mean)
        assert all(0 < value <= 1 for value in std)


def test_grey_images_get_the_mean_of_the_colours() -> None:
    mean, std = statistics_of("cifar10", ((0.1,), (0.4,)))
    assert mean == (pytest.approx((0.4914 + 0.4822 + 0.4465) / 3),)
    assert std == (pytest.approx((0.2023 + 0.1994 + 0.2010) / 3),)


def test_network_slimmings_and_rep_distillers_numbers_are_a_third_apart() -> None:
    ratios = [a / b for a, b in zip(NORMALIZATIONS["cifar100"][1], NORMALIZATIONS["cifar10"][1], strict=True)]
    assert sum(ratios) / 3 == pytest.approx(1.33, abs=0.01)
