import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis import plain_yaml
from analysis.answer import Answer, answer
from analysis.confirmation.answer import confirmed_answer, notes
from analysis.confirmation.results import confirmation, confirmed_choice
from analysis.cost import cost
from analysis.export import best_yaml, settings_of
from analysis.records import read_run
from analysis.select import baseline, best

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]


def said(folder: Path) -> Answer:
    run = read_run(folder)
    choice, found = best(run), confirmation(run)
    assert choice is not None
    assert found is not None
    choice = confirmed_choice(choice, found)
    return confirmed_answer(answer(run, choice, baseline(run), cost(run)), found)


def test_the_answer_has_mean_spread_and_the_paired_difference_to_the_uncut_network(
    confirmed_run: Make,
) -> None:
    found = said(confirmed_run())
    assert found.headline == (
        "Trial 0: test accuracy 96.0 ± 0.1 % (mean ± sd over 3 fresh seeds), "
        "validation accuracy 95.0 ± 0.1 %, 684 k params, 6.96 M MACs."
    )
    assert found.saves == (
        "Against trial 4 uncut (97.0 ± 0.1 %) it saves 37.1 % of the MACs and 43.5 % of the params; test accuracy "
        "changes by −1.0 points (paired 95 % interval −1.1 to −0.8) on 3 common seeds."
    )
    assert [fact[:2] for fact in found.facts] == [
        ("test accuracy", "96.0 ± 0.1 %"),
        ("change of accuracy", "−1.0"),
        ("MACs", "6.96 M"),
        ("params", "684 k"),
    ]
    assert found.caution.startswith(
        "Confirmed on 3 fresh seeds, which nothing was chosen on, and on the test set."
    )
    assert "single run" not in found.caution
    assert "flattered by 3.1 points" in found.caution
    assert found.rule.startswith("The cheapest finalist (fewest MACs) that is not worse on fresh seeds than ")


def test_while_runs_are_missing_the_answer_is_the_search_s_and_says_how_far_it_is(
    confirmed_run: Make, all_confirm: Events
) -> None:
    found = said(confirmed_run(all_confirm()[:14]))
    assert found.headline.startswith("Trial 4: accuracy 96.5 % (95 % interval 93.7")
    assert found.caution.endswith("flattered by chance. 7 of 12 runs that confirm the finalists have ended.")


def test_where_every_run_failed_the_answer_stays_and_says_so(confirmed_run: Make, confirm_of: Events) -> None:
    events: list[dict[str, Any]] = []
    for of in (4, 3, 0):
        for seed in (1, 2, 3):
            events += confirm_of(len(events) // 2, "finalist", of, seed, None, reason="disk full")
    found = said(confirmed_run(events))
    assert found.headline.startswith("Trial 4: accuracy 96.5 %")
    assert found.caution.endswith("The finalists could not be confirmed: too few runs of them have a result.")


def test_a_cheaper_finalist_says_how_much_worse_it_may_be(confirmed_run: Make, confirm_of: Events) -> None:
    events: list[dict[str, Any]] = []
    for seed, wobble in ((1, 0.004), (2, -0.003), (3, 0.0)):
        for of, validation in ((4, 0.94 + wobble), (3, 0.93), (0, 0.941)):
            events += confirm_of(len(events) // 2, "finalist", of, seed, 0.94 + wobble, validation)
    found = said(confirmed_run(events))
    assert found.headline.startswith("Trial 4: test accuracy 94.0 ± 0.4 %")
    assert re.search(
        r"It may be up to 0\.9 points worse than trial 0, the most accurate finalist\.", found.caution
    )
    assert found.saves.startswith("Against the best unpruned network (trial 0 after sparsity training")


def test_the_file_is_of_the_recommended_trial_and_its_comments_have_the_confirmed_numbers(
    confirmed_run: Make,
) -> None:
    run = read_run(confirmed_run())
    choice, found = best(run), confirmation(run)
    assert choice is not None
    assert found is not None
    choice = confirmed_choice(choice, found)
    text = best_yaml(run, choice, file=Path("best.yaml"), notes=notes(found))
    lines = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]
    assert lines[0].startswith("Trial 0 of tiny, accuracy 97.90 %")
    assert "Confirmed: test accuracy 96.03 ± 0.12 %, mean ± sd of the seeds 1, 2, 3" in " ".join(lines)
    assert plain_yaml.load(text) == settings_of(run, run.trials[0]) | {"name": "tiny-best"}


def test_nothing_is_noted_before_it_is_confirmed(confirmed_run: Make, all_confirm: Events) -> None:
    found = confirmation(read_run(confirmed_run(all_confirm()[:14])))
    assert found is not None
    assert notes(found) == ()
