from typing import Any

from trainables.summary import before_cut, last_cut, saved_macs, summary

CUT = {"params": 5, "macs": 50, "params_unpruned": 10, "macs_unpruned": 100, "percent_cut": 0.5}


def entry(stage: str, accuracy: float, **more: Any) -> dict[str, Any]:
    return {"stage": stage, "accuracy": accuracy, "loss": 1 - accuracy, **more}


SPARSE = [entry("sparsity", 0.6), entry("sparsity", 0.9), entry("sparsity", 0.8)]
PRUNED = [*SPARSE, entry("prune", 0.3, **CUT)]


def test_nothing_is_known_before_the_first_record() -> None:
    assert summary([]) == {}


def test_the_accuracy_is_that_of_the_last_epoch_and_the_best_is_named_apart() -> None:
    assert summary(SPARSE) == {"accuracy": 0.8, "loss": 1 - 0.8, "accuracy_best_epoch": 0.9}


def test_after_the_cut_the_accuracies_before_and_after_stand_side_by_side() -> None:
    found = summary([*PRUNED, entry("finetune", 0.7), entry("finetune", 0.65)])
    assert found == CUT | {
        "accuracy": 0.65,
        "loss": 1 - 0.65,
        "accuracy_best_epoch": 0.7,
        "accuracy_pruned": 0.3,
        "accuracy_unpruned": 0.8,
    }


def test_without_sparsity_training_nothing_is_said_of_it() -> None:
    assert "accuracy_unpruned" not in summary(PRUNED[3:])


def test_of_several_cuts_the_last_one_says_the_size_and_the_first_one_what_was_before() -> None:
    smaller = CUT | {"macs": 25, "percent_cut": 0.75}
    found = summary([*PRUNED, entry("gradual", 0.5), entry("prune", 0.2, **smaller), entry("finetune", 0.7)])
    assert found == smaller | {
        "accuracy": 0.7,
        "loss": 1 - 0.7,
        "accuracy_best_epoch": 0.7,
        "accuracy_pruned": 0.2,
        "accuracy_unpruned": 0.8,
    }


def test_a_network_from_a_file_says_its_size_but_not_what_it_was_before() -> None:
    begun = [entry("init", 0.6, **CUT), entry("finetune", 0.7)]
    assert summary(begun) == CUT | {"accuracy": 0.7, "loss": 1 - 0.7, "accuracy_best_epoch": 0.7}
    assert last_cut(begun) is begun[0]
    assert before_cut(begun) is None


def test_a_network_from_a_file_is_what_its_cut_is_compared_with() -> None:
    whole = entry("init", 0.6, **CUT | {"macs": 100, "percent_cut": 0.0})
    found = summary([whole, entry("prune", 0.3, **CUT)])
    assert (found["accuracy_unpruned"], found["accuracy_pruned"], found["macs"]) == (0.6, 0.3, 50)


def test_macs_saved_are_those_of_the_last_cut() -> None:
    assert last_cut(SPARSE) is None
    assert saved_macs(PRUNED) == 2.0
    assert saved_macs([*PRUNED, entry("prune", 0.2, **CUT | {"macs": 25})]) == 4.0


def test_under_the_diarys_protocol_the_best_epoch_on_the_test_set_stands_beside_the_last() -> None:
    found = summary([entry("finetune", 0.6, test_accuracy=0.55), entry("finetune", 0.7, test_accuracy=0.5)])
    assert (found["test_accuracy_last_epoch"], found["test_accuracy_best_epoch"]) == (0.5, 0.55)
