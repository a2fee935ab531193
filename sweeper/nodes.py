"""Before trials are spread over a cluster: does every node see what it needs, and compute as the others do?"""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sweeper.ahead import Ahead
from sweeper.cluster import Cluster, one_line
from sweeper.node_check import LOCK, WORD, Answer, Question, look
from sweeper.options import Options
from sweeper.resources import Machine, gpus_per_trial, needed
from sweeper.space import Space
from trainables.errors import InputError
from trainables.locks import lock_of

LIMIT_SECONDS = 180.0
"""A node that has not answered for so long, the first import of torch included, is not waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """What the nodes of a cluster said."""

    arithmetic: Mapping[str, Any]
    """Of most of them."""
    warnings: tuple[str, ...]

    def known(self, ahead: Ahead) -> Ahead:
        """What is known before the trials begin, by the arithmetic of the nodes that run them."""
        return replace(ahead, arithmetic=self.arithmetic)


def checked(space: Space, folder: Path, options: Options) -> Checked | None:
    """What the nodes of a cluster say before they get trials of a space; None where there is no cluster.

    Raises:
        InputError: as ``check`` does.
    """
    if options.cluster is None:
        return None
    resources = space.settings.resources
    found = check(
        options.cluster,
        folder=folder,
        store=options.store,
        files=needed(space),
        cpus=resources.cpus_per_trial,
        gpus=gpus_per_trial(resources, options.machines),
    )
    for warning in found.warnings:
        options.warn(warning)
    return found


def check(
    cluster: Cluster,
    *,
    folder: Path,
    store: Path | None,
    files: Sequence[str],
    cpus: int,
    gpus: float,
) -> Checked:
    """Ask every node that may get trials whether it sees what it needs.

    Args:
        cluster: whose nodes.
        folder: of the run.
        store: of the states, if they are kept.
        files: what trials read.
        cpus: cores of a trial.
        gpus: of a trial.

    Raises:
        InputError: a node does not see, or can't write, a folder or a file; it is named.
    """
    places = [folder] if store is None else [folder, store]
    question = Question(
        key=secrets.token_hex(8),
        shared=() if cluster.private else tuple(str(place.resolve()) for place in places),
        locked=None if cluster.private or store is None else str(store.resolve()),
        own=str(store.resolve()) if cluster.private and store is not None else None,
        files=tuple(files),
        directory=str(Path.cwd()),
        threads=cpus,
        gpus=gpus,
    )
    able = [machine for machine in cluster.machines if machine.fits(cpus, gpus)]
    try:
        with _words(question):
            answers = _asked(question, able)
            for machine, answer in answers.items():
                _refuse(machine, answer, question)
    except InputError:
        for place in places:  # a sweep that is refused leaves no trace
            with suppress(OSError):
                place.rmdir()
        raise
    return _compared({machine.name: answer.arithmetic for machine, answer in answers.items()})


@contextmanager
def _words(question: Question) -> Iterator[None]:
    """The driver's words lie in the shared folders, and its lock is held; afterwards all words are gone."""
    with ExitStack() as stack:
        for folder in map(Path, question.shared):
            stack.callback(_clear, folder, question.key)
            word = folder / WORD.format(key=question.key, who="driver")
            word.write_text(question.key, encoding="ascii")
        if question.locked is not None:
            lock = lock_of(Path(question.locked) / LOCK.format(key=question.key))
            try:
                lock.acquire()
            except OSError as error:
                raise InputError(
                    f"{question.locked}: can't be shared, since its disk has no locks: {error.strerror}. "
                    "Mount it with flock, or give --private-stores."
                ) from error
            stack.callback(lock.release)
        yield


def _clear(folder: Path, key: str) -> None:
    for file in folder.glob(f".cluster-check-{key}.*"):
        file.unlink(missing_ok=True)


def _asked(question: Question, able: Sequence[Machine]) -> dict[Machine, Answer]:
    """What each node answers."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    task: Callable[..., Any] = ray.remote(num_cpus=0, max_retries=0)(look).options
    asked = {
        machine: task(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=machine.node, soft=False)
        ).remote(question, machine.node)
        for machine in able
    }
    deadline = time.monotonic() + LIMIT_SECONDS
    answers: dict[Machine, Answer] = {}
    for machine, reference in asked.items():
        try:
            answers[machine] = ray.get(reference, timeout=max(0.0, deadline - time.monotonic()))
        except (ray.exceptions.RayError, TimeoutError) as error:
            raise InputError(
                f"--address: every node must run this driver's code, {machine.name} does not: {one_line(error)}. "
                "Install the same packages there (docs/cluster.md), or take the node out."
            ) from error
    return answers


def _refuse(machine: Machine, answer: Answer, question: Question) -> None:
    """Raise what is wrong with a node's answer."""
    name = machine.name
    blind = [
        folder
        for folder in question.shared
        if folder in answer.unseen or not _written(Path(folder), question.key, machine.node)
    ]
    if answer.unwritable is not None:
        folder, why = answer.unwritable
        raise InputError(
            f"{folder}: must be writable on every node, {name} can't write it: {why}. Mend that."
        )
    if blind:
        raise InputError(
            f"{blind[0]}: must be on storage that every node shares, {name} sees another folder or none. "
            "Put --out and --store there, or give --private-stores."
        )
    if answer.unlocked:
        raise InputError(
            f"{question.locked}: must have locks that every node shares, {name} took one that is held here. "
            "Mount it with locks between machines (docs/cluster.md), or give --private-stores."
        )
    if answer.missing:
        raise InputError(
            f"{answer.missing[0]}: must be on every node, {name} has no such file. Put it on shared storage."
        )


def _written(folder: Path, key: str, node: str) -> bool:
    """Whether a node's word is seen here."""
    try:
        return (folder / WORD.format(key=key, who=node)).read_text(encoding="ascii") == node
    except (OSError, ValueError):
        return False


def _compared(found: Mapping[str, Mapping[str, Any]]) -> Checked:
    """The arithmetic of most nodes, and a warning about those that have another one."""
    kinds = Counter(tuple(sorted(one.items())) for one in found.values())
    most, _ = kinds.most_common(1)[0]
    usual = dict(most)
    warnings = []
    for other in kinds:
        if other == most:
            continue
        names = [name for name, one in found.items() if tuple(sorted(one.items())) == other]
        differ = ", ".join(f"{key} {value} for {usual[key]}" for key, value in other if value != usual[key])
        warnings.append(
            f"{', '.join(names)}: computes otherwise than most nodes ({differ}): its epochs have addresses of "
            "their own, so they are not shared with the others, and equal settings may differ in their last bits"
        )
    return Checked(arithmetic=usual, warnings=tuple(warnings))
