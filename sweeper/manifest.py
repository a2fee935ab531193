"""RUN/manifest.json: with what, where and when a run was made, and how it stands. For people and reports.

Nothing depends on it but where the states of the run are, so a damaged one is made anew.
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
from analysis.records import FORMAT, MANIFEST, SPACE, write_json
from sweeper.budget import BUDGETS
from sweeper.cluster import Cluster
from sweeper.folder import written
from sweeper.live import now
from sweeper.resources import gpus_here
from sweeper.space import Space
from trainables.errors import DamagedFileError, InputError
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
                "space": _study(folder),
            },
        )

    @classmethod
    def resumed(cls, folder: Path, space: Space, *, command: Sequence[str], store: Path | None) -> "Manifest":
        """That of a run that goes on, with one session more.

        Raises:
            DamagedFileError: another version of this program wrote it.
            InputError: the space was changed since the run began.
        """
        facts = _read(folder) or cls.new(folder, space, command=command, store=store).facts
        if facts.get("format") != FORMAT:
            raise DamagedFileError(
                f"{folder / MANIFEST}: format {facts.get('format')} is not {FORMAT}, "
                "which this version writes."
            )
        if facts.get("space") not in (None, study := _study(folder)):
            raise InputError(
                f"{folder / SPACE}: was changed since the run began, and a run is one study: only {MAY_CHANGE} "
                "may change. Put it back, or begin a new run with it: sweeper run FILE --name NAME."
            )
        facts["space"] = study
        session = {"command": list(command), "started": now()}
        kept = None if store is None else str(store.resolve())
        return cls(folder, facts | {"sessions": [*facts.get("sessions", []), session], "store": kept})

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
            write_json(self.folder / MANIFEST, self.facts)

    def _store_bytes(self) -> int | None:
        """What the store takes on its disk; None without one."""
        return size_of(Path(self.facts["store"])) if self.facts.get("store") else None


def kept_store(folder: Path) -> Path | None:
    """Where the states of a run are; None where it keeps none. One that does not say has the usual place."""
    store = (_read(folder) or {}).get("store", usual_store())
    return None if store is None else Path(store)


def usual_store() -> Path:
    """Where states are unless ``--store`` says otherwise."""
    return Path(os.environ.get("SWEEPER_STORE") or "store")


def _read(folder: Path) -> dict[str, Any] | None:
    """The facts on the disk; None where there are none to be read."""
    try:
        facts = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


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


def _study(folder: Path) -> str:
    """What a run searches, as a hash: its space file without what may change."""
    plain = plain_yaml.load((folder / SPACE).read_text(encoding="utf-8"))
    assert isinstance(plain, dict)
    study = {key: value for key, value in plain.items() if key not in ("confirm", "resources", "store")}
    if isinstance(study.get("sweep"), dict):
        study["sweep"] = {key: value for key, value in study["sweep"].items() if key not in BUDGETS}
    return hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest()
