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
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import safetensors.torch
from torch import Tensor

from trainables.locks import held
from trainables.table_room import evict, refusal, tables
from trainables.teacher_table import Contents, Table

log = logging.getLogger(__name__)

MAGIC = "sweeper-state-1"
TABLES = "tables"
"""Folder of the teachers' tables in a store."""
LEFT_OVER_SECONDS = 3600.0
"""Age at which a half-written file belongs to no one any more: its process was killed."""


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
        self._written_since_trim = 0
        (folder / "locks").mkdir(parents=True, exist_ok=True)

    def path(self, address: str) -> Path:
        """The file of an address."""
        return self.folder / address[:2] / f"{address}.state"

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
        with suppress(FileNotFoundError):
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
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, content)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.folder)) from error
        self._wrote(len(content), keep=address)

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

    def trim(self, keep: str | None = None) -> int:
        """Delete the least recently used states and tables until the rest fits; return the bytes that went.

        What another process is just writing is neither counted nor touched; a table in use is counted and stays.
        """
        for written, _, path in self._files("??/*.tmp"):
            if time.time() - written > LEFT_OVER_SECONDS:
                path.unlink(missing_ok=True)
        files = sorted([*self._files("??/*.state"), *tables(self.folder / TABLES)], key=lambda one: one[0])
        excess = sum(size for _, size, _ in files) - self.max_bytes
        gone = 0
        for _, size, path in files:
            if gone >= excess:
                break
            if path.suffix == ".table":
                gone += size if evict(path) else 0
            elif keep is None or path != self.path(keep):
                path.unlink(missing_ok=True)
                gone += size
        return gone

    def _wrote(self, count: int, keep: str | None = None) -> None:
        """Look at the limit, once enough was written."""
        self._written_since_trim += count
        if self._written_since_trim > self.max_bytes / 50:
            self._written_since_trim = 0
            self.trim(keep=keep)

    def _files(self, pattern: str) -> Iterator[tuple[float, int, Path]]:
        """(time of use, bytes, path) of files."""
        for path in self.folder.glob(pattern):
            with suppress(FileNotFoundError):
                stat = path.stat()
                yield stat.st_mtime, stat.st_size, path


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


def _write(path: Path, content: bytes) -> None:
    """Aside, then renamed."""
    handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


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
