"""Sweeps on a real Ray cluster of two nodes, of which the second has a folder of its own under a path of the first."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Sweeper

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
]
FOUR = tuple(
    f"--set={one}"
    for one in (
        *("sweep.asha=null", "sweep.sampler=grid", "sweep.startup_trials=null", "sweep.trials=null"),
        *(
            "search.sparsity.s=[1e-3]",
            "search.prune.percent=[0.2, 0.4, 0.6, 0.8]",
            "search.finetune.kd=[none]",
        ),
        *("search.finetune.epochs=[30]", "search.finetune.warmup=[1]"),
    )
)
"""Four trials of some seconds each, which share their first epochs only."""
DECOY = "raise ImportError('the code that is installed on the node')"
KEPT = ("state", "reason", "metrics")


def children(root: int) -> list[int]:
    """A process and all that it has begun."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found = [root]
    for one in found:
        found += [number for number, parent in parents.items() if parent == one]
    return found


class Cluster:
    """Two nodes with a core each, on this machine; ``private`` is another folder on the second."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.private = folder, folder / "private"
        self.private.mkdir()
        self.token = secrets.token_hex(32)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        decoy = folder / "installed" / "trainables"
        decoy.mkdir(parents=True)
        (decoy / "__init__.py").write_text(DECOY)
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        self.env |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, "PYTHONPATH": str(decoy.parent)}
        self.head = self._start(
            "--head", f"--port={self.address.partition(':')[2]}", f"--temp-dir={folder}/r"
        )
        self.second: subprocess.Popen[str] | None = None

    def whole(self) -> "Cluster":
        """With its second node, also where a test has killed that."""
        if self.second is None or self.second.poll() is not None:
            mount = f"mount -t tmpfs tmpfs {self.private} || exit 99; exec"
            wrapped = ("unshare", "--mount", "sh", "-c", f'{mount} "$@"', "sh")
            self.second = self._start(f"--address={self.address}", before=wrapped)
        return self

    def _start(self, *arguments: str, before: tuple[str, ...] = ()) -> "subprocess.Popen[str]":
        ray = shutil.which("ray")
        assert ray is not None
        common = ("--block", "--node-ip-address=127.0.0.1", "--num-cpus=1", "--num-gpus=0")
        common += ("--object-store-memory=100000000", "--disable-usage-stats")
        log = self.folder / f"{secrets.token_hex(4)}.log"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [*before, ray, "start", *common, *arguments],
                cwd=self.folder / "installed",
                env=self.env,
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while "Ray runtime started" not in log.read_text():
            if process.poll() == 99:
                pytest.skip("mounting is not permitted here")
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        return process

    @staticmethod
    def kill(process: "subprocess.Popen[str]") -> None:
        """As if its plug was pulled."""
        for number in reversed(children(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in (self.second, self.head):
            if process is not None and process.poll() is None:
                self.kill(process)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    # a short name: Ray's sockets bear it, of 107 letters at most
    with tempfile.TemporaryDirectory(prefix="c", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.end()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the sweep finds without a cluster."""
    sweeper = Sweeper(tmp_path_factory.mktemp("local"))
    sweeper("run", "small.yaml", *FOUR)
    return told(sweeper, "small")


@pytest.fixture
def cluster(nodes: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setenv("RAY_AUTH_TOKEN", nodes.token)
    return nodes.whole()


def told(sweeper: Any, name: str) -> dict[str, Any]:
    """Point -> what must not depend on where it was trained."""
    return {
        json.dumps(end["params"], sort_keys=True): {key: end[key] for key in KEPT}
        | {"curve": [(e["stage"], e["epoch"], e["accuracy"], e["address"]) for e in end["curve"]]}
        for end in sweeper.ends(name).values()
    }


def executed(folder: Path) -> Counter[str]:
    """Address -> how often its epoch was trained, by the ledger of a run."""
    lines = [
        json.loads(line)
        for file in (folder / "ledger").glob("*.jsonl")
        for line in file.read_text().splitlines()
    ]
    return Counter(line["address"] for line in lines if "address" in line)


def processes(folder: Path) -> set[int]:
    """Those that have written a ledger's file."""
    return {int(file.name.rsplit("-", 2)[1]) for file in (folder / "ledger").glob("*.jsonl")}


def at_work(sweeper: Any, process: Any, node: Any) -> set[int]:
    """Processes of a node that were seen while a sweep ran."""
    seen: set[int] = set()
    while process.poll() is None:
        seen.update(children(node.pid))
        time.sleep(0.1)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    return seen


@pytest.mark.chaos
def test_a_sweep_uses_both_nodes_and_equals_the_local_one(
    sweeper: Any, cluster: Cluster, local: dict[str, Any]
) -> None:
    process = sweeper.start("run", "small.yaml", *FOUR, "--address", cluster.address)
    assert cluster.second is not None
    seen = at_work(sweeper, process, cluster.second)
    run = sweeper.folder / "runs" / "small"
    writers = processes(run)
    assert len(writers & seen) >= 1
    assert len(writers - seen) >= 1
    assert told(sweeper, "small") == local
    assert set(executed(run).values()) == {1}
    facts = json.loads((run / "manifest.json").read_text())
    assert facts["workers"] == 2
    assert facts["cluster"]["address"] == cluster.address
    assert [(node["cpus"], node["gpus"]) for node in facts["cluster"]["nodes"]] == [(1, 0), (1, 0)]
    assert not list(run.glob(".cluster-check*"))
    assert not list((sweeper.folder / "store").glob(".cluster-check*"))


@pytest.mark.chaos
def test_folders_that_a_node_does_not_see_are_refused_in_one_line(sweeper: Any, cluster: Cluster) -> None:
    for option, name in (("--out", "runs"), ("--store", "store")):
        where = (option, str(cluster.private / name), "--address", cluster.address)
        said = sweeper("run", "small.yaml", *where, code=2).splitlines()
        (line,) = [one for one in said if not one.startswith("warning: ")]
        folder = cluster.private / name / ("small" if name == "runs" else "")
        assert line.startswith(
            f"{folder}: must be on storage that every node shares, {socket.gethostname()}, node "
        )
        assert line.endswith("Put --out and --store there, or give --private-stores.")
        assert not folder.exists()


@pytest.mark.chaos
def test_nodes_that_share_nothing_each_keep_states_and_the_results_are_right(
    sweeper: Any, cluster: Cluster, local: dict[str, Any]
) -> None:
    private = ("--out", str(cluster.private / "runs"), "--store", str(cluster.private / "store"))
    process = sweeper.start(
        "run", "small.yaml", *FOUR, *private, "--address", cluster.address, "--private-stores"
    )
    assert cluster.second is not None
    at_work(sweeper, process, cluster.second)
    (sweeper.folder / "runs").mkdir()
    (sweeper.folder / "runs" / "private").symlink_to(cluster.private / "runs" / "small")
    assert told(sweeper, "private") == local
    counts = executed(cluster.private / "runs" / "small")
    assert counts.keys() == {
        address for end in local.values() for *_, address in end["curve"][:2] + end["curve"][3:]
    }
    assert 1 < max(counts.values()) <= 2
    inside = Path(f"/proc/{children(cluster.second.pid)[-1]}/root{cluster.private}")
    assert list((inside / "store").glob("??/*.state"))
    assert not (inside / "runs").exists()


@pytest.mark.chaos
def test_a_node_that_dies_costs_at_most_an_epoch_a_trial_and_changes_nothing(
    sweeper: Any, cluster: Cluster, local: dict[str, Any]
) -> None:
    process = sweeper.start("run", "small.yaml", *FOUR, "--address", cluster.address)
    assert cluster.second is not None
    run = sweeper.folder / "runs" / "small"
    mine = sweeper.wait_for(lambda: processes(run) & set(children(cluster.second.pid)), process)
    sweeper.wait_for(lambda: sum(executed(run).values()) > 12, process)
    cluster.kill(cluster.second)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert told(sweeper, "small") == local
    assert sum(executed(run).values()) - len(executed(run)) <= len(mine)


def test_where_there_is_no_cluster_is_said_in_one_line(sweeper: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    (line,) = sweeper("run", "small.yaml", "--address", nowhere, code=2).splitlines()
    assert time.monotonic() - began < 60
    assert line.startswith(
        f"--address: must be a Ray cluster that can be joined, got {nowhere}: Connection refused."
    )
    assert not (sweeper.folder / "runs").exists()


@pytest.mark.chaos
def test_a_driver_with_another_token_is_not_let_in(
    sweeper: Any, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    *_, line = sweeper("run", "small.yaml", "--address", cluster.address, code=2).splitlines()
    assert line.startswith(f"--address: must be a Ray cluster that can be joined, got {cluster.address}: ")
    assert not (sweeper.folder / "runs").exists()
