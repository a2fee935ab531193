from analysis.grids.labels import kd_pair, kd_words, label, names, recipe_order, telling_keys, words


def test_only_keys_that_tell_apart_are_named_and_those_of_kd_last() -> None:
    many = [
        {"finetune.kd": "dist", "finetune.kd_tau": 4.0, "sparsity.s": 0.01},
        {"finetune.kd": "none", "sparsity.s": 0.01},
        {"finetune.kd": "none", "sparsity.s": 0.02},
    ]
    assert telling_keys(many, [None] * 3) == ("finetune.kd", "sparsity.s")
    assert telling_keys(many, [kd_pair(one) for one in many]) == ("sparsity.s",)
    assert telling_keys(many[:1], [None]) == ()


def test_what_most_have_is_not_named_but_said_once() -> None:
    many = [{"sparsity.s": 0.01, "prune.method": method} for method in ("slimming", "slimming", "l1")]
    found = label([*many, {"sparsity.s": 0.0, "prune.method": "slimming"}], [None] * 4)
    assert found.texts == ("", "", "method l1", "s 0")
    assert found.usual == "s 0.01, method slimming"
    assert label(many[:1], [None]).any is False


def test_values_in_equal_numbers_are_all_named() -> None:
    found = label([{"finetune.kd": "none"}, {"finetune.kd": "dist"}], [None, None])
    assert found.texts == ("finetune KD none", "finetune KD dist")
    assert found.usual == ""


def test_a_name_is_its_base_and_what_tells_it_from_others() -> None:
    many = [
        {"finetune.kd": "dist", "finetune.kd_weight": 1.0},
        {"finetune.kd": "dist", "finetune.kd_weight": 2.0},
    ]
    assert names(many, lambda one: str(one["finetune.kd"])) == ["dist, kd_weight 1", "dist, kd_weight 2"]
    assert names([*many[:1], {"finetune.kd": "kd"}], lambda one: str(one["finetune.kd"])) == ["dist", "kd"]


def test_starts_and_distillation_are_said_in_words() -> None:
    assert words({"finetune.start": "scratch_b"}, ["finetune.start"]) == "start scratch-B"
    assert kd_words({"sparsity.kd": "dist"}) == "dist → none"
    assert len(words({"a.b": "x" * 99, "c.d": "y" * 99}, ["a.b", "c.d"])) <= 48


def test_recipes_without_distillation_and_slimming_come_first() -> None:
    plain = {"sparsity.kd": "none", "finetune.kd": "none", "prune.method": "slimming"}
    order = [
        plain,
        plain | {"prune.method": "l1"},
        plain | {"finetune.kd": "dist"},
        plain | {"sparsity.kd": "dist"},
    ]
    mixed = order[::-1]
    mixed.sort(key=recipe_order)
    assert mixed == order
