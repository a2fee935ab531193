"""Start a sweep, or go on with one, and drive it to its end."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.events import EventLog
from analysis.files import write_text
from analysis.records import CONFIRM, CONFIRM_LEDGER, LEDGER, SPACE, TRIALS, WARNINGS, read_events, read_run
from analysis.text import counted
from sweeper.ahead import Ahead
from sweeper.book import EXHAUSTED, Book
from sweeper.budget import Meter, seconds_of
from sweeper.confirm import planned
from sweeper.confirm_book import ConfirmBook
from sweeper.engine import Work, execute
from sweeper.errors import CannotFinishError, InterruptedSweepError
from sweeper.folder import make, owned, refuse_begun, refuse_unbegun, written
from sweeper.interrupts import Interrupts
from sweeper.keep import branch_points
from sweeper.leftovers import end_leftovers, marked
from sweeper.manifest import Manifest
from sweeper.more import check_enough, raised, write_raised
from sweeper.nodes import Checked, checked
from sweeper.options import Options
from sweeper.recovery import accept_loss, whole_events, whole_space
from sweeper.resources import fitting_workers, gpus_per_trial
from sweeper.space import Space
from sweeper.trials import Trials
from sweeper.try_out import Tried, try_out
from trainables.errors import DISK_FULL, InputError
from trainables.warnings_file import Heard


@dataclass(frozen=True, slots=True)
class _Session:
    """One stretch of work at a run, from its start or a resumption to its end."""

    space: Space
    folder: Path
    options: Options
    manifest: Manifest
    workers: int
    nodes: Checked | None = None
    """What the nodes of a cluster said."""

    def ahead(self, tried: Tried) -> Ahead:
        """What is known before the trials begin."""
        return tried.ahead if self.nodes is None else self.nodes.known(tried.ahead)


def start(space: Space, *, out: Path, options: Options, command: Sequence[str]) -> Path:
    """Run a new sweep to its end; return its folder. A sweep that is refused leaves no trace.

    Raises:
        InputError: the folder exists, the machine does not have what a trial asks for, or a file or data set
            is missing or does not fit.
        TrainingFailedError: a setting does nothing.
        BusyError, CannotFinishError, InterruptedSweepError: as they say.
    """
    if space.settings.sweep is None:
        raise InputError(
            f"{space.file}: search: is required to run a sweep. Use sweeper train for one configuration."
        )
    if space.settings.sweep.cost_aware and options.store is None:
        raise InputError(
            f"{space.file}: sweep.cost_aware: needs a store, got --no-reuse. Leave one of them out."
        )
    folder = out / space.name
    workers = fitting_workers(space.settings.resources, options.machines)
    refuse_begun(folder)
    with owned(folder, new=True):
        _warn(space, options)
        tried = _tried(space, options, prove=True, out=out)
        _make_store(options)
        nodes = checked(space, folder, options)
        with written(folder):
            write_text(folder / SPACE, space.text())
        manifest = Manifest.new(folder, space, command=command, store=options.store)
        manifest.facts["warnings"] += [*tried.warnings, *(nodes.warnings if nodes else ())]
        manifest.write("running")  # before there are trials, so that whoever looks finds both
        _work(_Session(space, folder, options, manifest, workers, nodes), events=None, tried=tried)
    return folder


def resume(
    folder: Path, *, options: Options, command: Sequence[str], budget: Mapping[str, float] | None = None
) -> Path:
    """Go on with a sweep that was interrupted or killed, or has got more budget; one that is done stays as it is.

    Args:
        folder: the run's.
        options: as for ``start``.
        command: the command line, for the manifest.
        budget: key of ``sweep`` -> its new value, which is written into the run's space.

    Raises:
        InputError: no run was begun there, what it needs is no longer there, or more was spent before.
        DamagedFileError, ResultsError: a file of the run is damaged.
        BusyError, CannotFinishError, InterruptedSweepError: as they say.
    """
    refuse_unbegun(folder)
    with owned(folder):
        end_leftovers(folder)
        if options.accept_loss:
            accept_loss(folder, options.warn)
        whole_space(folder, options.warn)
        space = raised(folder, budget or {})
        manifest = Manifest.resumed(folder, space, command=command, store=options.store)
        if manifest.trouble:
            options.warn(manifest.trouble)
        workers = fitting_workers(space.settings.resources, options.machines)
        events = read_events(folder / TRIALS)[0] if (folder / TRIALS).exists() else []
        meter = _meter(folder, manifest, events)
        spent = meter.spent()
        if not options.accept_loss:
            asked = {event["trial"] for event in events}
            whole_events(folder, manifest.facts, trained=meter.trials, asked=asked)
        if budget:
            check_enough(folder, budget, events, spent)
            manifest.session["budget"] = write_raised(folder, budget)
            manifest.take_space()
        _warn(space, options)
        _make_store(options)
        nodes = checked(space, folder, options)
        _work(_Session(space, folder, options, manifest, workers, nodes), events=events)
    return folder


def _warn(space: Space, options: Options) -> None:
    for warning in space.warnings:
        options.warn(warning)


def _tried(space: Space, options: Options, *, prove: bool, out: Path | None = None) -> Tried:
    tried = try_out(space, options.store, prove=prove, out=out)
    for warning in tried.warnings:
        options.warn(warning)
    return tried


def _make_store(options: Options) -> None:
    if options.store is not None:
        make(options.store, option="--store")


def _work(session: _Session, *, events: list[dict[str, Any]] | None, tried: Tried | None = None) -> None:
    """Replay what was (None: it begins now), do what is left, and say how it ended."""
    space, folder = session.space, session.folder
    heard = Heard(folder / WARNINGS)
    with ExitStack() as stack:
        interrupts = stack.enter_context(
            Interrupts()
        )  # before these imports: some swallow a KeyboardInterrupt
        from sweeper.mirror import Mirror
        from sweeper.tensorboard import TensorBoard

        with written(folder):
            log = stack.enter_context(EventLog(folder / TRIALS))
            if log.torn:
                session.options.warn(f"{log.path}: its last line was torn, and is dropped")
            (folder / LEDGER).mkdir(exist_ok=True)
        board = TensorBoard(folder / "tensorboard", space)
        board.rebuild(events or ())
        mirror = Mirror(folder / "study.db", space)
        mirror.rebuild(events or ())
        stack.callback(mirror.close)
        meter = _meter(folder, session.manifest, events or ())
        book = Book(space, log, meter=meter, listeners=[board.event, mirror.event], watchers=[board.entry])
        book.replay(events or ())
        if book.left:
            # what is gone since an earlier session must not fail the trials that are left
            tried = tried or _tried(space, session.options, prove=False)
            if session.options.store is not None:  # else nothing is shared, and every trial trains anew
                book.look_ahead(session.ahead(tried))
            _make_store(session.options)
            session.manifest.runs_on(session.options.cluster)
            session.manifest.write("running", workers=session.workers)
            _drive(book, session, interrupts)
            session.manifest.facts["seconds"] = round(meter.spent().seconds, 3)
        confirmed = _confirm(session, interrupts) if book.finished else None
    for line in heard.lines():
        session.options.warn(line)
    for trouble in (board.trouble, mirror.trouble):
        if trouble is not None:
            session.options.warn(f"{trouble}; sweeper resume {folder} makes it again")
    _conclude(book, confirmed, session)


def _meter(folder: Path, manifest: Manifest, events: Sequence[Mapping[str, Any]]) -> Meter:
    """Counts on from what earlier sessions have spent."""
    seconds = max(manifest.facts.get("seconds") or 0.0, seconds_of(events))
    return Meter(folder / LEDGER, seconds=seconds)


def _confirm(session: _Session, interrupts: Interrupts) -> ConfirmBook | None:
    """Train what an ended search has found on fresh seeds; None where that is not asked for, or it found nothing."""
    from sweeper.tensorboard import TensorBoard

    space, folder = session.space, session.folder
    confirm = space.settings.confirm
    if confirm is None:
        return None
    session.manifest.write("running", workers=session.workers)
    runs = planned(space, read_run(folder))
    if not runs:
        return None
    with written(folder):
        log = EventLog(folder / CONFIRM)
    with log:
        events = read_events(folder / CONFIRM)[0]
        board = TensorBoard(folder / "tensorboard", space)
        board.rebuild(events)
        book = ConfirmBook(space, log, runs, listeners=[board.event], watchers=[board.entry])
        book.replay(events)
        if book.left:
            joined = confirm.data == "train+val"
            again = try_out(space, session.options.store, prove=False, joined=joined)
            if session.options.store is not None:
                book.look_ahead(session.ahead(again))
            _make_store(session.options)
            _drive(book, session, interrupts, ledger=CONFIRM_LEDGER, test=True, joined=joined)
    if board.trouble is not None:
        session.options.warn(f"{board.trouble}; sweeper resume {folder} makes it again")
    return book


def _drive(
    book: Trials,
    session: _Session,
    interrupts: Interrupts,
    *,
    ledger: str = LEDGER,
    test: bool = False,
    joined: bool = False,
) -> None:
    """Run the trials that are left, under the eyes of the user."""
    from sweeper.progress import Progress

    resources = session.space.settings.resources
    place = _place(session, ledger) | {"joined": joined}
    work = Work(
        folder=session.folder.resolve(),
        ledger=session.folder / ledger,
        place=place,
        cpus=resources.cpus_per_trial,
        gpus=gpus_per_trial(resources, session.options.machines),
        workers=session.workers,
        hang_after=resources.hang_after
        if place["ledger"]
        else None,  # else no sign of life is seen from here
        at_most=resources.workers,
        cluster=session.options.cluster,
        test=test,
        debug=session.options.debug,
    )
    progress = Progress(book, name=session.space.name, workers=session.workers, stream=session.options.stream)
    book.listen(progress.event)
    with progress, suppress(KeyboardInterrupt), marked(session.folder):
        try:
            execute(book, work, interrupts)
        except Exception as error:  # what Ray makes of an error that the book knows, or of a full disk
            if isinstance(error, OSError) and error.errno in DISK_FULL and not book.finished:
                book.fatal = book.fatal or f"Ray's files can't be written: {error.strerror}"
            if not (book.fatal or book.finished):
                raise


def _place(session: _Session, ledger: str) -> dict[str, Any]:
    """Arguments of Place, as plain data for the workers."""
    settings, store = session.space.settings, session.options.store
    cluster = session.options.cluster
    private = cluster is not None and cluster.private
    return {
        "store": None if store is None else str(store.resolve()),
        "ledger": None if private else str((session.folder / ledger).resolve()),
        "directory": None if cluster is None else str(Path.cwd()),
        "warnings": None if private else str((session.folder / WARNINGS).resolve()),
        "max_gb": settings.store.max_gb,
        "threads": settings.resources.cpus_per_trial,
        "gpus": gpus_per_trial(settings.resources, session.options.machines),
        "keep": branch_points(session.space),
    }


def _conclude(book: Book, confirmed: ConfirmBook | None, session: _Session) -> None:
    """Write down how the session ended, and raise what did not end well."""
    folder, manifest, again = session.folder, session.manifest, session.options.resume(session.folder)
    for one in (book, confirmed or book):
        if one.fatal:
            with suppress(CannotFinishError):
                manifest.write("failed")
            raise CannotFinishError(f"{folder}: {one.fatal}. What is done is kept: free space, then {again}.")
        if not one.finished:
            with suppress(CannotFinishError):
                manifest.write("interrupted")
            raise InterruptedSweepError(
                f"interrupted: {counted(len(one.ended), one.budget)} {one.word}s are done. "
                f"Go on with: {again}"
            )
    reasons = _all_failed(book)
    if reasons:
        manifest.write("failed")
        raise CannotFinishError(f"{folder}: every trial failed, the first with: {reasons[0]}")
    reasons = [] if confirmed is None else _all_failed(confirmed)
    if reasons:
        session.options.warn(f"every confirm run failed, the first with: {reasons[0]}")
    if book.exhausted:
        session.options.warn(
            f"the space is exhausted: the last {EXHAUSTED} points asked for brought nothing new, "
            f"so the sweep ends with {counted(len(book.ended), book.budget)} trials"
        )
    manifest.write("done", ended_by=book.ended_by)


def _all_failed(book: Trials) -> list[str]:
    """Why each trial failed, if all did."""
    reasons = [event["reason"] for event in book.ended.values() if event["state"] == "failed"]
    return reasons if len(reasons) == len(book.ended) else []
