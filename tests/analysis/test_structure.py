from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.records import read_run
from analysis.select import best
from analysis.structure import Structure, draw_structure, structure

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
Settings = Callable[..., dict[str, Any]]


def structure_of(folder: Path) -> Structure | None:
    run = read_run(folder)
    choice = best(run)
    assert choice
    return structure(run, choice)


def test_the_chosen_network_is_shown(make_run: Make, point_of: Events, settings_of: Settings) -> None:
    events = point_of(0, 0.95, settings_of(0.5)) + point_of(1, 0.9, settings_of(0.75))
    assert structure_of(make_run(events)) == Structure(
        trial=0, before=(32, 64, 128, 256), after=(16, 32, 64, 128)
    )


def test_where_nothing_of_it_is_cut_the_best_that_is(
    make_run: Make, point_of: Events, settings_of: Settings
) -> None:
    events = point_of(0, 0.99, settings_of(0.0)) + point_of(1, 0.8, settings_of(0.75))
    found = structure_of(make_run(events + point_of(2, 0.9, settings_of(0.5))))
    assert found
    assert found.trial == 2


def test_of_a_gradual_cut_the_first_and_the_last_width_count(
    make_run: Make, point_of: Events, settings_of: Settings
) -> None:
    asked, last = point_of(0, 0.95, settings_of(0.5))
    last["curve"] = [
        {"stage": "prune", "epoch": 1, "channels": [9, 8], "channels_unpruned": [10, 10]},
        {"stage": "gradual", "epoch": 1, "accuracy": 0.9},
        {"stage": "prune", "epoch": 2, "channels": [5, 4], "channels_unpruned": [9, 8]},
    ]
    assert structure_of(make_run([asked, last])) == Structure(trial=0, before=(10, 10), after=(5, 4))


def test_no_structure_where_no_layer_is_recorded(make_run: Make) -> None:
    assert structure_of(make_run()) is None


def test_few_and_many_layers_are_drawn() -> None:
    for count in (1, 7, 120):
        shown = Structure(trial=0, before=(64,) * count, after=(1,) * count)
        assert draw_structure(shown)["png"].startswith(b"\x89PNG")
