import math
import pickle
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sweeper.faults import MISSING, SET, Fault, Faults, did_you_mean, dotted, from_pydantic
from sweeper.strict_yaml import parse
from sweeper.wording import place_of, shown
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
        ("name:", "s.yaml:1: name: must be text, got null."),
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
            "s.yaml:4: search.Stage[1]: must be a number or text or true or false, got null.",
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


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault(rule="is empty"), "f: is empty."),
        (Fault(rule="is bad", line=3), "f:3: is bad."),
        (Fault(rule="is bad", key="a.b[2]", line=3, got=None), "f:3: a.b[2]: is bad, got null."),
        (Fault(rule="is bad", key="a", got=1, mend="Write 2"), "f: a: is bad, got 1. Write 2."),
        (
            Fault(rule="is bad", key="a", got=1, mend="Is it 2?", origin=SET),
            "--set a: is bad, got 1. Is it 2?",
        ),
        (Fault(rule="is\nbad", key="a\x1b[31m"), "f: a\\x1b[31m: is\\x0abad."),
    ],
)
def test_a_fault_is_written_without_the_parts_that_it_lacks(fault: Fault, text: str) -> None:
    assert fault.text("f") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "null"),
        (1e-5, "1e-05"),
        (math.inf, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
        ("学", '"学"'),
        ('a"\n', '"a\\"\\n"'),
        ("\x1b[0m\u202e\x7f", '"\\u001b[0m\\u202e\\x7f"'),
        ({"a": [1, "b"]}, '{a: [1, "b"]}'),
        ((), "[]"),
        ("x" * 100, '"' + "x" * 56 + "..."),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16..."),
    ],
)
def test_values_are_shown_short_and_printable(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("percnt", "percent"),
        ("PERCENT", "percent"),
        ("kd-weight", "kd_weight"),
        ("prune.precent", "prune.ratio_percent_of"),
        ("warmup", "finetune.warmup"),
        ("zzz", None),
        ("x" * 100_000, None),
    ],
)
def test_the_nearest_name_is_found(word: str, near: str | None) -> None:
    names = ["percent", "kd_weight", "finetune.warmup"]
    if near == "prune.ratio_percent_of":
        names, near = ["prune.percent", "prune.method"], "prune.percent"
    assert did_you_mean(word, names) == near


def test_a_last_part_that_two_names_share_is_no_hint() -> None:
    assert did_you_mean("kd", ["finetune.kd", "sparsity.kd"]) is None


def test_a_key_is_written_with_dots_and_positions() -> None:
    assert dotted(("search", "prune.percent", 2)) == "search.prune.percent[2]"
    assert dotted(()) == ""
    assert dotted(("a", "")) == 'a.""'


def test_a_written_key_leads_back_to_its_place() -> None:
    settings = {"search": {"prune.percent": [0, 1], "prune": {"percent": 1}}}
    assert place_of("search.prune.percent[1]", settings) == ("search", "prune.percent", 1)
    assert place_of("search.prune.percent.x", settings) == ("search", "prune.percent", "x")
    assert place_of("sparsity.s", settings) == ("sparsity", "s")


def test_faults_are_one_input_error_that_survives_a_process_border() -> None:
    faults = Faults("f", [Fault(rule="b", line=2), Fault(rule="a", line=1), Fault(rule="b", line=2)])
    assert isinstance(faults, InputError)
    assert faults.exit_code == 2
    assert str(faults) == str(pickle.loads(pickle.dumps(faults))) == "f:1: a.\nf:2: b."


@settings(deadline=None, max_examples=80)
@given(st.text(), st.text(), st.text(), st.recursive(st.text() | st.floats(), st.lists), st.text())
def test_a_fault_is_always_one_line(file: str, key: str, rule: str, got: object, mend: str) -> None:
    text = Fault(rule=rule, key=dotted((key,)), line=1, got=got, mend=mend).text(file)
    assert text.isprintable()
