import argparse
import json
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from trainables.checkpoints import describe, load, metadata_of, save
from trainables.errors import DamagedFileError, InputError
from trainables.models import Architecture, build
from trainables.models.network import PrunableNetwork
from trainables.pruning import choose
from trainables.pruning.surgery import cut

torch.set_num_threads(1)
GOLDEN = Path(__file__).parents[1] / "golden"
TEACHER = GOLDEN / "repdistiller_resnet8x4_ckpt_epoch_240.pth"


@pytest.fixture(scope="module")
def pruned() -> PrunableNetwork:
    network = build(Architecture(model="preresnet8", classes=4, channels=1, shortcut_norm=True), seed=0)
    assert isinstance(network, PrunableNetwork)
    for seed, name in enumerate(network.prunable()):
        network.get_parameter(f"{name}.weight").data.uniform_(generator=torch.Generator().manual_seed(seed))
    return cut(network, choose(network, 0.5).masks)


@pytest.fixture
def file(tmp_path: Path, pruned: PrunableNetwork) -> Path:
    path = tmp_path / "network.safetensors"
    save(path, pruned, metadata={"accuracy": 0.5, "recipe": {"s": 1e-4}})
    return path


def test_what_is_saved_is_loaded_in_evaluation_mode(file: Path, pruned: PrunableNetwork) -> None:
    network = load(file, model="preresnet8", classes=4)
    assert isinstance(network, PrunableNetwork)
    assert network.architecture == pruned.architecture
    assert not network.training
    assert not network.get_submodule("layer1.0.bn1").training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, pruned.state_dict()[name]), name


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_dtype_stays(tmp_path: Path, dtype: torch.dtype) -> None:
    save(tmp_path / "n", build(Architecture(model="resnet8", classes=2), seed=0).to(dtype))
    assert load(tmp_path / "n").get_parameter("fc.weight").dtype == dtype


def test_a_file_describes_itself(file: Path, pruned: PrunableNetwork) -> None:
    described = describe(file)
    assert described.architecture == pruned.architecture
    assert described.metadata == {"accuracy": 0.5, "recipe": {"s": 1e-4}}


def test_a_file_says_what_its_images_were_normalised_with(tmp_path: Path) -> None:
    architecture = Architecture(model="resnet8", classes=2, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    save(tmp_path / "n", build(architecture, seed=0))
    assert load(tmp_path / "n").architecture == architecture == describe(tmp_path / "n").architecture


def test_a_file_from_before_mean_and_std_is_read(tmp_path: Path) -> None:
    state = build(Architecture(model="resnet8", classes=2), seed=0).state_dict()
    architecture = {"model": "resnet8", "classes": 2, "channels": 3, "cfg": None, "shortcut_norm": False}
    about = {"version": 1, "architecture": architecture, "metadata": {}}
    digest = sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(state):
        digest.update(f"{name} {state[name].dtype} {tuple(state[name].shape)}".encode())
        digest.update(state[name].numpy().tobytes())
    text = json.dumps(about | {"sha256": digest.hexdigest()}, sort_keys=True)
    save_file(state, tmp_path / "old", {"compression-sweeper": text})
    assert load(tmp_path / "old").architecture == Architecture(model="resnet8", classes=2)


def test_only_own_files_have_metadata(file: Path) -> None:
    assert metadata_of(file) == {"accuracy": 0.5, "recipe": {"s": 1e-4}}
    assert metadata_of(TEACHER) == {}
    with pytest.raises(InputError, match=r"none\.pth: a checkpoint file, got: No such file"):
        metadata_of(file.with_name("none.pth"))


def test_an_own_file_holds_one_network(file: Path) -> None:
    assert load(file, weights="model").training is False
    with pytest.raises(InputError, match=f"{file.name}: weights: model in our own files, got ema_model"):
        load(file, weights="ema_model")


def test_describing_needs_no_torch(file: Path) -> None:
    code = (
        "import sys; from trainables.checkpoints import describe; "
        "print(describe(sys.argv[1]).metadata['accuracy']); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, file], check=True, capture_output=True, text=True)
    assert done.stdout == "0.5\n"


def test_the_same_network_gives_the_same_bytes(file: Path, pruned: PrunableNetwork, tmp_path: Path) -> None:
    save(tmp_path / "again", pruned, metadata={"recipe": {"s": 1e-4}, "accuracy": 0.5})
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_save_that_fails_leaves_the_old_file_alone(file: Path, pruned: PrunableNetwork) -> None:
    before = file.read_bytes()
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        save(file, pruned, metadata={"accuracy": float("nan")})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_save_that_fails_at_the_end_leaves_nothing_behind(tmp_path: Path, pruned: PrunableNetwork) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        save(tmp_path / "folder", pruned)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_network_without_a_description_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"network: one made by trainables.models.build, got Linear"):
        save(tmp_path / "n", torch.nn.Linear(2, 2))


def test_a_flipped_byte_never_gives_another_network(file: Path, pruned: PrunableNetwork) -> None:
    whole = file.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    places = [*range(0, header, 97), *range(header, len(whole), len(whole) // 20), len(whole) - 1]
    for place in places:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        network = None
        with suppress(DamagedFileError, InputError):
            network = load(file)
        for name, tensor in network.state_dict().items() if network else ():
            assert torch.equal(tensor, pruned.state_dict()[name]), (place, name)


def test_a_flipped_byte_among_the_tensors_is_damage(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DamagedFileError, match=rf"{file.name}: file: content with sha256 \w+, got \w+"):
        load(file)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_an_own_file_that_breaks_off_is_damage(file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: max(9, int(len(whole) * share))])
    with pytest.raises(DamagedFileError, match=rf"{file.name}: file: .* got "):
        load(file)


def test_a_file_of_a_later_version_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(rb"\"version\": 1}", rb"\"version\": 2}"))
    with pytest.raises(InputError, match=rf"{file.name}: version: 1, got 2"):
        load(file)


def test_only_own_files_can_be_described() -> None:
    with pytest.raises(
        InputError, match=f"{TEACHER.name}: file: one that trainables.save wrote, got another"
    ):
        describe(TEACHER)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.pth: a checkpoint file, got: No such file"):
        load(tmp_path / "none.pth")
    with pytest.raises(InputError, match=f"{tmp_path.name}: a checkpoint file, got: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"epoch: 3\naccuracy: 0.7\n", b"{}", b"\x80\x02nonsense", b"PK\x03\x04"]
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(
        InputError, match=f"f: checkpoint: a whole file of torch.save or .* got {len(content)} bytes"
    ):
        load(tmp_path / "f")


@pytest.mark.parametrize("size", [10, 1_000, 1_000_000])
def test_a_foreign_file_that_breaks_off_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "f").write_bytes(TEACHER.read_bytes()[:size])
    with pytest.raises(InputError, match=f"f: checkpoint: a whole file of torch.save or .* got {size} bytes"):
        load(tmp_path / "f")


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    torch.save({"opt": argparse.Namespace(lr=0.1), "model": {}}, tmp_path / "resnet8_last.pth")
    with pytest.raises(
        InputError, match=r"resnet8_last.pth: checkpoint: .* got argparse.Namespace among them"
    ):
        load(tmp_path / "resnet8_last.pth")


@pytest.mark.parametrize("path", ["own", TEACHER], ids=["own", "foreign"])
def test_another_network_than_asked_for_is_refused(path: Path | str, file: Path) -> None:
    path = file if path == "own" else path
    with pytest.raises(InputError, match=r"model: (preresnet8|resnet8x4) in this file, got resnet32x4"):
        load(path, model="resnet32x4")
    with pytest.raises(InputError, match=r"classes: (4|100) in this file, got 10"):
        load(path, classes=10)
    with pytest.raises(InputError, match=r"^model: one of .* got resnet8x5. Did you mean resnet8x4\?"):
        load(path, model="resnet8x5")


def test_the_metadata_is_one_entry_of_ordinary_safetensors(file: Path) -> None:
    whole = file.read_bytes()
    header = json.loads(whole[8 : 8 + int.from_bytes(whole[:8], "little")])
    assert list(header["__metadata__"]) == ["compression-sweeper"]
    assert "layer1.0.select.indexes" in header
