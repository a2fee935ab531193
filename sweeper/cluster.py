"""An existing Ray cluster that trials are spread over: joining it, and what its nodes have.

The code goes to the nodes as this driver has it; images, runs and states do not: they are read where they are.
"""

import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeper.ray_environment import WORKERS, prepare
from sweeper.resources import Machine
from trainables.errors import InputError

PACKAGES = ("sweeper", "trainables", "analysis")
KNOCK_SECONDS = 10.0
"""Patience with a port that does not answer."""
CURRENT = Path("/tmp/ray/ray_current_cluster")
"""Where Ray keeps the address that ``auto`` means."""
LOOK_SECONDS = 2.0
"""The cluster is asked so often which nodes it has."""


@dataclass(kw_only=True, slots=True)
class Cluster:
    """A cluster that this process has joined."""

    address: str
    private: bool
    """Whether each node keeps the states for itself, and sees no folder of the run."""
    machines: Sequence[Machine]
    """Its nodes when it was joined, those with any cores."""
    _asked: float = field(default_factory=lambda: time.monotonic())

    @property
    def options(self) -> str:
        """Of the command line that goes on with a run here."""
        return f" --address {self.address}" + (" --private-stores" if self.private else "")

    def workers(self, cpus: int, gpus: float, at_most: int | None) -> int:
        """Trials that fit at a time on the nodes that are there now; one waits where there is none."""
        if time.monotonic() - self._asked > LOOK_SECONDS:
            self.machines, self._asked = machines() or self.machines, time.monotonic()
        fits = sum(machine.fits(cpus, gpus) for machine in self.machines)
        return max(1, fits if at_most is None else min(fits, at_most))

    @property
    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        nodes = [{"name": one.name, "cpus": one.cpus, "gpus": one.gpus} for one in self.machines]
        return {"address": self.address, "private_stores": self.private, "nodes": nodes}


def address_of(given: str | None) -> str | None:
    """The cluster that ``--address``, or else ``RAY_ADDRESS``, names; None where Ray is started here.

    Raises:
        InputError: it is no address of a node.
    """
    address = given or os.environ.get("RAY_ADDRESS") or "local"
    if "://" in address:
        raise InputError(
            f"--address: must be HOST:PORT of a Ray cluster, auto or local, got {address}. "
            "Run the sweeper on a node of the cluster, with --address auto."
        )
    return None if address == "local" else address


@contextmanager
def joined(given: str | None, *, private: bool) -> Iterator[Cluster | None]:
    """Be a driver of a cluster; yields None where Ray is to be started here instead.

    Args:
        given: see ``address_of``.
        private: whether each node keeps states for itself.

    Raises:
        InputError: there is no such cluster, or it can't be joined.
    """
    address = address_of(given)
    if address is None:
        if private:
            raise InputError("--private-stores: needs a cluster, got none. Give --address HOST:PORT too.")
        yield None
        return
    prepare(local=False)
    import ray

    try:
        _reach(address)
        ray.init(
            address=address,
            runtime_env=_runtime_env(),
            log_to_driver=False,
            logging_level="ERROR",
            configure_logging=False,
        )
    except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        ray.shutdown()
        raise InputError(
            f"--address: must be a Ray cluster that can be joined, got {address}: {one_line(error)}. "
            f"Start it with ray {ray.__version__} and the same token (docs/cluster.md)."
        ) from error
    try:
        found = machines()
        if not found:
            raise InputError(
                f"--address: needs a node with cores, {address} has none at this moment. Add one."
            )
        yield Cluster(address=address, private=private, machines=found)
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Knock at the cluster's port, since Ray would try for minutes where no one answers.

    Raises:
        OSError, ValueError: no one does, or it is no port.
    """
    known = address
    if address == "auto":
        if not CURRENT.is_file():  # then Ray knows at once that there is none
            return
        known = CURRENT.read_text(encoding="ascii").strip()
    host, _, port = known.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS):
        pass


def _runtime_env() -> dict[str, Any]:
    """What nodes are given: this driver's code, whatever is installed there, and two variables."""
    root = Path(__file__).parent.parent
    return {
        "py_modules": [str(root / package) for package in PACKAGES],
        "excludes": ["__pycache__"],
        "env_vars": {name: os.environ[name] for name in WORKERS},
    }


def machines() -> list[Machine]:
    """The nodes that are alive and have cores, by name."""
    import ray

    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    hosts = Counter(node["NodeManagerHostname"] for node in alive)
    found = [
        Machine(
            name=host
            if hosts[host := node["NodeManagerHostname"]] == 1
            else f"{host}, node {node['NodeID'][:8]}",
            cpus=int(node["Resources"]["CPU"]),
            gpus=int(node["Resources"].get("GPU", 0)),
            node=node["NodeID"],
        )
        for node in alive
    ]
    return sorted(found, key=lambda machine: machine.name)


def one_line(error: BaseException) -> str:
    """The first line of an error, or its kind."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return text[:200].rstrip(".") or type(error).__name__
