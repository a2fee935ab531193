"""What harms files, for tests of any part."""

import builtins
import errno
import io
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Damages = Callable[..., Iterator[tuple[str, bytes | None]]]


@pytest.fixture(scope="session")
def damages() -> Damages:
    """Content of a file -> (what was done to it, what is left; None: deleted), of a seeded generator."""

    def of(
        content: bytes, *, cuts: int = 25, flips: int = 25, seed: int = 0
    ) -> Iterator[tuple[str, bytes | None]]:
        rng = random.Random(seed)
        yield "deleted", None
        yield "empty", b""
        for at in sorted(rng.sample(range(1, len(content)), min(cuts, len(content) - 1))):
            yield f"cut at {at}", content[:at]
        for at in sorted(rng.sample(range(len(content)), min(flips, len(content)))):
            flipped = bytearray(content)
            flipped[at] ^= 1 << rng.randrange(8)
            yield f"flipped at {at}", bytes(flipped)

    return of


class _Faults:
    """Counts what a program asks of a disk below a folder, and fails one of the requests."""

    def __init__(self, folder: Path, at: int, code: int) -> None:
        self.folder, self.at, self.code = str(folder), at, code
        self.count = 0
        self.failed = ""

    def ask(self, what: str, path: object = None) -> bool:
        """Whether this request is the one that fails; ``path`` is a name or an open file's number."""
        if isinstance(path, int):
            path = Path(f"/proc/self/fd/{path}").readlink()
        if self.failed or not str(path).startswith(self.folder):
            return False
        self.count += 1
        if self.count == self.at:
            self.failed = what
        return bool(self.failed)

    @property
    def error(self) -> OSError:
        return OSError(self.code, os.strerror(self.code))


@contextmanager
def _failing(folder: Path, at: int, code: int = errno.ENOSPC) -> Iterator[_Faults]:
    faults = _Faults(folder, at, code)

    class Raw(io.FileIO):
        """A file whose writes are counted; the one that fails has written half of it."""

        def write(self, content: Any) -> int:
            view = memoryview(content).cast("B")
            if faults.ask("write", self.fileno()):
                super().write(view[: len(view) // 2])
                raise faults.error
            return super().write(view)

        def truncate(self, size: int | None = None) -> int:
            if faults.ask("truncate", self.fileno()):
                raise faults.error
            return super().truncate(size)

    real = {name: getattr(os, name) for name in ("fsync", "replace", "rename", "pwrite", "ftruncate")}
    opened = io.open

    def open_(file: Any, mode: str = "r", buffering: int = -1, *more: Any, **named: Any) -> Any:
        ours = isinstance(file, int) or str(file).startswith(faults.folder)
        if not ours or not set(mode) & set("wax+"):
            return opened(file, mode, buffering, *more, **named)
        raw = Raw(file, mode.replace("b", "").replace("t", ""), named.get("closefd", True))
        if buffering == 0:
            return raw
        stream = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return stream if "b" in mode else io.TextIOWrapper(stream, more[0] if more else named.get("encoding"))

    def of(name: str) -> Callable[..., Any]:
        def call(first: Any, *more: Any, **named: Any) -> Any:
            if faults.ask(name, first):
                raise faults.error
            return real[name](first, *more, **named)

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", open_)
        patch.setattr(builtins, "open", open_)
        for name in real:
            patch.setattr(os, name, of(name))
        yield faults


Fresh, Act, Check = Callable[[int], Path], Callable[[Path], object], Callable[[Path, str], None]


@pytest.fixture
def every_fault() -> Callable[[Fresh, Act, Check], int]:
    """Repeats an operation, with each of its writes, fsyncs and renames failing in turn, until none fails.

    Takes (number -> a fresh folder, what is done there, what must hold of the folder and of what failed, which is ""
    at last); returns how many requests there were.
    """

    def run(fresh: Fresh, act: Act, check: Check) -> int:
        at = 0
        while True:
            at += 1
            folder = fresh(at)
            with _failing(folder, at, errno.EIO if at % 2 else errno.ENOSPC) as faults:
                try:
                    act(folder)
                except Exception as error:
                    if not faults.failed or not isinstance(error.__cause__ or error, OSError):
                        raise
            check(folder, faults.failed)
            if not faults.failed:
                return at - 1

    return run
