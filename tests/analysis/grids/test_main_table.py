from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.grids.cells import grid
from analysis.grids.main_table import main_table
from analysis.records import read_run
from analysis.tables import Table

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def table_of(folder: Path) -> Table | None:
    found = grid(read_run(folder))
    assert found
    return main_table(found)


def columns(table: Table | None, *names: str) -> list[tuple[str, ...]]:
    assert table
    places = [table.header.index(name) for name in names]
    return [tuple(row[place] for place in places) for row in table.rows]


def test_the_main_table_is_known(grid_run: Make) -> None:
    table = table_of(grid_run())
    assert table
    assert table.header == (
        "Percent (%)",
        "Cut (%)",
        "KD",
        "Settings",
        "Accuracy (%)",
        "n",
        "Δ unpruned",
        "Δ vanilla",
        "Params (M)",
        "↓ (%)",
        "MACs (M)",
        "↓ (%)",
        "Epochs",
    )
    # seeds of 0 and 30 % differ by the same, so their images decide; those of 50 % do not
    known = columns(table, "Percent (%)", "KD", "Settings", "Accuracy (%)", "Δ unpruned", "Δ vanilla")
    assert known[:4] == [
        ("0", "none → none", "s 0", "97.1 ± 0.1", "–", "–"),
        ("0", "none → none", "", "98.0 ± 0.1", "–", "+0.9"),
        ("30", "none → none", "", "95.0 ± 0.1", "−3.0", "−2.1"),
        ("50", "none → none", "", "93.0 ± 0.1", "−5.0*", "−4.1*"),
    ]
    assert known[-1] == ("50", "dist → dist", "", "94.0 ± 0.1", "−4.0*", "−3.1*")
    assert columns(table, "Params (M)", "↓ (%)", "MACs (M)", "Epochs")[3] == ("0.40", "67.0", "4.49", "16")
    assert table.gaps == (1, 4, 7, 10)
    assert "validation accuracy on 287 images, mean ± sd of 3 networks" in table.caption
    assert "Settings not named are s 0.01." in table.caption
    assert table.label == "tab:tiny-main"


def test_single_runs_have_no_spread_and_the_caption_says_so(grid_run: Make, events_of: Events) -> None:
    table = table_of(grid_run(events_of(seeds=1)))
    assert columns(table, "Accuracy (%)", "n")[0] == ("97.0", "1")
    assert table
    assert "single runs" in table.caption


def test_columns_that_say_nothing_are_left_out(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.98, settings_of(0.0, "dist", "dist")) + point_of(
        1, 0.9, settings_of(0.5, "dist", "dist")
    )
    table = table_of(grid_run(events))
    assert table
    assert not {"Settings", "Δ vanilla", "Best epoch (%) †"} & set(table.header)
    assert "vanilla" not in table.caption
    assert columns(table, "Δ unpruned") == [("–",), ("−8.0*",)]


def test_the_best_epoch_on_the_test_set_is_labelled_as_chosen_there(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    tested = {"test_images": 360, "test_accuracy": 0.9, "test_accuracy_best_epoch": 0.91}
    events = point_of(0, 0.98, settings_of(0.0), **tested) + point_of(1, 0.9, settings_of(0.5), **tested)
    table = table_of(grid_run(events))
    assert columns(table, "Accuracy (%)", "Best epoch (%) †")[0] == ("90.0", "91.0")
    assert table
    assert "test accuracy on 360 images" in table.caption
    assert "† The best epoch was chosen on the test set, which makes it too high" in table.caption


def test_the_last_epoch_of_the_test_set_is_said(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    tested = {"test_images": 360, "test_accuracy_last_epoch": 0.9}
    events = point_of(0, 0.98, settings_of(0.0), **tested) + point_of(1, 0.9, settings_of(0.5), **tested)
    table = table_of(grid_run(events))
    assert table
    assert "The accuracy is that of the last epoch." in table.caption


def test_no_main_table_without_a_cut_or_without_anything_to_compare(
    grid_run: Make, point_of: Events, settings_of: Settings
) -> None:
    uncut = point_of(0, 0.98, settings_of(0.0)) + point_of(1, 0.98, settings_of(0.0, "none", "dist"))
    assert table_of(grid_run(uncut)) is None
    cut = point_of(0, 0.98, settings_of(0.3)) + point_of(1, 0.98, settings_of(0.5))
    assert table_of(grid_run(cut, name="b")) is None
