r"""Address -> trained state: one file each, verified by its own SHA-256, written aside and renamed.

A file is one line of JSON, a checksum, and safetensors:

    {"sha256": "<of the rest>", ...}\n  header JSON \\n  safetensors bytes

Every state can be made again from its recipe, so deleting any file is always safe, and nothing is fsynced:
a file that was torn by a crash fails its checksum and counts as absent. No pickle is written or read.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
from torch import Tensor

from trainables.aside import said_of, write_aside
from trainables.locks import held
from trainables.table_room import refusal
from trainables.teacher_table import Contents, Table
from trainables.upkeep import TABLES, trim

log = logging.getLogger(__name__)

MAGIC = "sweeper-state-1"
TRIMS = 50
"""A process looks at the size of the store each time that it has written this part of the limit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What is kept of a network at one address."""

    header: dict[str, Any]
    """Architecture, metrics of all epochs so far, and the recipe, as plain data."""
    tensors: dict[str, Tensor]
    """``network.NAME`` for parameters and buffers, ``momentum.NAME`` for the optimizer's."""


class States(Protocol):
    """What the pipeline asks of a store."""

    def get(self, address: str) -> State | None:
        """The state of an address; None where it is not stored, or not as it was written."""

    def put(self, address: str, state: State) -> None:
        """Keep a state."""

    def discard(self, address: str) -> None:
        """Forget a state; absent is fine."""

    def lock(self, address: str) -> AbstractContextManager[bool]:
        """A context: try to be the one who computes an address; it says whether the lock was free."""

    def table(self, contents: Contents) -> Table | str:
        """A teacher's table; where there is none, why."""


def furthest(states: States, addresses: Sequence[str]) -> tuple[int, State] | None:
    """The last of ``addresses`` whose state is stored and whole, with its position; None if none is."""
    for position in range(len(addresses) - 1, -1, -1):
        state = states.get(addresses[position])
        if state is not None:
            return position, state
    return None


def state_file(folder: Path, address: str) -> Path:
    """Where a store in ``folder`` keeps the state of an address."""
    return folder / address[:2] / f"{address}.state"


class Store:
    """A folder of states, shared by every process that is given it."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        """Open or make the folder.

        Args:
            folder: where the states are.
            max_bytes: size above which the least recently used states go.
        """
        self.folder = folder
        self.max_bytes = max_bytes
        self._unseen = 0  # bytes that may be written before the next look at the size: the first put looks
        (folder / "locks").mkdir(parents=True, exist_ok=True)

    def path(self, address: str) -> Path:
        """The file of an address."""
        return state_file(self.folder, address)

    def get(self, address: str) -> State | None:
        """The state of an address; a damaged file is said once, removed, and counts as absent."""
        path = self.path(address)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            state = decode(content)
        except ValueError as error:
            log.warning("%s: %s; it is made again", path, error)
            self.discard(address)
            return None
        with suppress(OSError):  # gone meanwhile, or a disk that is read-only
            os.utime(path)  # the time of use, by which states are evicted
        return state

    def put(self, address: str, state: State) -> None:
        """Keep a state: readers see all of it or nothing.

        Raises:
            OSError: no space, or the folder can't be written; nothing is left behind then. It names the
                store, by which people know it.
        """
        path = self.path(address)
        content = encode(state)
        with said_of(self.folder):
            write_aside(path, lambda file: file.write_bytes(content))
        self._wrote(len(content), keep=path)

    def discard(self, address: str) -> None:
        """Forget a state."""
        self.path(address).unlink(missing_ok=True)

    def lock(self, address: str) -> AbstractContextManager[bool]:
        """A context: whether this process now holds the lock of ``address``; never waits."""
        return held(self.folder / "locks", int(address[:8], 16))

    def table(self, contents: Contents) -> Table | str:
        """A teacher's table, made if need be; where there is no room for it, why."""
        folder = self.folder / TABLES
        return refusal(contents, folder, max_bytes=self.max_bytes) or Table(
            folder, contents, wrote=self._wrote
        )

    def _wrote(self, count: int, keep: Path | None = None) -> None:
        """Look at the limit, once enough was written."""
        self._unseen -= count
        if self._unseen < 0:
            self._unseen = self.max_bytes // TRIMS
            trim(self.folder, self.max_bytes, keep=keep)


class NoStore:
    """A store that keeps nothing: every trial trains alone, from the start."""

    def get(self, address: str) -> State | None:
        """Nothing is stored."""
        return None

    def put(self, address: str, state: State) -> None:
        """Nothing is kept."""

    def discard(self, address: str) -> None:
        """There is nothing to forget."""

    @contextmanager
    def lock(self, address: str) -> Iterator[bool]:
        """No one else can want it."""
        yield True

    def table(self, contents: Contents) -> str:
        """Nothing is kept."""
        return "no store is used"


def encode(state: State) -> bytes:
    """A state as the bytes of its file."""
    tensors = {name: tensor.contiguous() for name, tensor in state.tensors.items()}
    body = json.dumps(state.header, allow_nan=False).encode() + b"\n" + safetensors.torch.save(tensors)
    return _seal(body) + b"\n" + body


def decode(content: bytes) -> State:
    """The state in a file's bytes.

    Raises:
        ValueError: the file is not, to the byte, what was written.
    """
    first, _, body = content.partition(b"\n")
    if _json(first).get("format") != MAGIC:
        raise ValueError("no stored state of this version")
    if first != _seal(body):
        raise ValueError(f"damaged: {len(body)} bytes do not have the checksum that was written with them")
    header, _, tensors = body.partition(b"\n")
    return State(header=_json(header), tensors=safetensors.torch.load(tensors))


def _seal(body: bytes) -> bytes:
    """The first line of a file."""
    seal = {"format": MAGIC, "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
    return json.dumps(seal).encode()


def _json(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError("damaged: its first line is no JSON") from error
    if not isinstance(value, Mapping):
        raise ValueError("damaged: its first line is no JSON object")
    return dict(value)
