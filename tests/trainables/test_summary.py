from typing import Any

from trainables.summary import summary

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
