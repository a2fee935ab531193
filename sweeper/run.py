"""Start a sweep, or go on with one: the run folder, its lock, its manifest, and what is printed."""

import json
import logging
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock, Timeout

from analysis.events import EventLog
from analysis.files import write_text
from analysis.records import FORMAT, LEDGER, MANIFEST, SPACE, TRIALS, read_events, write_json
from sweeper.book import Book, now
from sweeper.engine import Work, execute, gpus_here
from sweeper.keep import branch_points
from sweeper.settings import Resources
from sweeper.space import Space, load
from trainables.errors import DamagedFileError, InputError

PACKAGES = ("torch", "torchvision", "ray", "optuna", "numpy", "scikit-learn", "safetensors")


class BusyError(RuntimeError):
    """Another process owns the run folder. Exit code 4."""

    exit_code = 4


class CannotFinishError(RuntimeError):
    """The sweep can't go on, such as on a full disk; what is done is kept. Exit code 1."""

    exit_code = 1


class InterruptedSweepError(RuntimeError):
    """The user stopped it; it can be resumed. Exit code 130."""

    exit_code = 130


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the command line says besides the space."""

    store: Path
    reuse: bool = True
    stream: TextIO | None = None
    """Where the table, or its lines, go; None: standard output."""


def start(space: Space, *, out: Path, options: Options, command: Sequence[str]) -> Path:
    """Run a new sweep to its end; return its folder.

    Raises:
        InputError: the folder exists, or the machine does not have what a trial asks for.
        BusyError, CannotFinishError, InterruptedSweepError: as they say.
    """
    sweep = space.settings.sweep
    if sweep is None:
        raise InputError(
            f"{space.file}: search: is required to run a sweep. Use sweeper train for one configuration."
        )
    workers = fitting_workers(space.settings.resources)
    folder = out / space.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotFinishError(
            f"{folder}: can't be made: {error.strerror}. Give --out another folder."
        ) from error
    with owned(folder):
        if (folder / TRIALS).exists() or (folder / SPACE).exists():
            raise InputError(
                f"{folder}: the run exists already. "
                f"Go on with it: sweeper resume {folder}, or give --name another name."
            )
        _prove(space)  # before anything is written: a missing file or data set costs nothing
        manifest = _manifest(space, command) | _kept_options(options)
        with _disk_errors(folder):
            write_text(folder / SPACE, space.text())
            write_json(folder / MANIFEST, manifest)
        _work(space, folder, options, workers, manifest, events=[])
    return folder


def resume(folder: Path, *, options: Options, command: Sequence[str]) -> Path:
    """Go on with a sweep that was interrupted or killed; one that is done stays as it is."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder. Name one that sweeper run has made.")
    if not (folder / SPACE).exists():
        raise InputError(f"{folder}: has no {SPACE}, so no run was begun in it. Start it with sweeper run.")
    with owned(folder):
        space = load(str(folder / SPACE))
        manifest = _read_manifest(folder, space, command)
        workers = fitting_workers(space.settings.resources)
        events = read_events(folder / TRIALS)[0] if (folder / TRIALS).exists() else []
        _work(space, folder, options, workers, manifest, events=events)
    return folder


def _kept_options(options: Options) -> dict[str, Any]:
    return {"store": str(options.store.resolve()) if options.reuse else None}


def stored_options(folder: Path, *, store: Path | None, stream: TextIO | None) -> Options:
    """The options that a run was begun with, for its resumption; ``store`` overrides."""
    try:
        kept = json.loads((folder / MANIFEST).read_text(encoding="utf-8")).get("store", "store")
    except (OSError, ValueError, AttributeError):
        kept = "store"
    if store is None and kept is None:
        return Options(store=Path("store"), reuse=False, stream=stream)
    return Options(store=store or Path(kept), stream=stream)


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Hold the run folder; the kernel frees it when this process ends, however it ends.

    Raises:
        BusyError: another process holds it.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        owner = folder / ".owner"
        who = owner.read_text(encoding="utf-8").strip() if owner.exists() else "another process"
        raise BusyError(f"{folder}: {who} is running this sweep. Wait for it, or stop it.") from None
    except OSError as error:
        raise CannotFinishError(f"{folder}: can't be written: {error.strerror}.") from error
    try:
        with _disk_errors(folder):
            (folder / ".owner").write_text(f"process {os.getpid()} on {platform.node()}\n", encoding="utf-8")
        yield
    finally:
        lock.release()


def fitting_workers(resources: Resources) -> int:
    """How many trials run at a time on this machine.

    Raises:
        InputError: not even one fits.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpus, per_trial = gpus_here(), gpus_per_trial(resources)
    if resources.cpus_per_trial > cpus:
        raise InputError(
            f"resources.cpus_per_trial: at most the {cpus} cores of this machine, "
            f"got {resources.cpus_per_trial}. Set it to {cpus} or less."
        )
    if per_trial > gpus:
        raise InputError(
            f"resources.gpus_per_trial: at most the {gpus} GPUs of this machine, got {per_trial:g}. "
            "Set it to auto, or to what there is."
        )
    fits = cpus // resources.cpus_per_trial
    if per_trial:
        fits = min(fits, int(gpus * int(1 / per_trial + 1e-9)) if per_trial <= 1 else int(gpus / per_trial))
    if resources.workers is not None and resources.workers > fits:
        raise InputError(
            f"resources.workers: at most {fits} trials fit on this machine, got {resources.workers}. "
            "Set it lower, or leave it out."
        )
    return resources.workers or fits


def gpus_per_trial(resources: Resources) -> float:
    """GPUs of one trial; auto: one where there are any."""
    if resources.gpus_per_trial == "auto":
        return 1.0 if gpus_here() else 0.0
    return resources.gpus_per_trial


def _prove(space: Space) -> None:
    """The images and the teacher are there and fit each other, and settings reach the training.

    Raises:
        InputError: a file or data set is missing or does not fit.
        TrainingFailedError: the canary.
    """
    from sweeper.canary import canary
    from trainables.place import Place
    from trainables.stages.teacher import loaded

    logging.getLogger("trainables").setLevel(
        logging.ERROR
    )  # untrained networks are cut here, which is not news
    check_files(space)
    place = Place.prepare(space.settings.data, store=None, threads=space.settings.resources.cpus_per_trial)
    teacher = space.settings.teacher
    if teacher is not None and teacher.checkpoint is not None:
        loaded(teacher.checkpoint, teacher.model, place.identity)
    canary(space, place)


def check_files(space: Space) -> None:
    """A teacher that is to be loaded is there.

    Raises:
        InputError: it is not.
    """
    teacher = space.settings.teacher
    if teacher is not None and teacher.checkpoint is not None and not Path(teacher.checkpoint).is_file():
        raise InputError(
            f'{space.file}: teacher.checkpoint: no such file, got "{teacher.checkpoint}". '
            "Name the file: --set teacher.checkpoint=PATH."
        )


def _work(
    space: Space,
    folder: Path,
    options: Options,
    workers: int,
    manifest: dict[str, Any],
    *,
    events: Sequence[Mapping[str, Any]],
) -> None:
    from sweeper.mirror import Mirror
    from sweeper.progress import Progress
    from sweeper.tensorboard import TensorBoard

    resources = space.settings.resources
    log = _open_log(folder)
    with ExitStack() as stack:
        stack.callback(log.close)
        board = TensorBoard(folder / "tensorboard", space)
        board.rebuild(events)
        mirror = Mirror(folder / "study.db", space)
        mirror.rebuild(events)
        stack.callback(mirror.close)
        book = Book(space, log, listeners=[board.event, mirror.event], watchers=[board.entry])
        book.replay([dict(event) for event in events])
        if not book.left:
            _close(folder, manifest, "done")
            return
        work = Work(
            folder=folder.resolve(),
            place=_place(space, folder, options),
            cpus=resources.cpus_per_trial,
            gpus=gpus_per_trial(resources),
            workers=workers,
        )
        manifest["workers"] = workers
        _close(folder, manifest, "running")
        progress = Progress(book, name=space.name, workers=workers, stream=options.stream)
        book.listen(progress.event)
        with progress:
            finished = _execute(book, work)
    if book.fatal:
        _close(folder, manifest, "failed")
        raise CannotFinishError(
            f"{folder}: {book.fatal}. What is done is kept: free space, then sweeper resume {folder}."
        )
    if not finished:
        _close(folder, manifest, "interrupted")
        raise InterruptedSweepError(
            f"interrupted: {len(book.ended)} of {book.search.budget} trials are done. "
            f"Go on with: sweeper resume {folder}"
        )
    states = [event["state"] for event in book.ended.values()]
    if "complete" not in states and set(states) == {"failed"}:
        _close(folder, manifest, "failed")
        reason = next(event["reason"] for event in book.ended.values())
        raise CannotFinishError(f"{folder}: every trial failed, the first with: {reason}")
    _close(folder, manifest, "done")


def _execute(book: Book, work: Work) -> bool:
    try:
        return execute(book, work)
    except KeyboardInterrupt:
        return False
    except Exception:
        if book.fatal:
            return False
        raise


def _place(space: Space, folder: Path, options: Options) -> dict[str, Any]:
    return {
        "store": str(options.store.resolve()) if options.reuse else None,
        "ledger": str((folder / LEDGER).resolve()),
        "max_gb": space.settings.store.max_gb,
        "threads": space.settings.resources.cpus_per_trial,
        "gpus": gpus_per_trial(space.settings.resources),
        "keep": branch_points(space),
    }


def _open_log(folder: Path) -> EventLog:
    with _disk_errors(folder):
        return EventLog(folder / TRIALS)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CannotFinishError(
            f"{folder}: can't be written: {error.strerror}. Free space, or give --out."
        ) from error


def _manifest(space: Space, command: Sequence[str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": space.name,
        "status": "running",
        "command": list(command),
        "seed": space.settings.seed,
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in PACKAGES},
        "git": _git(),
        "machine": {
            "host": platform.node(),
            "system": platform.platform(),
            "cpus": os.cpu_count(),
            "gpus": gpus_here(),
        },
        "warnings": list(space.warnings),
        "started": now(),
        "ended": None,
        "sessions": [],
    }


def _read_manifest(folder: Path, space: Space, command: Sequence[str]) -> dict[str, Any]:
    """The manifest as it is; one that is damaged is made anew, since nothing depends on it."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        assert isinstance(manifest, dict)
    except (OSError, ValueError, AssertionError):
        manifest = _manifest(space, command)
    if manifest.get("format") != FORMAT:
        raise DamagedFileError(
            f"{folder / MANIFEST}: format {manifest.get('format')} is not {FORMAT}, "
            "which this version writes."
        )
    return manifest | {
        "sessions": [*manifest.get("sessions", []), {"command": list(command), "started": now()}]
    }


def _close(folder: Path, manifest: dict[str, Any], status: str) -> None:
    manifest |= {"status": status, "ended": None if status == "running" else now()}
    with _disk_errors(folder):
        write_json(folder / MANIFEST, manifest)


def _git() -> str | None:
    """The commit of the working directory, with ``+`` if it has changes; None outside of git."""
    git = shutil.which("git")
    if git is None:
        return None

    def ask(*arguments: str) -> str | None:
        done = subprocess.run([git, *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    return commit and commit + ("+" if ask("status", "--porcelain", "--untracked-files=no") else "")
