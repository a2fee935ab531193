"""Recipes in few words: what tells them apart, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from analysis.grids.cells import Settings, Value
from analysis.tables import short_names
from analysis.text import short

SPARSITY_KD, FINETUNE_KD = "sparsity.kd", "finetune.kd"
KD_NUMBERS = ("kd_tau", "kd_weight", "ce_weight")
MOST = 48
"""Letters of a label; a longer one is cut, every setting is in trials.csv."""
KEY_WORDS = {
    SPARSITY_KD: "sparsity KD",
    FINETUNE_KD: "finetune KD",
    "sparsity.teacher.model": "teacher",
    "finetune.teacher.model": "teacher",
}
START_WORDS = {"pruned": "inherited", "scratch": "scratch", "scratch_b": "scratch-B"}


def kd_pair(settings: Settings) -> tuple[str, str]:
    """The distillation losses of sparsity training and finetuning; "none" where the stage does not run."""
    sparsity, finetune = settings.get(SPARSITY_KD), settings.get(FINETUNE_KD)
    return str(sparsity or "none"), str(finetune or "none")


def kd_words(settings: Settings) -> str:
    """The pair as people write it: "none → dist"."""
    return " → ".join(kd_pair(settings))


def recipe_order(settings: Settings) -> tuple[object, ...]:
    """A key that sorts recipes: without distillation first, inherited before scratch, slimming before others."""
    kds = tuple((kd != "none", kd) for kd in kd_pair(settings))
    items = sorted((key, str(value)) for key, value in settings.items())
    prune = tuple(item for item in items if item[0].startswith("prune."))
    rest = tuple(item for item in items if not item[0].startswith("prune."))
    return kds, rest, settings.get("prune.method", "slimming") != "slimming", prune


def owned_by_kd(key: str) -> bool:
    """Does the key say nothing without distillation?"""
    return ".teacher." in key or key.rpartition(".")[2] in KD_NUMBERS


def telling_keys(many: Sequence[Settings], given: Sequence[Hashable]) -> tuple[str, ...]:
    """Few keys whose values, beside what is `given` anyway of each, tell all of `many` apart.

    Taken in the order of the recipe, those of distillation last, each only where it tells more apart.
    """
    keys = sorted(dict.fromkeys(key for one in many for key in one), key=owned_by_kd)
    goal = len({(known, frozenset(one.items())) for one, known in zip(many, given, strict=True)})
    chosen: list[str] = []

    def told(keys: Sequence[str]) -> int:
        return len({(known, *(one.get(key) for key in keys)) for one, known in zip(many, given, strict=True)})

    for key in keys:
        if told(chosen) == goal:
            break
        if told([*chosen, key]) > told(chosen):
            chosen.append(key)
    return tuple(chosen)


def words(settings: Settings, keys: Sequence[str]) -> str:
    """The values of `keys`, those absent left out: "s 0.001, method l1"."""
    named = [(key, KEY_WORDS.get(key, name)) for key, name in zip(keys, short_names(keys), strict=True)]
    return short(
        ", ".join(f"{name} {_value(key, settings[key])}" for key, name in named if key in settings), MOST
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """A text for each of several recipes, "" for the usual one; `usual` says what is then meant."""

    texts: tuple[str, ...]
    usual: str

    @property
    def any(self) -> bool:
        """Is there anything to tell?"""
        return any(self.texts)


def label(many: Sequence[Settings], given: Sequence[Hashable]) -> Labels:
    """What tells `many` apart beside what is `given`; values that more than half of them have are not named."""
    keys = telling_keys(many, given)
    common = {key: Counter(one[key] for one in many if key in one).most_common(1)[0] for key in keys}
    usual = {
        key: value for key, (value, count) in common.items() if count > sum(key in one for one in many) / 2
    }
    told = [
        {key: value for key, value in one.items() if key not in usual or usual[key] != value} for one in many
    ]
    return Labels(texts=tuple(words(one, keys) for one in told), usual=words(usual, list(usual)))


def names(many: Sequence[Settings], base: Callable[[Settings], str]) -> list[str]:
    """A name for each of `many`: its base and what tells it from others of that base."""
    bases = [base(one) for one in many]
    groups = {name: [one for one, own in zip(many, bases, strict=True) if own == name] for name in bases}
    keys = {name: telling_keys(group, [None] * len(group)) for name, group in groups.items()}
    return [
        ", ".join(filter(None, (name, words(one, keys[name])))) for one, name in zip(many, bases, strict=True)
    ]


def _value(key: str, value: Value) -> str:
    if key == "finetune.start":
        return START_WORDS.get(str(value), str(value))
    return short(value, 24)
