from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.comparison.methods import differing, flat, grouped, names, seeds
from analysis.errors import InputError
from analysis.records import Run, read_run

Make = Callable[..., Path]


def named(runs: list[Run]) -> tuple[str, ...]:
    return names(grouped(runs), {str(run.path): run.name for run in runs})


def test_runs_that_differ_in_seeds_and_budget_only_are_one_method(four: list[Path]) -> None:
    groups = grouped([read_run(path) for path in four])
    assert [[run.name for run in group] for group in groups] == [["tpe-0", "tpe-1"], ["random-0", "random-1"]]
    assert differing(groups) == {"sweep.sampler": ("tpe", "random")}
    assert [seeds(run) for run in groups[1]] == [(0, 0), (1, 1)]


def test_a_longer_run_is_the_same_method(make_sweep: Make) -> None:
    def budget(text: str) -> str:
        return text.replace("sampler: tpe", "sampler: tpe, epochs: 90, patience: 20")

    runs = [read_run(make_sweep(f"a-{seed}", [0.9] * (1 + seed), seed=seed)) for seed in range(2)]
    runs.append(read_run(make_sweep("a-2", [0.9], seed=2, space=budget)))
    assert len(grouped(runs)) == 1
    assert named(runs) == ("tpe",)


def test_one_result_may_not_count_twice(make_sweep: Make) -> None:
    runs = [read_run(make_sweep(name, [0.9])) for name in "ab"]
    with pytest.raises(
        InputError, match=r"/b: has the space and the seeds \(seed 0, sweep.seed 0\) of .*/a: one"
    ):
        grouped(runs)


def test_methods_are_named_by_what_is_set_differently(make_sweep: Make, four: list[Path]) -> None:
    assert named([read_run(path) for path in four]) == ("tpe", "random")
    asha = make_sweep("x", [0.9], space=lambda text: text.replace("tpe}", "tpe, startup_trials: 3}"))
    assert named([read_run(four[2]), read_run(asha)]) == ("random", "tpe, startup_trials 3")


def test_else_by_what_the_names_of_their_runs_begin_with(make_sweep: Make) -> None:
    def plain(text: str) -> str:
        return text.replace("model: preresnet8x4", "model: resnet8\nteacher: {model: resnet32x4, epochs: 12}")

    runs = [read_run(make_sweep(f"old-s{seed}", [0.9], seed=seed)) for seed in (10, 11)]
    runs += [read_run(make_sweep(f"new-s{seed}", [0.9], seed=seed, space=plain)) for seed in (10, 11)]
    assert named(runs) == ("old", "new")


def test_else_by_their_first_runs_under_numbers(make_sweep: Make) -> None:
    def longer(text: str) -> str:
        return text.replace("model: preresnet8x4", "model: a network with a very long name indeed")

    runs = [read_run(make_sweep("a" * 40, [0.9])), read_run(make_sweep("b" * 40, [0.9], space=longer))]
    assert named(runs) == (f"1: {'a' * 31}…", f"2: {'b' * 31}…")


def test_what_is_null_or_empty_is_as_if_it_were_not_there() -> None:
    assert flat({"a": {"b": None, "c": {}, "d": [1, 2]}, "e": 0}) == {"a.d": [1, 2], "e": 0}
