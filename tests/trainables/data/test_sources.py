import subprocess
import sys

from trainables.data import SOURCES


def test_the_names_of_the_sources_need_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from trainables.data import SOURCES; assert SOURCES; "
        "assert not {'torch', 'numpy', 'sklearn', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_source_states_both_statistics_or_none() -> None:
    for source in SOURCES.values():
        assert (source.mean is None) == (source.std is None)
        assert source.mean is None or source.std is None or len(source.mean) == len(source.std)


def test_a_path_that_must_be_given_has_an_effect() -> None:
    assert all(source.takes_path for source in SOURCES.values() if source.needs_path or source.downloads)


def test_cifar_is_augmented_and_normalised_as_by_the_official_codes() -> None:
    assert [(s.pad, s.flip) for s in (SOURCES["cifar10"], SOURCES["cifar100"])] == [(4, True), (4, True)]
    assert SOURCES["cifar100"].mean == (0.5071, 0.4867, 0.4408)
    assert SOURCES["cifar100"].std == (0.2675, 0.2565, 0.2761)


def test_digits_are_never_mirrored() -> None:
    assert not any(SOURCES[name].flip for name in ("digits", "mnist", "svhn"))
