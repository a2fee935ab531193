"""Nothing that this program reads from a run folder, a store or a checkpoint can run code."""

import ast
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from analysis.cli import main as analysis
from sweeper.cli import main as sweeper
from trainables.checkpoints import load
from trainables.data.mapped import read_whole
from trainables.errors import DamagedFileError, InputError
from trainables.store import Store
from trainables.teacher_table import Contents

MakeRun = Callable[..., Path]

ROOT = Path(__file__).parents[2]
SOURCES = [file for part in ("sweeper", "trainables", "analysis") for file in (ROOT / part).rglob("*.py")]
UNSAFE = {
    "pickle",
    "cPickle",
    "_pickle",
    "cloudpickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "pandas",
    "runpy",
}
"""Modules that unpickle, or run, what they read."""
CALLED = {"eval", "exec", "compile", "__import__"}
EXTRACTED = {"extractall", "unpack_archive", "read_pickle"}


class Bomb:
    """Its pickle makes a file when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def mark(tmp_path: Path) -> Iterator[Path]:
    """What a bomb leaves; it must never be there."""
    path = tmp_path / "the-bomb-went-off"
    yield path
    assert not path.exists()


def nested(mark: Path) -> Any:
    return {"state_dict": {"conv1.weight": torch.zeros(2), "rest": Bomb(mark)}}


def by_torch(thing: Any) -> Callable[[Path, Path], None]:
    return lambda file, mark: torch.save(thing(mark), file)


def by_old_torch(file: Path, mark: Path) -> None:
    torch.save(nested(mark), file, _use_new_zipfile_serialization=False)


def by_pickle(protocol: int) -> Callable[[Path, Path], None]:
    return lambda file, mark: file.write_bytes(pickle.dumps(Bomb(mark), protocol))


def by_zip(file: Path, mark: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb(mark), 2))
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")


def whole_network(file: Path, mark: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), file)


BOMBS: dict[str, Callable[[Path, Path], None]] = {
    "bare.pth": by_torch(Bomb),
    "nested.pth.tar": by_torch(nested),
    "model.pt": by_torch(lambda mark: {"model": {"w": torch.zeros(1)}, "optimizer": Bomb(mark)}),
    "list.pth": by_torch(lambda mark: [Bomb(mark), torch.zeros(1)]),
    "old.pth": by_old_torch,
    "zip.pt": by_zip,
    "protocol0.pkl": by_pickle(0),
    "protocol2.pkl": by_pickle(2),
    "protocol4.pkl": by_pickle(4),
    "protocol5.safetensors": by_pickle(5),
    "network.pth": whole_network,
}


@pytest.fixture(params=BOMBS)
def bomb(request: pytest.FixtureRequest, tmp_path: Path, mark: Path) -> Path:
    file = tmp_path / str(request.param)
    BOMBS[request.param](file, mark)
    return file


def test_the_bombs_are_live(tmp_path: Path) -> None:
    made = tmp_path / "made"
    pickle.loads(pickle.dumps(Bomb(made)))
    assert made.is_dir()
    made.rmdir()
    torch.save(nested(made), tmp_path / "file")
    torch.load(tmp_path / "file", weights_only=False)
    assert made.is_dir()


def test_a_checkpoint_with_code_in_it_is_refused_in_one_line(bomb: Path) -> None:
    with pytest.raises(InputError, match=rf"^{bomb}: checkpoint: ") as error:
        load(bomb)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["teacher.checkpoint", "finetune.init", "sparsity.init"])
@pytest.mark.parametrize("name", ["nested.pth.tar", "protocol4.pkl", "zip.pt"])
def test_as_a_teacher_or_a_beginning_it_ends_a_command_with_2(
    key: str, name: str, tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    BOMBS[name](file, mark)
    section, _, setting = key.partition(".")
    given, length = f"{setting}: {file}", "epochs: 2, warmup: 1, decay_every: 1"
    if section == "teacher":
        lines = (
            f"teacher: {{{given}}}\nfinetune: {{kd: dist, {length}}}\nsearch: {{finetune.lr: [0.1, 0.2]}}\n"
        )
    else:
        lines = f"{section}: {{{given}, trained_on: train, {length}}}\nsearch: {{{section}.lr: [0.1, 0.2]}}\n"
    space = tmp_path / "space.yaml"
    space.write_text(f"data: {{source: digits}}\nmodel: preresnet8\n{lines}sweep: {{trials: 2}}\n")
    assert sweeper(["plan", str(space), "--store", str(tmp_path / "store")]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1, err
    assert str(file) in err[0]


def test_what_a_store_holds_is_never_unpickled(tmp_path: Path, mark: Path) -> None:
    store, address = Store(tmp_path / "store", max_bytes=10**9), "ab" * 20
    for name in BOMBS:
        for path in (store.path(address), tmp_path / "store" / "data" / f"{address}.images"):
            path.parent.mkdir(parents=True, exist_ok=True)
            BOMBS[name](path, mark)
        assert store.get(address) is None
        assert read_whole(tmp_path / "store" / "data" / f"{address}.images") is None
        contents = Contents(about={"name": name}, images=2, views=2, classes=2)
        table = tmp_path / "store" / "tables" / f"{contents.address}.table"
        table.parent.mkdir(exist_ok=True)
        BOMBS[name](table, mark)
        assert not isinstance(store.table(contents), str)


def test_a_stores_command_reads_none(tmp_path: Path, mark: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "store"
    Store(store, max_bytes=10**9)
    for place in (
        "ab/" + "ab" * 20 + ".state",
        "data/" + "cd" * 32 + ".images",
        "tables/" + "ef" * 32 + ".table",
    ):
        (store / place).parent.mkdir(parents=True, exist_ok=True)
        by_pickle(4)(store / place, mark)
    assert sweeper(["store", "--store", str(store), "--verify"]) == 3
    assert not list(store.rglob("*.state"))
    capsys.readouterr()


PLACES = [
    *[
        "ray/tuner.pkl",
        "ray/searcher-state-x.pkl",
        "ray/experiment_state-x.json",
        "report/best.pkl",
        "best.pth",
    ],
    *[
        "tensorboard/trial_0000/events.pkl",
        "study.db",
        "confirm.jsonl",
        "ledger/a-1-b.jsonl",
        "manifest.json",
    ],
    *["trials.jsonl", "space.yaml"],
]


@pytest.mark.parametrize("place", PLACES)
def test_what_a_run_folder_holds_is_never_unpickled(
    place: str, make_run: MakeRun, mark: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    (run / place).parent.mkdir(parents=True, exist_ok=True)
    by_pickle(0)(run / place, mark)
    assert analysis(["report", str(run)]) in (0, 2, 3)
    assert sweeper(["status", str(run)]) in (0, 2, 3)
    said = capsys.readouterr().err
    assert "Traceback" not in said
    if place in ("trials.jsonl", "space.yaml"):
        assert len(said.splitlines()) == 2
        assert all(place in line for line in said.splitlines())


def test_the_code_imports_nothing_that_unpickles_and_calls_nothing_that_runs_text() -> None:
    found = []
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [
                    alias.name.partition(".")[0]
                    for alias in node.names
                    if alias.name.partition(".")[0] in UNSAFE
                ]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module] if (node.module or "").partition(".")[0] in UNSAFE else []
            elif isinstance(node, ast.Call):
                function = node.func
                name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                owner = getattr(getattr(function, "value", None), "id", "")
                if (isinstance(function, ast.Name) and name in CALLED) or name in EXTRACTED:
                    names = [name]
                wanted = {
                    ("torch", "load"): "weights_only",
                    ("np", "load"): "allow_pickle",
                    ("yaml", "load"): "Loader",
                }
                if keyword := wanted.get((owner, name)):
                    given = {one.arg: ast.unparse(one.value) for one in node.keywords}
                    safe = {"weights_only": "True", "allow_pickle": "False", "Loader": "_Loader"}[keyword]
                    names = [] if given.get(keyword) == safe else [f"{owner}.{name} without {keyword}={safe}"]
            found += [f"{file.relative_to(ROOT)}:{node.lineno}: {name}" for name in names]
    assert found == []


def test_damage_has_an_error_of_its_own() -> None:
    assert DamagedFileError.exit_code == 3
