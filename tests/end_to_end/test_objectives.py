"""Two objectives with early stopping, some of whose stops are audited."""

import pytest

from analysis.audit.parts import audit_section
from analysis.records import read_run

CHANGES = {
    "objective": "{maximize: accuracy, minimize: macs}",
    "data.val_fraction": "0.6",
    "search.prune.percent": "[0.4, 0.6, 0.8]",
    "search.finetune.lr": "[1e-6, 1e-4, 0.02]",
    "search.finetune.kd": "[none]",
    "sweep.startup_trials": "12",
    "sweep.asha": "{rungs: [0.5], reduction: 3, min_peers: 3, audit: 0.3}",
    "resources.workers": "1",
}
ASKED = ("--trials", "20", *(word for key, value in CHANGES.items() for word in ("--set", f"{key}={value}")))


@pytest.fixture
def swept(sweeper):
    """The finished sweep, killed once half-way."""
    process = sweeper.start("run", "small.yaml", *ASKED)
    sweeper.wait_for(lambda: len(sweeper.ends()) >= 8, process)
    sweeper.kill(process)
    process.communicate()
    sweeper("resume", "runs/small")
    return sweeper


def beats(one, other):
    a, b = ((values["accuracy"], -values["macs"]) for values in (one["values"], other["values"]))
    return a != b and all(x >= y for x, y in zip(a, b, strict=True))


def test_dominated_networks_of_any_size_are_stopped_and_some_are_audited(swept):
    ends, rungs = swept.ends(), [event for event in swept.events() if event["event"] == "rung"]
    assert sorted(ends) == list(range(20))
    assert {event["rung"] for event in rungs} == {"share=0.5 finetune.kd=none"}
    for place, event in enumerate(rungs):
        if event["decision"] != "continue":
            assert any(beats(one, event) for one in rungs[:place])
    stopped = {number for number, end in ends.items() if end["state"] == "stopped"}
    audited = {number for number, end in ends.items() if "audited" in end}
    assert stopped
    assert audited
    assert {ends[number]["state"] for number in audited} == {"complete"}
    assert {event["trial"] for event in rungs if event["decision"] == "stop"} == stopped
    assert {event["trial"] for event in rungs if event["decision"] == "audit"} == audited
    section = audit_section(read_run(swept.folder / "runs" / "small"))
    assert section is not None
    assert section.words[0].startswith(
        f"{len(stopped | audited)} trials fell behind at a rung; {len(audited)} of"
    )
