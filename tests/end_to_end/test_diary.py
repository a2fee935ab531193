"""The diary's protocol, with a teacher from outside, from the space to the report."""

import json

import pytest
import torch

from analysis.cli import main
from trainables.models import Architecture, build


def test_the_best_epoch_on_the_test_set_is_reported_as_such_and_a_foreign_teacher_too(sweeper):
    teacher = build(Architecture(model="resnet8", classes=10, channels=1), seed=0)
    torch.save({"epoch": 240, "model": teacher.state_dict()}, sweeper.folder / "ckpt_epoch_240.pth")
    over = (
        "protocol=diary",
        "teacher={checkpoint: ckpt_epoch_240.pth, normalize: data}",
        "sweep.asha=null",
        'constraints={macs: "<= 1e9"}',
    )
    said = sweeper("run", "small.yaml", "--trials", "4", *(f"--set={one}" for one in over))
    seen = "the teacher has seen the validation images if it was trained on all training images"
    assert seen in said

    ends = sweeper.ends()
    assert {end["state"] for end in ends.values()} == {"complete"}
    for end in ends.values():
        last = [entry for entry in end["curve"] if entry["stage"] == "finetune"]
        tested = [entry["test_accuracy"] for entry in last]
        assert len(tested) == end["settings"]["finetune"]["epochs"]
        assert not any("test_accuracy" in entry for entry in end["curve"] if entry not in last)
        metrics = end["metrics"]
        assert metrics["test_accuracy_best_epoch"] == max(tested)
        assert metrics["test_accuracy_last_epoch"] == tested[-1]
        assert metrics["accuracy"] == last[-1]["accuracy"]  # of the validation images: what is searched for

    run = sweeper.folder / "runs" / "small"
    assert any(line.startswith(seen) for line in json.loads((run / "manifest.json").read_text())["warnings"])
    assert main(["report", str(run)]) == 0
    text = (run / "report" / "report.md").read_text()
    assert seen in text
    assert "† The best epoch was chosen on the test set" in text
    ranking = (run / "report" / "tables" / "ranking.md").read_text()
    header, _, *rows = (
        [cell.strip() for cell in line.split("|")] for line in ranking.splitlines() if line.startswith("|")
    )
    assert rows
    for row in rows:
        shown = dict(zip(header, row, strict=True))
        metrics = ends[int(shown["Trial"].split(",")[0])]["metrics"]
        assert float(shown["Best epoch (%) †"]) == pytest.approx(
            100 * metrics["test_accuracy_best_epoch"], abs=0.051
        )
        assert float(shown["Accuracy (%)"]) == pytest.approx(100 * metrics["accuracy"], abs=0.051)
