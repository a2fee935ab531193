from collections.abc import Callable
from pathlib import Path

from sweeper.bench import Bench
from sweeper.foreseen import foresee
from sweeper.space import Space
from sweeper.timing import seconds_per_epoch
from trainables.checkpoints import save
from trainables.models import Architecture, build

TEXT = Path(__file__).with_name("grid.yaml").read_text()
SpaceOf = Callable[[str], Space]


def test_every_kind_of_epoch_has_its_time(space_of: SpaceOf) -> None:
    space = space_of(TEXT)
    bench = Bench.of(space)
    took = seconds_per_epoch(foresee(space, bench.place), bench)
    assert set(took) == {"sparsity", "finetune", "finetune with dist", "teacher"}
    assert all(seconds > 0 for seconds in took.values())


def test_a_teacher_from_a_file_costs_no_epochs_and_is_read_once(space_of: SpaceOf, tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    save(path, build(Architecture(model="resnet8", classes=10, channels=1), seed=3))
    text = TEXT.replace("{model: resnet8, epochs: 3, warmup: 1, decay_every: 1}", f"{{checkpoint: {path}}}")
    space = space_of(text)
    bench = Bench.of(space)
    trials = foresee(space, bench.place)
    path.unlink()
    assert [trial.teacher for trial in trials] == [None] * 4
    assert set(seconds_per_epoch(trials, bench)) == {"sparsity", "finetune", "finetune with dist"}
