from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper.resources import (
    Machine,
    check_files,
    checkpoints,
    files,
    fitting_workers,
    gpus_per_trial,
    needed,
)
from sweeper.settings import Resources
from sweeper.space import Space
from trainables.errors import InputError


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


NODES = [
    Machine(name="head", cpus=4, gpus=0),
    Machine(name="one", cpus=16, gpus=2),
    Machine(name="two", cpus=3, gpus=4),
]


@pytest.mark.parametrize(
    ("resources", "workers"),
    [
        ({}, 5),  # a GPU and a core each: none on the head, two and three
        ({"gpus_per_trial": 0.5}, 7),
        ({"gpus_per_trial": 0}, 23),
        ({"gpus_per_trial": 0, "cpus_per_trial": 3}, 7),
        ({"gpus_per_trial": 2}, 3),
        ({"workers": 4}, 4),
    ],
)
def test_a_clusters_trials_are_counted_node_by_node(resources: dict[str, float], workers: int) -> None:
    assert fitting_workers(Resources.model_validate(resources), NODES) == workers


@pytest.mark.parametrize(
    ("resources", "match"),
    [
        (
            {"cpus_per_trial": 17},
            r"cpus_per_trial: at most the 16 cores of any of the cluster's 3 nodes, got 17\.",
        ),
        (
            {"gpus_per_trial": 5},
            r"gpus_per_trial: at most the 4 GPUs of any of the cluster's 3 nodes, got 5\.",
        ),
        (
            {"cpus_per_trial": 16, "gpus_per_trial": 4},
            r"resources: 16 cores and 4 GPUs of one node for a trial, got no such node among the cluster's 3\.",
        ),
        ({"workers": 6}, r"workers: at most 5 trials fit in this cluster, got 6\."),
    ],
)
def test_what_no_node_has_is_refused(resources: dict[str, float], match: str) -> None:
    with pytest.raises(InputError, match=match):
        fitting_workers(Resources.model_validate(resources), NODES)


def test_auto_asks_the_cluster_for_gpus_and_not_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert gpus_per_trial(Resources(), NODES[:1]) == 0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus_per_trial(Resources(), NODES) == 1


@pytest.fixture
def loading(space_of: Callable[[str], Space], space_text: str) -> Callable[..., Space]:
    """A space whose teacher is a file, or one of several."""
    trained = "{model: resnet8x4, epochs: 10, warmup: 1, decay_every: 1}"

    def make(path: Path, *more: Path) -> Space:
        text = space_text.replace(trained, f"{{checkpoint: {path}}}")
        if more:
            files = ", ".join(map(str, (path, *more)))
            text += f"  teacher.checkpoint: {{choice: [{files}], when: {{finetune.kd: dist}}}}\n"
        return space_of(text)

    return make


def test_every_teacher_that_a_trial_may_load_must_be_there(
    loading: Callable[..., Space], tmp_path: Path
) -> None:
    one, other = tmp_path / "one.pth", tmp_path / "other.pth"
    assert list(checkpoints(loading(one))) == [str(one)]
    assert list(checkpoints(loading(one, other))) == [str(one), str(other)]
    one.touch()
    check_files(loading(one))
    with pytest.raises(
        InputError, match=r'f\.yaml: teacher\.checkpoint: no such file, got ".*other\.pth"\. Put it'
    ):
        check_files(loading(one, other))


def test_a_teacher_that_is_trained_needs_no_file(space: Space) -> None:
    assert list(checkpoints(space)) == []
    check_files(space)


def test_the_images_path_must_be_there_unless_they_are_downloaded(
    space_of: Callable[[str], Space], space_text: str, tmp_path: Path
) -> None:
    text = space_text.replace("{source: digits}", f"{{source: cifar10, path: {tmp_path}/none}}")
    with pytest.raises(InputError, match=r"f\.yaml: data\.path: must exist, got .*/none\."):
        check_files(space_of(text))
    check_files(space_of(text.replace("/none", "/none, download: true")))


def test_every_network_that_a_pipeline_may_begin_with_must_be_there(
    space_of: Callable[[str], Space], tmp_path: Path
) -> None:
    text = (
        "data: {source: digits}\nmodel: preresnet8\nprune: {init: FILE, trained_on: train}\nfinetune: {}\n"
        "sweep: {trials: 2}\nsearch: {prune.percent: [0.3, 0.5]}\n"
    )
    fixed = space_of(text.replace("FILE", f"{tmp_path}/one.pth"))
    assert list(files(fixed)) == [("prune.init", f"{tmp_path}/one.pth")]
    assert list(checkpoints(fixed)) == []
    with pytest.raises(
        InputError, match=r'f\.yaml: prune\.init: no such file, got ".*one\.pth"\. .*--set prune\.init=PATH'
    ):
        check_files(fixed)
    (tmp_path / "one.pth").touch()
    check_files(fixed)
    searched = space_of(
        text.replace("FILE", f"{tmp_path}/one.pth").replace(
            "search: {", f"search: {{prune.init: [{tmp_path}/one.pth, {tmp_path}/other.pth], "
        )
    )
    assert [Path(file).name for _, file in files(searched)] == ["one.pth", "other.pth"]
    with pytest.raises(InputError, match=r'prune\.init: no such file, got ".*other\.pth"'):
        check_files(searched)


def test_all_that_trials_read_is_named(space_of: Callable[[str], Space], tmp_path: Path) -> None:
    text = (
        "data: {source: cifar10, path: here}\nmodel: preresnet8\nprune: {init: FILE, trained_on: train}\n"
        "finetune: {}\nevaluate: {test_sets: {folders: {own: mine}}}\nsweep: {trials: 2}\n"
        "search: {prune.percent: [0.3, 0.5]}\n"
    )
    assert needed(space_of(text)) == ["here", "mine", "FILE"]
    assert needed(space_of(text.replace("path: here", "path: here, download: true"))) == ["mine", "FILE"]
