from collections.abc import Iterable
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sweeper.faults import MISSING, Faults
from sweeper.pydantic_faults import from_pydantic
from sweeper.strict_yaml import parse
from trainables.errors import InputError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Drawn(Strict):
    log_uniform: list[float] = Field(min_length=2, max_length=2)
    points: int | None = Field(default=None, ge=2)


class Stage(Strict):
    s: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False)
    lr: float = Field(default=0.1, gt=0)
    epochs: int = 12
    warmup: int = 6
    kd: Literal["none", "dist", "kd"] = "none"
    nesterov: bool = False
    seeds: Literal[1, 2, 3] = 1

    @model_validator(mode="after")
    def _warmup_fits(self) -> "Stage":
        if self.warmup > self.epochs:
            raise ValueError(f"warmup: must be at most the epochs. Write {self.epochs} or less.")
        return self


class Own(Strict):
    kind: Literal["own"]
    epochs: int


class Given(Strict):
    kind: Literal["given"]
    checkpoint: str


class Space(Strict):
    name: str
    sparsity: Stage = Stage()
    gpus: float | Literal["auto"] = "auto"
    teacher: Annotated[Own | Given, Field(discriminator="kind")] | None = None
    search: dict[str, list[float | str | bool] | Drawn] = Field(default_factory=dict)
    seeds: list[int] = Field(default_factory=list, max_length=3)
    when: int | None = None

    @field_validator("name")
    @classmethod
    def _name_is_a_file_name(cls, name: str) -> str:
        if "/" in name:
            raise InputError("name: must hold no slash. Write - for /.")
        if name == "20":
            raise ValueError("a share, got 20 %. Write 0.2.")
        return name

    @model_validator(mode="after")
    def _kd_is_searched_once(self) -> "Space":
        if self.name == "cross":
            raise ValueError("search.finetune.kd: is fixed by the teacher. Leave it out.")
        return self


def known(place: tuple[str | int, ...]) -> Iterable[str]:
    models: dict[tuple[str | int, ...], type[Strict]] = {(): Space, ("sparsity",): Stage}
    return models.get(place, Own).model_fields


def faults_of(text: str, **given: Any) -> str:
    document = parse(text, "s.yaml")
    with pytest.raises(ValidationError) as caught:
        Space.model_validate(document.value)
    options: dict[str, Any] = {"known": known, "value": document.value, **given}
    return str(Faults("s.yaml", from_pydantic(caught.value, document.line_of, **options)))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gpus: 1", "s.yaml:1: name: is required."),
        ("name: 3", "s.yaml:1: name: must be text, got 3. Put it in quotes."),
        ("name:", "s.yaml:1: name: must be text, got null. Give it a value, or remove it."),
        ("name: a/b", 's.yaml:1: name: must hold no slash, got "a/b". Write - for /.'),
        ('name: "20"', "s.yaml:1: name: a share, got 20 %. Write 0.2."),
        ("name: x\nsparsity:\n  s: 1", "s.yaml:3: sparsity.s: must be below 1, got 1."),
        ("name: x\nsparsity:\n  s: -1e-3", "s.yaml:3: sparsity.s: must be at least 0, got -0.001."),
        ("name: x\nsparsity:\n  s: .nan", "s.yaml:3: sparsity.s: must be a finite number, got .nan."),
        ("name: x\nsparsity:\n  lr: 0", "s.yaml:3: sparsity.lr: must be above 0, got 0."),
        (
            "name: x\nsparsity: {s: 20%}",
            's.yaml:2: sparsity.s: must be a number, got "20%". Write 0.2 for 20 %.',
        ),
        ("name: x\nsparsity: {epochs: 1.5}", "s.yaml:2: sparsity.epochs: must be a whole number, got 1.5."),
        (
            "name: x\nsparsity: {epochs: 1e2}",
            "s.yaml:2: sparsity.epochs: must be a whole number, got 100.0. Write 100.",
        ),
        (
            "name: x\nsparsity: {epochs: '12'}",
            's.yaml:2: sparsity.epochs: must be a whole number, got "12". Remove its quotes.',
        ),
        (
            "name: x\nsparsity: {lr: '1e-3'}",
            's.yaml:2: sparsity.lr: must be a number, got "1e-3". Remove its quotes.',
        ),
        ("name: x\nsparsity: {lr: '0,1'}", 's.yaml:2: sparsity.lr: must be a number, got "0,1". Write 0.1.'),
        (
            "name: x\nseeds: [1，2]",
            's.yaml:2: seeds[0]: must be a whole number, got "1，2". Write a comma for each ，.',
        ),
        ("name: x\nsparsity: {lr: １}", 's.yaml:2: sparsity.lr: must be a number, got "１".'),
        (
            "name: x\nsparsity: {nesterov: no}",
            's.yaml:2: sparsity.nesterov: must be true or false, got "no". Write false.',
        ),
        (
            "name: x\nsparsity: {kd: dits}",
            's.yaml:2: sparsity.kd: must be one of none, dist, kd, got "dits". Did you mean dist?',
        ),
        ("name: x\nsparsity: {seeds: 4}", "s.yaml:2: sparsity.seeds: must be one of 1, 2, 3, got 4."),
        (
            "name: x\nsparsity: {warmpu: 4}",
            "s.yaml:2: sparsity.warmpu: is no setting here, got 4. Did you mean warmup?",
        ),
        (
            "name: x\nsparsity: {epochs: 3}",
            "s.yaml:2: sparsity.warmup: must be at most the epochs. Write 3 or less.",
        ),
        (
            "name: x\nsparsity: {\n  epochs: 3,\n  warmup: 4}",
            "s.yaml:4: sparsity.warmup: must be at most the epochs, got 4. Write 3 or less.",
        ),
        ("name: x\nsparsity: [1]", "s.yaml:2: sparsity: must be a mapping, got [1]."),
        ("name: x\ngpus: aut", 's.yaml:2: gpus: must be a number or auto, got "aut". Did you mean auto?'),
        (
            "name: x\nteacher: {kind: owned}",
            's.yaml:2: teacher.kind: must be one of own, given, got "owned". Did you mean own?',
        ),
        ("name: x\nteacher: {epochs: 1}", "s.yaml:2: teacher.kind: is required."),
        (
            "name: x\nteacher:\n  kind: own\n  epochs: many",
            's.yaml:4: teacher.epochs: must be a whole number, got "many".',
        ),
        (
            "name: x\nsearch:\n  a.b: [1, {x: 1}]",
            "s.yaml:3: search.a.b[1]: must be a number or text or true or false, got {x: 1}.",
        ),
        (
            "name: x\nsearch:\n  Stage: [1,\n    null]",
            "s.yaml:4: search.Stage[1]: must be a number or text or true or false, got null. Give it a value, or remove it.",
        ),
        ("name: x\nsearch: {a.b: 3}", "s.yaml:2: search.a.b: must be a list or a mapping, got 3."),
        (
            "name: x\nsearch: {a: {log_uniform: [1]}}",
            "s.yaml:2: search.a.log_uniform: must be a list of at least 2, got [1].",
        ),
        ("name: x\nsearch: {a: {points: 3}}", "s.yaml:2: search.a.log_uniform: is required."),
        ("name: x\nseeds: [1, 2, 3, 4]", "s.yaml:2: seeds: must be a list of at most 3, got [1, 2, 3, 4]."),
        ("name: x\nseeds: [1, a]", 's.yaml:2: seeds[1]: must be a whole number, got "a".'),
        ("name: x\nwhen: soon", 's.yaml:2: when: must be a whole number, got "soon".'),
        (
            "name: cross\nsearch:\n  finetune.kd: [1]",
            "s.yaml:3: search.finetune.kd: is fixed by the teacher, got [1]. Leave it out.",
        ),
    ],
)
def test_what_pydantic_finds_is_told_in_one_line(text: str, line: str) -> None:
    assert faults_of(text) == line


def test_all_faults_come_at_once_in_the_order_of_the_lines() -> None:
    text = "sparsity:\n  s: 2\n  kd: x\nzzz: 1\n"
    assert faults_of(text).splitlines() == [
        "s.yaml:1: name: is required.",
        "s.yaml:2: sparsity.s: must be below 1, got 2.",
        's.yaml:3: sparsity.kd: must be one of none, dist, kd, got "x".',
        "s.yaml:4: zzz: is no setting here, got 1. "
        "Known here: name, sparsity, gpus, teacher, search, seeds, when.",
    ]


def test_members_of_unions_are_told_by_their_looks_where_the_input_is_unknown() -> None:
    text = "name: x\nsearch:\n  a.b: {log_uniform: [1, x]}\n  c: [1, [2]]"
    assert faults_of(text, value=MISSING).splitlines() == [
        's.yaml:3: search.a.b.log_uniform[1]: must be a number, got "x".',
        "s.yaml:4: search.c[1]: must be a number or text or true or false, got [2].",
    ]


def test_a_prefix_is_the_place_of_the_model_in_the_file() -> None:
    document = parse("a:\n  s: 0\n  bb: 3", "s.yaml")
    with pytest.raises(ValidationError) as caught:
        Stage.model_validate(document.value["a"])
    faults = from_pydantic(
        caught.value, document.line_of, ("a",), known=lambda place: [*map(str, place), "b_b"]
    )
    assert str(Faults("f", faults)) == "f:3: a.bb: is no setting here, got 3. Did you mean b_b?"


def test_an_overridden_key_is_blamed_on_the_command_line() -> None:
    document = parse("name: x\nsparsity: {s: 0.1, kd: oops}", "s.yaml").override(("sparsity", "s"), 7)
    with pytest.raises(ValidationError) as caught:
        Space.model_validate(document.value)
    assert str(Faults("s.yaml", from_pydantic(caught.value, document.line_of))).splitlines() == [
        "--set sparsity.s: must be below 1, got 7.",
        's.yaml:2: sparsity.kd: must be one of none, dist, kd, got "oops".',
    ]
