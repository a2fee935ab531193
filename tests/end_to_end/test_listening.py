"""What listens while a local sweep runs, socket by socket, and whether it answers without the token; then bombs."""

import os
import pickle
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc"),
]
LISTENING = "0A"
SOME = (
    "--set",
    "search.finetune.epochs=[25, 30]",
    "--set",
    "search.finetune.kd=[none]",
    "--set",
    "sweep.asha=null",
)
GCS = """
import sys
from ray._raylet import GcsClient
try:
    print("read", GcsClient(address=sys.argv[1]).internal_kv_keys(b"", namespace=None, timeout=10))
except Exception as error:
    print("refused", type(error).__name__, error)
"""


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


def address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` as the kernel writes it -> ("127.0.0.1", 8080)."""
    host, _, port = text.partition(":")
    words = [struct.pack("=I", int(host[at : at + 8], 16)) for at in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)


def listening(root: int) -> dict[tuple[str, int], str]:
    """(host, port) on which a process of the tree listens -> its command."""
    sockets: dict[str, tuple[str, int]] = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{root}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENING:
                sockets[f"socket:[{fields[9]}]"] = address(fields[1])
    found = {}
    for number in children(root):
        try:
            command = Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
            links = [str(link.readlink()) for link in Path(f"/proc/{number}/fd").iterdir()]
        except OSError:
            continue
        found.update({sockets[link]: command for link in links if link in sockets})
    return found


class Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.chaos
def test_a_local_sweep_listens_on_loopback_asks_for_the_token_and_resume_reads_none_of_rays_files(
    sweeper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = sweeper.folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    before = os.umask(0o022)
    process = sweeper.start("run", "small.yaml", *SOME, "--trials", "2")
    os.umask(before)
    ledger = sweeper.folder / "runs" / "small" / "ledger"
    sweeper.wait_for(lambda: list(ledger.glob("*.jsonl")), process)  # a worker is at work
    ports = listening(process.pid)
    kinds = ("gcs_server", "raylet", "dashboard", "ray::", "sweeper run")
    assert {kind for kind in kinds if any(kind in command for command in ports.values())} == set(kinds)
    assert {host for host, _ in ports} <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}, ports
    token = home / ".ray" / "auth_token"
    assert oct(token.stat().st_mode)[-3:] == "600"
    (gcs,) = {port for (_, port), command in ports.items() if "gcs_server" in command.split(" ")[0]}
    answers = {}
    for name, how in {"ours": {"RAY_AUTH_MODE": "token"}, "none": {"RAY_AUTH_MODE": "disabled"}}.items():
        asked = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", GCS, f"127.0.0.1:{gcs}"],
            env=dict(os.environ) | how,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        answers[name] = asked.stdout
    assert answers["ours"].startswith("read"), answers
    assert answers["none"].startswith("refused AuthenticationError"), answers
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err

    run, mark = sweeper.folder / "runs" / "small", sweeper.folder / "the-bomb-went-off"
    pickles = [file for file in (run / "ray").rglob("*") if file.suffix == ".pkl"]
    assert pickles
    for file in (*pickles, run / "ray" / "searcher-state-z.pkl", run / "ray" / "search_gen_state-z.json"):
        file.write_bytes(pickle.dumps(Bomb(mark)))
    sweeper("resume", "runs/small", "--trials", "3")
    assert sorted(sweeper.ends()) == [0, 1, 2]
    assert not mark.exists()
