"""Whatever happens to a file of a run: what is good is gone on from, or one line names it; no number is wrong.

Each file is deleted, emptied, cut at 25 places and has 25 of its bytes flipped; then `status`, `report`, `resume`
and again `report` are called on it, in this process. The long form takes all of these, the short one a few.
"""

import contextlib
import io
import json
import shutil
import sqlite3
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml

from analysis.cli import main as analysis
from analysis.errors import ResultsError
from analysis.plain_yaml import load as load_yaml
from analysis.records import read_run
from sweeper import event_file
from sweeper.cli import main as sweep
from sweeper.recovery import whole_space
from tests.end_to_end.conftest import Sweeper
from trainables.errors import DamagedFileError

pytestmark = pytest.mark.timeout(600)
Damages = Callable[..., Iterator[tuple[str, bytes | None]]]
Case = tuple[str, str, bytes | None]
MAY_CHANGE = ("sweep", "confirm", "resources", "store")
TRUTH = ("trials.jsonl", "confirm.jsonl", "ledger")
SPACE = """\
name: small
data: {source: digits, val_fraction: 0.2}
model: preresnet8
sparsity: {epochs: 2, warmup: 0, decay_every: 1, lr: 0.05}
finetune: {epochs: 2, warmup: 0, lr: 0.02, decay_every: 1}
search: {sparsity.s: [1e-3, 1e-2], prune.percent: [0.3, 0.6]}
prune: {method: slimming}
constraints: {macs: "<= 0.9"}
sweep: {trials: 4, seed: 3, sampler: random}
confirm: {top: 1, seeds: 2}
"""


def called(main: Callable[..., int], *arguments: str) -> tuple[int, list[str], str]:
    """The exit code, the lines of stderr and stdout."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    return code, err.getvalue().splitlines(), out.getvalue()


def tables(folder: Path) -> dict[str, bytes]:
    """The files of a report that hold its numbers."""
    report = folder / "report"
    return {
        str(file.relative_to(report)): file.read_bytes()
        for file in sorted(report.rglob("*"))
        if file.suffix in (".csv", ".tex", ".yaml") or file.parent.name == "tables"
    }


def curves(folder: Path) -> dict[str, list[tuple[str, int, float]]]:
    """TensorBoard run of a trial -> (tag, step, value), after a check that its file is whole."""
    found = {}
    for run in sorted(folder.glob("tensorboard/*-*")) + sorted(folder.glob("tensorboard/trial_*")):
        (file,) = event_file.files(run)
        protos, size = event_file.read(file)
        assert size == file.stat().st_size, file
        values = [(v.tag, p.step, v.simple_value) for p in protos for v in p.summary.value]
        found[run.name] = sorted(values)
    return found


def mirrored(folder: Path) -> list[tuple[Any, ...]]:
    """The trials in study.db."""
    study = optuna.load_study(study_name="small", storage=f"sqlite:///{folder / 'study.db'}")
    found = [(t.number, t.state, t.values, t.params, t.user_attrs) for t in study.trials]
    study._storage.remove_session()
    study._storage._backend.engine.dispose()  # type: ignore[attr-defined]
    with contextlib.closing(sqlite3.connect(folder / "study.db")) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return found


class Finished:
    """A finished run, what it says, and a copy of it to be damaged."""

    def __init__(self, folder: Path) -> None:
        command_line = Sweeper(folder)
        command_line.space.write_text(SPACE)
        command_line("run", "small.yaml")
        command_line.end()
        self.root, self.pristine, self.store = folder, folder / "runs" / "small", folder / "store"
        self.run = folder / "copies" / "small"
        self.restore()
        assert called(analysis, "report", str(self.run))[0] == 0
        self.report = tables(self.run)
        shutil.copytree(self.run / "report", self.pristine / "report")
        self.status = called(sweep, "status", str(self.run))[2]
        self.curves, self.mirror = curves(self.run), mirrored(self.run)
        self.events = (self.run / "trials.jsonl").read_bytes()

    def restore(self) -> None:
        shutil.rmtree(self.run, ignore_errors=True)
        shutil.copytree(self.pristine, self.run, ignore=shutil.ignore_patterns("ray"))

    @property
    def files(self) -> list[str]:
        """All state files, of several of a kind one; without Ray's, which nothing reads."""
        names = [
            "space.yaml",
            "manifest.json",
            "trials.jsonl",
            "confirm.jsonl",
            "study.db",
            ".owner",
            ".lock",
        ]
        for pattern in ("ledger/*.jsonl", "ledger/confirm/*.jsonl", "tensorboard/events*",
                        "tensorboard/trial_*/events*", "tensorboard/confirm-*/events*", "report/*", "report/tables/*.tex"):  # fmt: skip
            names += [str(file.relative_to(self.pristine)) for file in sorted(self.pristine.glob(pattern))
                      if file.is_file()][: 20 if pattern == "report/*" else 1]  # fmt: skip
        return names


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield Finished(folder)


def told(lines: list[str], name: str) -> bool:
    """Whether it is one line that names the file, without a traceback."""
    return len(lines) == 1 and name in lines[0] and "Traceback" not in lines[0]


def outcome(finished: Finished, name: str) -> str:
    """Call everything on the damaged copy; how it went, after checking that nothing is wrong."""
    run = finished.run
    for main, arguments in ((sweep, ("status", str(run))), (analysis, ("report", str(run)))):
        if main is analysis and not name.startswith((*TRUTH, "space", "manifest")):
            continue  # it reads no other
        code, err, out = called(main, *arguments)
        if code:
            assert (code, told(err, name)) == (3, True), (code, err)
        elif main is sweep:
            assert out == finished.status
        else:
            assert tables(run) == finished.report
    if name == "space.yaml" and (said := allowed(run, finished)):
        return said
    code, err, out = called(sweep, "resume", str(run))
    if code:
        assert (code in ((2, 3) if name == "space.yaml" else (3,)), told(err, name)) == (True, True), err
        assert (run / "trials.jsonl").exists() == (finished.run / "trials.jsonl").exists()
        return f"exit {code}"
    assert err == []
    warned = [line for line in out.splitlines() if line.startswith("warning: ")]
    assert all(name in line or "accuracy" in line for line in warned), warned
    assert (run / "trials.jsonl").read_bytes() == finished.events
    assert curves(run) == finished.curves
    assert mirrored(run) == finished.mirror
    if name.startswith((*TRUTH, "manifest", "report")):
        code, err, _ = called(analysis, "report", str(run))
        assert (code, err) == (0, [])
        assert tables(run) == finished.report
    return "recovered and said" if any(name in line for line in warned) else "recovered"


def allowed(run: Path, finished: Finished) -> str:
    """What is said of a space that is changed where a person may change it; "" where it is anything else."""
    before = sections(finished.pristine / "space.yaml")
    after = sections(run / "space.yaml")
    fixed = [{k: v for k, v in one.items() if k not in MAY_CHANGE} for one in (before, after)]
    if after == before or fixed[0] != fixed[1]:
        return ""
    said: list[str] = []
    try:
        whole_space(run, said.append)
        found = "taken as an edit, and said"
    except DamagedFileError as error:
        said, found = str(error).splitlines(), "exit 3"
    assert told(said, "space.yaml")
    return found


def sections(file: Path) -> dict[str, Any]:
    """A space as plain data; nothing where it is none."""
    try:
        found = load_yaml(file.read_text())
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def harmed(finished: Finished, name: str, cases: Iterator[tuple[str, bytes | None]]) -> Counter[str]:
    """Outcome -> how often, over the cases of a file."""
    found: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of a database that could not be opened
        for what, left in cases:
            finished.restore()
            if left is None:
                (finished.run / name).unlink(missing_ok=True)
            else:
                (finished.run / name).write_bytes(left)
            try:
                found[outcome(finished, name)] += 1
            except BaseException as error:
                raise AssertionError(f"{name} {what}: {error!r}") from error
    return found


def content(finished: Finished, name: str) -> bytes:
    file = finished.pristine / name
    return file.read_bytes() if file.exists() and file.stat().st_size else b"process 4711 on nowhere\n"


def test_a_few_of_each_kind_of_damage_to_each_kind_of_file(finished: Finished, damages: Damages) -> None:
    for name in finished.files:
        if not name.startswith("report/") or name == "report/trials.csv":
            harmed(finished, name, damages(content(finished, name), cuts=1, flips=2))


@pytest.mark.chaos
def test_every_kind_of_damage_to_every_file(
    finished: Finished, damages: Damages, capsys: pytest.CaptureFixture[str]
) -> None:
    total: Counter[str] = Counter()
    for number, name in enumerate(finished.files):
        few = name.startswith("report/") or name in (".owner", ".lock")
        found = harmed(
            finished,
            name,
            damages(content(finished, name), cuts=3 if few else 25, flips=3 if few else 25, seed=number),
        )
        total += found
        with capsys.disabled():
            print(f"\n{name}: {dict(found)}", end="")
    with capsys.disabled():
        print(f"\n{total.total()} cases: {dict(total)}")


def test_trials_that_are_gone_are_run_again_once_the_loss_is_accepted(
    finished: Finished, tmp_path: Path
) -> None:
    """The states are in the store: nothing is trained again, and the results are those that were lost."""
    finished.restore()
    lines = finished.events.splitlines(keepends=True)
    finished.run.joinpath("trials.jsonl").write_bytes(b"".join(lines[:3]))
    with pytest.raises(ResultsError, match=rf"trials\.jsonl: was cut, 3 of its {len(lines)} lines are left"):
        read_run(finished.run)
    command_line = Sweeper(tmp_path)
    said = command_line("resume", str(finished.run), code=3)
    assert "--accept-loss" in said
    command_line("resume", str(finished.run), "--accept-loss")
    command_line.end()
    ends = [
        {event["trial"]: {key: event[key] for key in ("state", "params", "metrics")} for event in events if event["event"] == "end"}
        for events in ([json.loads(line) for line in text.splitlines()]
                       for text in (finished.events, (finished.run / "trials.jsonl").read_bytes()))
    ]  # fmt: skip
    assert ends[0] == ends[1]
