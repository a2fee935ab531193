"""Settings of every stage, and with them the recipe: all that determines a trained network, nothing else.

The models are frozen, typed and strict: ``1`` where a real number is asked becomes ``1.0``, everything else
of a wrong type, every unknown key and every value out of range is refused. Defaults are those of the official
configurations: network-slimming's ``main.py`` for sparsity training, RepDistiller's for the teacher and
DIST's ``dist_cifar.yaml`` for finetuning. Importing this module needs no torch.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from trainables.values import (
    CorruptionName,
    Count,
    CountFromZero,
    Epochs,
    KdName,
    KdWeight,
    MethodName,
    ModelName,
    Normalization,
    NotNegative,
    Part,
    Percent,
    Positive,
    Seed,
    Share,
    SourceName,
    SplitFraction,
    fault,
)

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
    warmup: CountFromZero | None = None
    """Epochs held at the full rate before the decay: drops come at warmup + k * decay_every, k >= 1; null:
    warmup_share of the epochs."""
    warmup_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the epochs that is held at the full rate, where warmup is null."""
    decay_every: Count | None = None
    """Epochs between two drops of the rate; null: decay_share of the epochs, at least one."""
    decay_share: Part = 0.125
    """Share of the epochs between two drops, where decay_every is null."""
    decay_rate: Part = 0.1
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


class Loaded(Settings):
    """A stage that can begin with a network from a file, in place of the stages before it."""

    init: str | None = None
    """A network to begin with: network-slimming's, DIST's, RepDistiller's or ours, pruned or not."""
    weights: Literal["model", "ema_model"] | None = None
    """Which of DIST's two networks; null: model."""
    normalize: Normalization | None = None
    """What the network's images were normalised with; null: the file's own word, else what fits the training
    images better is taken, and said."""
    trained_on: Literal["train", "split"] | None = None
    """train: it has seen all the training images, so one half of the test set validates and the other half
    tests; split: it was trained on this file's own split. Files of ours say it themselves."""

    @model_validator(mode="after")
    def _only_with_init(self) -> Self:
        if self.init is None:
            for key in ("weights", "normalize", "trained_on"):
                if getattr(self, key) is not None:
                    raise fault(f"{key}: has no effect without init", "Give init, or remove it.")
        return self


class Distilled(Training):
    """A stage that can learn from the teacher as well as from the labels."""

    kd: KdName = "none"
    """Distillation loss, or none."""
    kd_tau: Positive | None = None
    """Its temperature; null: 4, 2 for the standardised losses. Tau squared is in the loss: search kd_weight."""
    kd_weight: KdWeight | None = None
    """Weight of the distillation loss; null: that of its official configuration (dist 2, kd 0.9, dkd 1, *_std 9)."""
    ce_weight: NotNegative | None = None
    """Weight of the cross-entropy beside it; null: that of its official configuration (kd 0.1, the others 1)."""


class Teacher(Training):
    """The bigger network that students are distilled from: trained here once, or loaded."""

    model: ModelName | None = None
    """Name of the network; with a checkpoint it is read from the file, and checked if given."""
    checkpoint: str | None = None
    """A trained network: RepDistiller's, network-slimming's, DIST's or ours. Nothing is trained then."""
    weights: Literal["model", "ema_model"] | None = None
    """Which of DIST's two networks the checkpoint is read from; null: model."""
    normalize: Normalization | None = None
    """What the checkpoint's images were normalised with; null: the file's own word, else what fits the
    training images better is taken, and said."""
    table: Literal["float32", "float16", "none"] = "float32"
    """How its logits are kept, one row for each view of an image that was asked for; float16 rounds them, with a
    table or without, and takes half the room; none: it looks at every batch anew."""
    seed: Seed = 0
    """Seed of its own training, shared by all trials."""
    epochs: Epochs = 240
    lr: Positive = 0.05

    @model_validator(mode="after")
    def _trained_or_loaded(self) -> Self:
        if self.checkpoint is None:
            for key in ("weights", "normalize"):
                if getattr(self, key) is not None:
                    raise fault(f"{key}: has no effect without checkpoint", "Remove it.")
        if self.checkpoint is None and self.model is None:
            raise fault("needs a model to train or a checkpoint to load", "Set teacher.model: resnet32x4.")
        return self


class Sparsity(Loaded, Distilled):
    """Training with an L1 penalty on BatchNorm scales (Liu et al. 2017, arXiv 1708.06519, equation 1)."""

    s: NotNegative = 1e-4
    """Strength: s * sign(gamma) is added to the gradient of every BatchNorm scale before the step."""
    on: Literal["all", "prunable"] = "all"
    """All BatchNorms, as in the official code, or only those whose channels can be cut."""
    epochs: Epochs = 160
    lr: Positive = 0.1
    warmup_share: Annotated[float, Field(ge=0, le=1)] = 0.25
    decay_share: Part = 0.25
    weight_decay: NotNegative = 1e-4


class Gradual(Distilled):
    """Pruning in several cuts with training between them (Zhu & Gupta 2017, arXiv 1710.01878)."""

    steps: Count
    """Cuts; after each but the last the network is trained. 1: a single cut."""
    ratio: Literal["linear", "cubic"] = "cubic"
    """How the share that is gone grows: alike in each cut, or most in the first ones."""
    epochs: Epochs = 2
    """Epochs after each cut but the last, which is followed by finetuning."""
    lr: Positive = 0.02


class Prune(Loaded):
    """Cutting the channels that matter least."""

    percent: Percent = 0.5
    """Share of all prunable channels that goes, as a fraction: 0.2 is 20 %."""
    keep_macs: Part | None = None
    """In place of percent: the largest network with at most this share of the unpruned one's MACs."""
    keep_params: Part | None = None
    """In place of percent: the largest network with at most this share of the unpruned one's parameters."""
    method: MethodName = "slimming"
    """How channels are scored."""
    scope: Literal["global", "layer"] = "global"
    """One ranking of all channels, or the same share of every layer."""
    protect_share: Share = 0.0
    """Share of its channels that every layer keeps at least."""
    protect: list[str] = []
    """Layers that are never cut: names of their BatchNorms, * for any part of a name."""
    like: MethodName | None = None
    """Keep as many channels of each layer as this method would, but those that ``method`` ranks highest."""
    draw: CountFromZero = 0
    """With method random: number of the draw."""
    batches: Count = 10
    """With method taylor: batches of training images that the scores are averaged over."""
    probe: Annotated[list[Percent], Field(min_length=1)] | None = None
    """In place of a cut: accuracy_pruned is the mean of the accuracies right after each of these cuts, and the
    network stays whole. For spaces that search sparsity training alone."""
    recalibrate: CountFromZero = 0
    """Batches that BatchNorm statistics are taken from anew after the cut (0: kept, as the official code)."""
    gradual: Gradual | None = None
    """Several cuts with training between them; null: one cut."""

    @model_validator(mode="after")
    def _one_amount(self) -> Self:
        if self.keep_macs is not None and self.keep_params is not None:
            raise fault("keep_params: can't stand beside keep_macs", "Keep one of them.")
        if self.gradual is not None and self.by_budget:
            raise fault(
                "gradual: needs percent, not a budget", "Set percent, and remove keep_macs, keep_params."
            )
        if self.probe is not None and (self.by_budget or self.gradual is not None):
            raise fault("probe: needs percents alone", "Remove keep_macs, keep_params and gradual.")
        return self

    @property
    def cuts(self) -> int:
        """How many cuts there are."""
        return 1 if self.gradual is None else self.gradual.steps

    @property
    def between(self) -> Gradual | None:
        """The training between cuts; None where there is one cut."""
        return None if self.cuts == 1 else self.gradual

    @property
    def by_budget(self) -> bool:
        """Whether the cut is sought by MACs or parameters; ``percent`` has no effect then."""
        return self.keep_macs is not None or self.keep_params is not None


class Finetune(Loaded, Distilled):
    """Training of what is left."""

    start: Literal["pruned", "scratch", "scratch_b"] = "pruned"
    """Go on from the inherited weights; or train the pruned architecture anew, for as many epochs (scratch),
    or for as many MACs as the unpruned one would have cost, at most twice the epochs (scratch_b)."""
    epochs: Epochs = 240
    lr: Positive = 0.05
    drop_last: bool = True


class TestSets(Settings):
    """What is measured beside the clean test images."""

    corruptions: Literal["none", "all"] | Annotated[list[CorruptionName], Field(min_length=1)] = "none"
    """Copies of the test images, each damaged in one way; all: those that suit the images' size and colour."""
    severities: Annotated[list[Annotated[int, Field(ge=1, le=5)]], Field(min_length=1)] = [1, 2, 3, 4, 5]
    """How much they are damaged: CIFAR-10-C's five strengths (Hendrycks & Dietterich 2019, arXiv 1903.12261)."""
    folders: dict[str, str] = {}
    """Name -> folder of your own images, one folder a class, with the data's class names."""

    @property
    def any(self) -> bool:
        """Whether there is any set but the clean one."""
        return self.corruptions != "none" or bool(self.folders)


class Evaluate(Settings):
    """What is measured on test images; it never decides anything."""

    trials: Literal["none", "all"] = "none"
    """Whether every trial that ends is measured; ``train`` measures its one network always."""
    test_sets: TestSets = TestSets()
    """Further test sets. With any, the networks before and after the cut are measured too, class by class."""


def _short_evaluate(value: object) -> object:
    """``evaluate: all`` is short for ``evaluate: {trials: all}``."""
    return {"trials": value} if isinstance(value, str) else value


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
    evaluate: Annotated[Evaluate, BeforeValidator(_short_evaluate)] = Evaluate()
    """Measurements on test images."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the student trains in: bfloat16 is autocast (weights, losses and all measurements stay float32), for GPUs
    and processors that are quicker with it. The teacher's training and answers are float32 always."""
    protocol: Literal["validation", "diary"] = "validation"
    """diary: the test set is measured after every epoch of the last stage, and its best epoch reported beside
    the last one's, as the diary and the official codes did. It flatters, and is labelled so."""

    @model_validator(mode="after")
    def _stages_fit(self) -> Self:
        if self.sparsity is None and self.finetune is None:
            raise fault(*NOTHING_TRAINED)
        self._begins_once()
        self._cut_fits()
        for stage in STUDENT:
            if self.kd_of(stage) != "none" and self.teacher is None:
                rule, mend = NO_TEACHER
                raise fault(f"{KEY_OF[stage]}.kd: {rule}", mend)
        return self

    def _begins_once(self) -> None:
        """A stage that begins with a file has no stages before it."""
        for place, name in enumerate(BEGINNINGS):
            section = getattr(self, name)
            if section is None or section.init is None:
                continue
            for earlier in BEGINNINGS[:place]:
                if getattr(self, earlier) is not None:
                    raise fault(
                        f"{name}.init: begins with {name}, so {earlier} can't run before it",
                        f"Remove the {earlier} section, or {name}.init.",
                    )

    def _cut_fits(self) -> None:
        """What a cut needs of the stages around it."""
        if self.prune is not None and self.prune.like == self.prune.method:
            raise fault("prune.like: must be another method than prune.method", "Remove it.")
        if self.finetune is not None and self.prune is not None and self.prune.probe is not None:
            raise fault("prune.probe: leaves the network whole, so nothing is finetuned", "Remove finetune.")
        if self.finetune is not None and self.finetune.start == "scratch_b" and self.prune is None:
            raise fault("finetune.start: scratch_b needs a prune section", "Write start: scratch.")

    @property
    def init(self) -> tuple[str, "Loaded"] | None:
        """The stage that begins with a network from a file, with its settings."""
        for name in BEGINNINGS:
            section: Loaded | None = getattr(self, name)
            if section is not None and section.init is not None:
                return name, section
        return None

    @property
    def last_stage(self) -> str:
        """The last stage that trains: the one in which trials are compared."""
        return "sparsity" if self.finetune is None else "finetune"

    def tested(self, stage: str) -> bool:
        """Whether the test set is measured after every epoch of a stage."""
        return self.protocol == "diary" and stage == self.last_stage

    @property
    def cuts(self) -> int:
        """How often the student is cut."""
        return 0 if self.prune is None else self.prune.cuts

    @property
    def seen(self) -> bool:
        """Whether the student comes from outside and has seen all the training images."""
        return self.init is not None and self.init[1].trained_on == "train"

    @property
    def gradual(self) -> Gradual | None:
        """The training between cuts; None where there is one cut."""
        return None if self.prune is None else self.prune.between

    def training(self, stage: str) -> Training | None:
        """The settings of a stage that trains; None where it does not run."""
        if stage not in KEY_OF:
            return None
        section: Training | None = self.gradual if stage == "gradual" else getattr(self, stage)
        return section

    def kd_of(self, stage: str) -> str:
        """The distillation loss of a stage; none where the stage does not run."""
        settings = self.training(stage)
        return settings.kd if isinstance(settings, Distilled) else "none"

    @property
    def needs_teacher(self) -> bool:
        """Whether any stage is distilled."""
        return any(self.kd_of(stage) != "none" for stage in STUDENT)


BEGINNINGS = ("sparsity", "prune", "finetune")
"""The student's sections, in order; any can begin with a network from a file."""
STUDENT = ("sparsity", "gradual", "finetune")
"""The stages in which the student is trained, in order."""
KEY_OF = {"teacher": "teacher", "sparsity": "sparsity", "gradual": "prune.gradual", "finetune": "finetune"}
"""Stage -> the section with its settings."""

SHARES = {"warmup_share": "warmup", "decay_share": "decay_every"}
"""Key -> the key that takes its place where it is given."""
