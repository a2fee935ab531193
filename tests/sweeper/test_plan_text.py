import io
import json
from dataclasses import replace

from sweeper.plan import COUNTED, Plan
from sweeper.plan_text import say_plan
from sweeper.teacher_work import TeacherWork

PLAN = Plan(
    name="small",
    points=4,
    trials=4,
    limit=None,
    counted=4,
    sampler="grid",
    workers=2,
    infeasible=2,
    epochs_alone=16,
    epochs_shared=10,
    teacher_epochs_alone=3,
    teacher_epochs_shared=3,
    macs_alone=6.65e12,
    macs_shared=2.34e12,
    seconds_per_epoch={"sparsity": 0.5, "finetune with dist": 1.25},
    teacher=TeacherWork(
        views_alone=12_000, seconds_alone=600, views_shared=3_000, seconds_shared=150, table_gb=0.25
    ),
    hours_alone=3.0,
    hours_shared=0.5,
    confirm_runs=0,
    confirm_epochs=0,
    confirm_hours=0.0,
    disk_gb=1.5,
    free_gb=70.4,
    store_limit_gb=20.0,
    rungs={"drops=0": [1, 2, 4]},
    min_peers=2,
    ranked_by=("accuracy", "macs"),
    warnings=("asha can stop nothing",),
)


def lines(plan: Plan) -> list[str]:
    stream = io.StringIO()
    say_plan(plan, stream, as_json=False)
    return [" ".join(line.split()) for line in stream.getvalue().splitlines()]


def test_people_get_a_line_a_fact() -> None:
    assert lines(PLAN) == [
        "small",
        "trials 4 by grid, 2 at a time; 4 points in the space",
        "epochs 16 alone, 10 shared: 1.60 times fewer",
        "MACs about 6.65 T alone, 2.34 T shared: 2.84 times fewer",
        "teacher 3 epochs alone, 3 shared",
        "sparsity 0.50 s an epoch",
        "finetune with dist 1.25 s an epoch",
        "answers of the teacher to 12,000 views of images alone, 3,000 shared: 2 min",
        "time about 30 min if no trial is stopped early (3.0 h without sharing)",
        "disk 1.50 GB of kept states and 0.25 GB of the teacher's table, limit 20 GB, 70 GB free",
        "constraints about 2 of 4 random points are outside; they end after the cut",
        "rung drops=0 2 networks in a group (from 1 to 4); 2 of 3 groups reach the 2 that one can be stopped of",
        "ranks by accuracy and macs: no one on the Pareto front is stopped",
        "warning: asha can stop nothing",
    ]


def test_what_there_is_nothing_to_say_of_is_left_out() -> None:
    bare = replace(
        PLAN, points=None, teacher_epochs_alone=0, infeasible=0, rungs={}, ranked_by=(), warnings=()
    )
    bare = replace(bare, teacher=TeacherWork())
    said = lines(bare)
    assert said[1].endswith("endlessly many points")
    assert [line.split()[0] for line in said[1:]] == [
        "trials",
        "epochs",
        "MACs",
        "sparsity",
        "finetune",
        "time",
        "disk",
    ]


def test_a_teacher_without_a_table_is_said_to_answer_live() -> None:
    work = TeacherWork(views_alone=12_000, views_shared=9_000, seconds_shared=7200, live="there is no room")
    said = lines(replace(PLAN, teacher=work))
    answers = "of the teacher to 12,000 views of images alone, 9,000 shared: 2.0 h"
    assert f"answers {answers}, live, since there is no room" in said
    assert "disk 1.50 GB of kept states, limit 20 GB, 70 GB free" in said


def test_scripts_get_one_line() -> None:
    stream = io.StringIO()
    say_plan(PLAN, stream, as_json=True)
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["rungs"] == {"drops=0": [1, 2, 4]}


def test_a_sweep_too_large_to_count_says_what_was_counted() -> None:
    said = lines(replace(PLAN, trials=90_000, points=COUNTED, counted=2_000))
    assert said[1:3] == [
        "trials 90,000 by grid, 2 at a time; 1,000,000 points in the space or more",
        "all that follows is of the first 2,000 of them",
    ]
    assert "constraints about 2 of 2000 random points are outside; they end after the cut" in said


def test_a_confirmation_is_counted_apart() -> None:
    (line,) = set(lines(replace(PLAN, confirm_runs=25, confirm_epochs=1200, confirm_hours=2.0))) - set(
        lines(PLAN)
    )
    assert line == "confirm afterwards at most 25 runs, 1,200 epochs shared: about 2.0 h more"


def test_trials_that_a_budget_allows_are_about_so_many() -> None:
    budgeted = replace(PLAN, trials=37, counted=37, limit="as many as 400 epochs allow")
    assert (
        "trials about 37 by grid, 2 at a time, as many as 400 epochs allow; 4 points in the space"
        in lines(budgeted)
    )
