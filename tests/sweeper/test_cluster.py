"""What of a cluster needs no Ray; two real nodes are in tests/end_to_end/test_cluster.py."""

import time

import pytest

from sweeper import cluster as module
from sweeper.cluster import Cluster, address_of, joined, one_line
from sweeper.resources import Machine
from trainables.errors import InputError


def machine(name: str, cpus: int = 4, gpus: int = 0) -> Machine:
    return Machine(name=name, cpus=cpus, gpus=gpus, node=name)


@pytest.mark.parametrize(
    ("given", "environment", "address"),
    [
        (None, None, None),
        (None, "", None),
        (None, "local", None),
        (None, "10.0.0.1:6379", "10.0.0.1:6379"),
        ("local", "10.0.0.1:6379", None),
        ("auto", "10.0.0.1:6379", "auto"),
    ],
)
def test_the_command_line_counts_before_the_environment(
    given: str | None, environment: str | None, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if environment is not None:
        monkeypatch.setenv("RAY_ADDRESS", environment)
    assert address_of(given) == address


def test_a_remote_client_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"--address: must be HOST:PORT .*, got ray://head:10001\. Run the sweeper"
    ):
        address_of("ray://head:10001")


def test_private_stores_need_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with joined(None, private=False) as found:
        assert found is None
    with (
        pytest.raises(InputError, match=r"--private-stores: needs a cluster, got none\."),
        joined(None, private=True),
    ):
        pass


def test_trials_follow_the_nodes_that_come_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    there = [machine("a"), machine("b")]
    monkeypatch.setattr(module, "machines", lambda: list(there))
    cluster = Cluster(address="a:1", private=False, machines=list(there))
    assert cluster.workers(2, 0, None) == 4
    there.pop()
    assert cluster.workers(2, 0, None) == 4, "asked a moment ago"
    now[0] += 3
    assert cluster.workers(2, 0, None) == 2
    there.clear()
    now[0] += 3
    assert cluster.workers(2, 0, None) == 2, "a driver that was cut off keeps what it knew"
    there += [machine("a", 64), machine("b", 64)]
    now[0] += 3
    assert cluster.workers(1, 0, 100) == 100
    assert cluster.workers(1, 1.0, None) == 1, "one waits for a GPU to come"


def test_a_cluster_is_told_in_commands_and_the_manifest() -> None:
    cluster = Cluster(address="head:6379", private=True, machines=[machine("a", 8, 2)])
    assert cluster.options == " --address head:6379 --private-stores"
    nodes = [{"name": "a", "cpus": 8, "gpus": 2}]
    assert cluster.facts == {"address": "head:6379", "private_stores": True, "nodes": nodes}


def test_of_an_error_of_many_lines_the_first_is_said() -> None:
    assert one_line(RuntimeError("\n\n Version mismatch. \nmore")) == "Version mismatch"
    assert one_line(RuntimeError()) == "RuntimeError"
    assert one_line(ConnectionRefusedError(111, "Connection refused")) == "Connection refused"
