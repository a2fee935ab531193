"""RUN/manifest.json: with what, where and when a run was made, and how it stands. For people and reports.

It says where the states of the run are, keeps a copy of its space, and counts the lines of its other files; all
else is for people. So a damaged one is made anew, which is said.
"""

import hashlib
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from analysis import plain_yaml
from analysis.errors import InputError as NoRunError
from analysis.errors import OtherFormatError, ResultsError
from analysis.run_files import FORMAT, MANIFEST, SPACE, TRIALS, read_manifest, write_manifest
from sweeper.budget import BUDGETS
from sweeper.cluster import Cluster
from sweeper.folder import written
from sweeper.live import now
from sweeper.resources import gpus_here
from sweeper.space import Space
from trainables.errors import InputError
from trainables.upkeep import size_of

MAY_CHANGE = f"{', '.join(f'sweep.{key}' for key in BUDGETS)}, confirm, resources and store"
PACKAGES = ("torch", "torchvision", "ray", "optuna", "numpy", "scikit-learn", "safetensors")

Status = Literal["running", "done", "interrupted", "failed"]


class Manifest:
    """The facts of one run; every change of its status is on the disk at once."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        """Take the facts; nothing is written yet."""
        self.folder = folder
        self.facts = facts
        self.trouble = ""
        """Why it was made anew; "": it was not."""

    @classmethod
    def new(cls, folder: Path, space: Space, *, command: Sequence[str], store: Path | None) -> "Manifest":
        """That of a run that begins now; ``store`` is where its states are, if they are kept."""
        return cls(
            folder,
            {
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
                "ended_by": None,
                "seconds": 0.0,
                "sessions": [],
                "store": None if store is None else str(store.resolve()),
                **_space(folder),
            },
        )

    @classmethod
    def resumed(cls, folder: Path, space: Space, *, command: Sequence[str], store: Path | None) -> "Manifest":
        """That of a run that goes on, with one session more.

        Raises:
            OtherFormatError: another version of this program wrote it.
            InputError: the space was changed since the run began.
        """
        facts, trouble = _read(folder)
        if facts is None:
            facts = cls.new(folder, space, command=command, store=store).facts
            if trouble:
                facts["warnings"].append(trouble)
        if facts.get("space") not in (None, _space(folder)["space"]):
            raise InputError(
                f"{folder / SPACE}: was changed since the run began, and a run is one study: only {MAY_CHANGE} "
                "may change. Put it back, or begin a new run with it: sweeper run FILE --name NAME."
            )
        session = {"command": list(command), "started": now()}
        kept = None if store is None else str(store.resolve())
        found = cls(folder, facts | {"sessions": [*facts.get("sessions", []), session], "store": kept})
        found.take_space()
        found.trouble = trouble
        return found

    def take_space(self) -> None:
        """Go by the run's space file as it is now."""
        self.facts |= _space(self.folder)

    @property
    def session(self) -> dict[str, Any]:
        """The facts of this session, of a run that is resumed."""
        found: dict[str, Any] = self.facts["sessions"][-1]
        return found

    def runs_on(self, cluster: Cluster | None) -> None:
        """Note the cluster of this session, if there is one."""
        self.facts |= {} if cluster is None else {"cluster": cluster.facts}

    def write(self, status: Status, **facts: Any) -> None:
        """Write it down with its new status.

        Raises:
            CannotFinishError: the disk does not take it.
        """
        ended = (
            {"ended": None} if status == "running" else {"ended": now(), "store_bytes": self._store_bytes()}
        )
        self.facts |= {"status": status, "ended_by": None, **ended, **facts}
        with written(self.folder):
            write_manifest(self.folder, self.facts)

    def _store_bytes(self) -> int | None:
        """What the store takes on its disk; None without one."""
        return size_of(Path(self.facts["store"])) if self.facts.get("store") else None


def kept_store(folder: Path) -> Path | None:
    """Where the states of a run are; None where it keeps none. One that does not say has the usual place."""
    store = kept_facts(folder).get("store", usual_store())
    return None if store is None else Path(store)


def kept_facts(folder: Path) -> dict[str, Any]:
    """What the manifest of a run says; nothing where it can't be read."""
    return _read(folder)[0] or {}


def usual_store() -> Path:
    """Where states are unless ``--store`` says otherwise."""
    return Path(os.environ.get("SWEEPER_STORE") or "store")


def _read(folder: Path) -> tuple[dict[str, Any] | None, str]:
    """The facts on the disk, or none and what that means to a run in which something was done."""
    try:
        return read_manifest(folder / MANIFEST), ""
    except OtherFormatError:
        raise
    except (OSError, NoRunError, ResultsError):
        if not (folder / TRIALS).exists() or not (folder / TRIALS).stat().st_size:
            return None, ""  # killed before it wrote one
    state = "was damaged" if (folder / MANIFEST).exists() else "was missing"
    return None, (
        f"{folder / MANIFEST}: {state} and is made anew: command, versions, machine and times are those of "
        "now, and states are looked for where --store says, or in the usual place"
    )


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


def _space(folder: Path) -> dict[str, str]:
    """What a run searches: its space file, and a hash of it without what may change."""
    text = (folder / SPACE).read_text(encoding="utf-8")
    plain = plain_yaml.load(text)
    assert isinstance(plain, dict)
    study = {key: value for key, value in plain.items() if key not in ("confirm", "resources", "store")}
    if isinstance(study.get("sweep"), dict):
        study["sweep"] = {key: value for key, value in study["sweep"].items() if key not in BUDGETS}
    return {
        "space": hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest(),
        "space_text": text,
    }
