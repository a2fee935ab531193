"""Settings of every stage, and with them the recipe: all that determines a trained network, nothing else.

The models are frozen, typed and strict: ``1`` where a real number is asked becomes ``1.0``, everything else
of a wrong type, every unknown key and every value out of range is refused. Defaults are those of the official
configurations: network-slimming's ``main.py`` for sparsity training, RepDistiller's for the teacher and
DIST's ``dist_cifar.yaml`` for finetuning. Importing this module needs no torch.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from trainables.data import SOURCES
from trainables.losses import LOSSES
from trainables.models import MODELS
from trainables.pruning.importance import IMPORTANCES


def fault(rule: str, mend: str | None = None) -> ValueError:
    """A broken rule, as validators raise it; the user reads ``key: rule, got VALUE. Mend.``."""
    return ValueError(f"{rule}. {mend}" if mend else rule)


def _one_of(what: str, names: Callable[[], Iterable[str]]) -> AfterValidator:
    def check(name: str) -> str:
        known = list(names())
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            mend = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
            raise fault(f"must be a known {what}", mend)
        return name

    return AfterValidator(check)


ModelName = Annotated[str, _one_of("network", lambda: MODELS)]
SourceName = Annotated[str, _one_of("data source", lambda: SOURCES)]
KdName = Annotated[str, _one_of("distillation loss", lambda: ["none", *LOSSES])]
MethodName = Annotated[str, _one_of("pruning method", lambda: IMPORTANCES)]


def _fraction(value: float) -> float:
    if not 0 <= value < 1:
        mend = f"Write {value / 100:g} for {value:g} %." if 1 <= value < 100 else None
        raise fault("must be a fraction from 0 to below 1", mend)
    return value


Percent = Annotated[
    float, AfterValidator(_fraction), Field(json_schema_extra={"minimum": 0, "exclusiveMaximum": 1})
]
SplitFraction = Annotated[
    float, Field(gt=0, json_schema_extra={"exclusiveMaximum": 1}), AfterValidator(_fraction)
]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Epochs = Annotated[int, Field(ge=1, le=100_000)]
CountFromZero = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]

NOTHING_TRAINED = ("nothing is trained", "Give a sparsity or a finetune section.")
NO_TEACHER = ("needs a teacher", "Add teacher: {model: resnet32x4}.")
"""Rules between sections, each with its mend; a checker of whole files tells them beside others."""


class Settings(BaseModel):
    """Base of every section: immutable, strict about types, without unknown keys, finite numbers only."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Data(Settings):
    """Where the images come from and how they are split."""

    source: SourceName
    """Name of the data set."""
    path: str | None = None
    """File (npz), folder (folder), or the place of torchvision's downloads; None: ``data/``."""
    download: bool = False
    """Whether torchvision may fetch a data set that is not there."""
    val_fraction: SplitFraction | None = 0.1
    """Share of the training images set aside, stratified, to choose by; null: the file has its own."""
    split_seed: Seed = 0
    """Seed of that split. It is the same for every trial and seed of a study."""
    batch_size: Count = 64
    """Images in one step, where a stage does not say otherwise (64 in both official configurations)."""
    pad: CountFromZero | None = None
    """Black pixels added on each side before the random crop; null: the data set's usual number."""
    flip: bool | None = None
    """Random horizontal flips; null: as usual for the data set."""


class Training(Settings):
    """What every stage that trains takes. SGD with a held, then stepwise decaying learning rate."""

    epochs: Epochs
    """Passes over the training images."""
    lr: Positive
    """Full learning rate."""
    warmup: CountFromZero
    """Epochs held at the full rate before the decay: drops come at warmup + k * decay_every, k >= 1."""
    decay_every: Count
    """Epochs between two drops of the rate."""
    decay_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Factor of one drop."""
    ramp: CountFromZero = 0
    """Epochs of a linear rise to the full rate at the start: lr * e / (ramp + 1) in epoch e <= ramp."""
    momentum: Share = 0.9
    """SGD's momentum."""
    nesterov: bool = False
    """Whether it is Nesterov's."""
    weight_decay: NotNegative = 5e-4
    """L2 decay of every parameter."""
    decay_gamma: bool = True
    """Whether it also acts on BatchNorm scales (it does in both official codes)."""
    batch_size: Count | None = None
    """Images in one step; null: data.batch_size."""
    drop_last: bool = False
    """Whether an incomplete last batch is left out."""

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise fault("nesterov: needs momentum above 0", "Set momentum: 0.9.")
        return self


class Distilled(Training):
    """A stage that can learn from the teacher as well as from the labels."""

    kd: KdName = "none"
    """Distillation loss, or none."""
    kd_tau: Positive | None = None
    """Its temperature; null: 4. Tau squared is in the loss, so kd_weight is the better knob to search."""
    kd_weight: NotNegative | None = None
    """Weight of the distillation loss; null: 2 for dist, 0.9 for kd."""
    ce_weight: NotNegative | None = None
    """Weight of the cross-entropy beside it; null: 1 for dist, 0.1 for kd."""


class Teacher(Training):
    """The bigger network that students are distilled from: trained here once, or loaded."""

    model: ModelName | None = None
    """Name of the network; with a checkpoint it is read from the file, and checked if given."""
    checkpoint: str | None = None
    """A trained network: RepDistiller's, network-slimming's, DIST's or ours. Nothing is trained then."""
    seed: Seed = 0
    """Seed of its own training, shared by all trials."""
    epochs: Epochs = 240
    lr: Positive = 0.05
    warmup: CountFromZero = 120
    decay_every: Count = 30

    @model_validator(mode="after")
    def _trained_or_loaded(self) -> Self:
        if self.checkpoint is None and self.model is None:
            raise fault("needs a model to train or a checkpoint to load", "Set teacher.model: resnet32x4.")
        return self


class Sparsity(Distilled):
    """Training with an L1 penalty on BatchNorm scales (Liu et al. 2017, arXiv 1708.06519, equation 1)."""

    s: NotNegative = 1e-4
    """Strength: s * sign(gamma) is added to the gradient of every BatchNorm scale before the step."""
    on: Literal["all", "prunable"] = "all"
    """All BatchNorms, as in the official code, or only those whose channels can be cut."""
    epochs: Epochs = 160
    lr: Positive = 0.1
    warmup: CountFromZero = 40
    decay_every: Count = 40
    weight_decay: NotNegative = 1e-4


class Prune(Settings):
    """Cutting the channels that matter least, over the whole network at once."""

    percent: Percent = 0.5
    """Share of all prunable channels that goes, as a fraction: 0.2 is 20 %."""
    method: MethodName = "slimming"
    """How channels are scored."""
    recalibrate: CountFromZero = 0
    """Batches that BatchNorm statistics are taken from anew after the cut (0: kept, as the official code)."""


class Finetune(Distilled):
    """Training of what is left."""

    start: Literal["pruned", "scratch"] = "pruned"
    """Go on from the inherited weights, or train the pruned architecture from a fresh start."""
    epochs: Epochs = 240
    lr: Positive = 0.05
    warmup: CountFromZero = 120
    decay_every: Count = 30
    drop_last: bool = True


class Recipe(Settings):
    """One run through the pipeline: teacher, sparsity training, prune, finetune; absent stages do not run."""

    seed: Seed = 0
    """Seed of the student: its first weights, the order of images, their crops and flips."""
    data: Data
    model: ModelName
    """Name of the student."""
    teacher: Teacher | None = None
    sparsity: Sparsity | None = None
    prune: Prune | None = None
    finetune: Finetune | None = None
    evaluate: Literal["none", "all"] = "none"
    """Whether every trial that ends is also measured on the test set; it never decides anything."""

    @model_validator(mode="after")
    def _stages_fit(self) -> Self:
        if self.sparsity is None and self.finetune is None:
            raise fault(*NOTHING_TRAINED)
        for stage in ("sparsity", "finetune"):
            if self.kd_of(stage) != "none" and self.teacher is None:
                rule, mend = NO_TEACHER
                raise fault(f"{stage}.kd: {rule}", mend)
        return self

    def kd_of(self, stage: str) -> str:
        """The distillation loss of a stage; none where the stage does not run."""
        settings: Distilled | None = getattr(self, stage)
        return "none" if settings is None else settings.kd

    @property
    def needs_teacher(self) -> bool:
        """Whether any stage is distilled."""
        return any(self.kd_of(stage) != "none" for stage in ("sparsity", "finetune"))


def canonical(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data in file order, without sections that do not run and keys that do nothing."""
    plain: dict[str, Any] = {}
    for name in Recipe.model_fields:
        value = getattr(recipe, name)
        if isinstance(value, Settings):
            plain[name] = _plain(value)
        elif value is not None:
            plain[name] = value
    for stage in ("sparsity", "finetune"):
        if stage in plain and plain[stage]["kd"] == "none":
            for key in ("kd_tau", "kd_weight", "ce_weight"):
                plain[stage].pop(key, None)
    if not recipe.needs_teacher:
        plain.pop("teacher", None)
    elif recipe.teacher is not None and recipe.teacher.checkpoint is not None:
        plain["teacher"] = {
            key: plain["teacher"][key] for key in ("model", "checkpoint") if key in plain["teacher"]
        }
    return plain


def _plain(section: Settings) -> dict[str, Any]:
    """A section without the nulls that are its defaults anyway."""
    fields = type(section).model_fields
    values = section.model_dump(mode="json")
    return {
        key: value for key, value in values.items() if value is not None or fields[key].default is not None
    }
