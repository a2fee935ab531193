from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.damage.recorded import parse
from analysis.errors import ResultsError
from analysis.records import read_run

Record = Callable[..., dict[str, Any]]


def test_a_record_is_read_whole(record_of: Record, png_of: Callable[..., str]) -> None:
    lost = [{"row": 7, "label": 0, "answer": "b", "png": png_of()}]
    found = parse(record_of([90, 80], [70, 60], sets=("clean", "blur 3"), only_pruned_wrong=lost))
    assert found.classes == ("a", "b")
    assert found.share("unpruned", "blur 3") == 0.85
    assert found.share("final", "blur 3") == 0.65
    assert found.share("final", "fog 1") is None
    assert found.compared == ("clean", "blur 3")
    assert [(one.row, one.label, one.answer) for one in found.lost] == [(7, "a", "b")]
    assert found.lost[0].png.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": {"clean": [100]}}, r"damage.images.clean: one count a class \(2\), got 1"),
        ({"images": {"clean": [0, 0]}}, "damage.images.clean: at least one image, got 0"),
        (
            {"right": {"final": {"clean": [101, 0]}}},
            r"right.final.clean: at most images.clean, got \[101, 0\]",
        ),
        ({"right": {"final": {"clean": [-1, 0]}}}, "right.final.clean: whole numbers from 0, got -1"),
        ({"right": {"final": {"clean": [0.5, 0]}}}, "right.final.clean: whole numbers from 0, got 0.5"),
        (
            {"right": {"other": {"clean": [1, 0]}}},
            "damage.right: one of unpruned, pruned, final, got 'other'",
        ),
        (
            {"only_pruned_wrong": [{"row": 3, "label": 0, "answer": 1, "png": "!"}]},
            "png of row 3 is no base64",
        ),
        ({"only_pruned_wrong": [{"row": 3, "label": 0, "answer": 1, "png": "QUJD"}]}, "row 3 is no PNG"),
    ],
)
def test_a_wrong_record_is_refused_with_its_value(
    record_of: Record, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        parse(record_of([90, 80], [70, 60]) | change)


def test_a_class_that_is_not_there_is_refused(record_of: Record, png_of: Callable[..., str]) -> None:
    lost = [{"row": 3, "label": 2, "answer": 1, "png": png_of()}]
    with pytest.raises(ValueError, match="only_pruned_wrong: a class from 0 to 1, got 2"):
        parse(record_of([90, 80], [70, 60], only_pruned_wrong=lost))


@pytest.mark.parametrize(
    "damage", [{"classes": ["a"]}, {"classes": 3}, "text", {"classes": [], "images": []}]
)
def test_a_record_of_another_shape_names_its_line(damaged_run: Callable[..., Path], damage: Any) -> None:
    with pytest.raises(ResultsError, match=r"trials.jsonl:2: damaged, "):
        read_run(damaged_run([damage]))
