from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.front import front_rows, front_section, knee_of
from analysis.records import read_run
from analysis.report import make_report
from analysis.scatter import scatter_info
from analysis.select import objectives
from analysis.tables import to_latex

Make = Callable[..., Path]
Events = Callable[..., list[dict[str, Any]]]
FRONT = "objective: {maximize: accuracy, minimize: macs}\nsearch: {prune.percent: [0.3, 0.5]}\n"
NETWORKS = [(0.98, 900), (0.97, 400), (0.80, 200), (0.5, 100), (0.6, 500)]


@pytest.fixture
def front_run(make_run: Make, complete: Events) -> Path:
    """Four networks on a bent front, one behind it; the unpruned one has 1,000 MACs."""
    events: list[dict[str, Any]] = []
    for number, (accuracy, macs) in enumerate(NETWORKS):
        events += complete(number, accuracy, 0.1 * number, macs=macs, macs_unpruned=1000)
    return make_run(events, space=FRONT)


def test_the_section_states_the_volume_its_reference_and_the_knee(front_run: Path) -> None:
    section = front_section(read_run(front_run))
    assert section
    covered = 0.98 * 0.1 + 0.97 * 0.5 + 0.80 * 0.2 + 0.5 * 0.1
    volume, knee = section.words
    assert volume == (
        f"Hypervolume {covered:.4f}, from the reference point accuracy 0, MACs 1 (the unpruned network's 1.00 k)."
    )
    assert knee.startswith("The knee of accuracy against MACs is trial 1: 97.0 % at 400 MACs. ")
    ((_, table),) = section.tables
    assert [row[0] for row in table.rows] == ["0", "1*", "2", "3"]
    assert table.header[:3] == ("Trial", "Accuracy (%)", "MACs (M)")
    assert "*: the knee" in table.caption
    assert r"\toprule" in to_latex(table)


def test_the_figure_marks_the_same_knee(front_run: Path) -> None:
    run = read_run(front_run)
    info = scatter_info(run, None)
    assert info
    assert info.knee == ((400, 97.0), 1)
    assert "The knee of the front is trial 1." in (make_report(front_run).folder / "report.md").read_text()


def test_the_report_has_the_section_and_its_table(front_run: Path) -> None:
    report = make_report(front_run)
    assert {"tables/front.tex", "tables/front.md"} <= {
        str(file.relative_to(report.folder)) for file in report.files
    }
    page = (report.folder / "report.html").read_text()
    assert "<h2>Front</h2>" in page
    assert "from the reference point accuracy 0, MACs 1" in page


def test_one_objective_has_no_such_section(make_run: Make) -> None:
    assert front_section(read_run(make_run())) is None


def test_before_a_trial_is_complete_there_is_none(make_run: Make) -> None:
    assert front_section(read_run(make_run([], space=FRONT))) is None


def test_without_a_bend_or_a_reference_the_words_say_so(make_run: Make, complete: Events) -> None:
    space = FRONT.replace("minimize: macs", "minimize: loss")
    section = front_section(read_run(make_run(complete(0, 0.9, 0.5), space=space)))
    assert section
    assert section.words == (
        "There is no hypervolume: nothing is the worst that `minimize: loss` can be.",
        "The front of accuracy against MACs has no knee: no network lies above the line between its ends.",
    )
    assert section.tables[0][1].header[2] == "Loss"


def test_a_network_without_all_the_metrics_is_not_on_the_front(make_run: Make, complete: Events) -> None:
    events = complete(0, 0.9, 0.5) + complete(1, 0.99, 0.5, macs=None)
    run = read_run(make_run(events, space=FRONT))
    assert [row.trial.number for row in front_rows(run, objectives(run.space))] == [0]
    assert knee_of(run) is None
