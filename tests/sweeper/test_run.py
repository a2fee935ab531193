import json
from pathlib import Path

import pytest

from sweeper.run import (
    BusyError,
    CannotFinishError,
    Options,
    fitting_workers,
    gpus_per_trial,
    owned,
    resume,
    start,
    stored_options,
)
from sweeper.settings import Resources
from sweeper.space import Space, check
from sweeper.strict_yaml import parse
from trainables.errors import DamagedFileError, InputError

TEXT = """\
name: small
data: {source: digits}
model: preresnet8
prune: {method: slimming}
finetune: {epochs: 2}
"""
SEARCH = "search: {prune.percent: [0.3, 0.5]}\nsweep: {trials: 2}\n"


def space(text: str) -> Space:
    return check(parse(text, "f.yaml"), default_name="f")


def test_a_folder_is_owned_by_one_at_a_time_and_free_afterwards(tmp_path: Path) -> None:
    with owned(tmp_path):
        with pytest.raises(BusyError, match=r"process \d+ on .* is running this sweep\."), owned(tmp_path):
            pass
        assert BusyError.exit_code == 4
    with owned(tmp_path):
        pass


@pytest.mark.parametrize(
    ("resources", "match"),
    [
        ({"cpus_per_trial": 10**6}, r"resources\.cpus_per_trial: at most the \d+ cores .*, got 1000000\."),
        ({"gpus_per_trial": 1000.0}, r"resources\.gpus_per_trial: at most the \d+ GPUs .*, got 1000\."),
        ({"workers": 10**6}, r"resources\.workers: at most \d+ trials fit on this machine, got 1000000\."),
    ],
)
def test_what_the_machine_has_not_is_refused(resources: dict[str, float], match: str) -> None:
    with pytest.raises(InputError, match=match):
        fitting_workers(Resources.model_validate(resources))


def test_as_many_trials_run_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert fitting_workers(Resources()) == 8
    assert fitting_workers(Resources(cpus_per_trial=3)) == 2
    assert fitting_workers(Resources(workers=5)) == 5
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus_per_trial(Resources()) == 1
    assert fitting_workers(Resources()) == 2
    assert fitting_workers(Resources(gpus_per_trial=0.5)) == 4
    assert fitting_workers(Resources(gpus_per_trial=0.0)) == 8


def test_one_configuration_is_no_sweep(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"f\.yaml: search: is required to run a sweep\. Use sweeper train"):
        start(space(TEXT), out=tmp_path, options=Options(store=tmp_path), command=[])


def test_a_file_in_the_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "small").touch()
    with pytest.raises(CannotFinishError, match=r"small: can't be made: File exists\."):
        start(space(TEXT + SEARCH), out=tmp_path, options=Options(store=tmp_path), command=[])


@pytest.mark.parametrize(
    ("manifest", "store", "reuse", "expected"),
    [
        ('{"store": "/kept"}', None, True, "/kept"),
        ('{"store": null}', None, False, "store"),
        ('{"store": null}', "given", True, "given"),
        ('{"store": "/kept"}', "given", True, "given"),
        ("damaged", None, True, "store"),
        (None, None, True, "store"),
    ],
)
def test_a_run_is_resumed_with_the_store_that_it_was_begun_with(
    manifest: str | None, store: str | None, reuse: bool, expected: str, tmp_path: Path
) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    options = stored_options(tmp_path, store=Path(store) if store else None, stream=None)
    assert (options.reuse, options.store) == (reuse, Path(expected))


def test_a_folder_of_another_format_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(TEXT + SEARCH)
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(DamagedFileError, match=r"manifest\.json: format 99 is not 1"):
        resume(tmp_path, options=Options(store=tmp_path / "store"), command=[])
    assert not (tmp_path / "trials.jsonl").exists()


def test_a_folder_without_a_run_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none: no such run folder"):
        resume(tmp_path / "none", options=Options(store=tmp_path), command=[])
    with pytest.raises(InputError, match=r"has no space\.yaml"):
        resume(tmp_path, options=Options(store=tmp_path), command=[])
