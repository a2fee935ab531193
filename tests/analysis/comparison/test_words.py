from collections.abc import Callable
from pathlib import Path

from analysis.comparison.results import compare_runs
from analysis.comparison.words import sentences
from analysis.records import read_run

Make = Callable[..., Path]


def said(paths: list[Path]) -> tuple[str, ...]:
    return sentences(compare_runs([read_run(path) for path in paths]))


def test_an_open_comparison_says_what_could_have_been_seen(four: list[Path]) -> None:
    epochs, means, verdict = said(four)
    assert epochs.startswith("Compared at 22 unique student epochs, the total of the shortest run (tpe-0).")
    assert means == (
        "Best validation accuracy at 22 epochs, mean ± sd over seeds: tpe 95.5 ± 0.7 % (n = 2), "
        "random 92.5 ± 0.7 % (n = 2)."
    )
    assert verdict == (
        "tpe against random, best validation accuracy: +3.0 points, 95 % interval −9.7 to +15.7 (paired t, 2 seeds), "
        "p = 0.20: not decided, no difference larger than 15.7 points; one under 12.7 points could not have been seen "
        "with 2 seeds."
    )


def test_a_claim_needs_no_more_words(make_sweep: Make) -> None:
    runs = [
        make_sweep(f"{sampler}-{seed}", [base + 0.01 * seed + 0.001 * (seed % 2) * (base > 0.8)], sampler=sampler, seed=seed)
        for sampler, base in (("tpe", 0.9), ("random", 0.8))
        for seed in range(3)
    ]  # fmt: skip
    verdict = said(runs)[2]
    assert verdict.startswith(
        "tpe against random, best validation accuracy: +10.0 points, 95 % interval +9.9 to "
    )
    assert verdict.endswith("p < 0.001: better.")


def test_what_has_no_statistics_says_why(make_sweep: Make) -> None:
    one, other = make_sweep("a", [0.9]), make_sweep("b", [0.8], sampler="random", seed=1)
    same = make_sweep("c", [0.8], sampler="grid")
    assert said([one, other])[1].endswith("no seed that both have, so no statistics.")
    assert said([one, same])[1] == (
        "tpe against grid, best validation accuracy: +10.0 points, no statistics, 1 common seed; 2 seeds that both have "
        "are the fewest."
    )


def test_one_method_has_nothing_to_test(make_sweep: Make) -> None:
    runs = [make_sweep(f"a-{seed}", [0.9], seed=seed) for seed in range(2)]
    assert said(runs)[2].startswith("All runs are one method")


def test_a_run_that_is_not_done_is_named(make_sweep: Make) -> None:
    runs = [make_sweep("a", [0.9]), make_sweep("b", [0.9], seed=1, status="running")]
    assert said(runs)[-1] == "Not done, and compared as far as they are: b."


def test_the_reference_is_stated_or_why_there_is_none(make_sweep: Make) -> None:
    def asked(names: str, objective: str) -> str:
        return said(
            [make_sweep(names[seed], [0.9], seed=seed, objective=objective, loss=0.1) for seed in (0, 1)]
        )[1]

    assert asked("ab", "{maximize: accuracy, minimize: macs}") == (
        "Hypervolumes are measured from the reference point accuracy 0, MACs 1 (the unpruned network's 1.00 M), the same "
        "for all runs."
    )
    assert asked("cd", "{maximize: accuracy, minimize: loss}").startswith(
        "There is no hypervolume: nothing is the worst"
    )
