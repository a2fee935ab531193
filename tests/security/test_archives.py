"""Archives are extracted by no one: what of a user's archive is read stays in memory, whatever its members are called.

The one exception is torchvision, which extracts what it has downloaded itself, after a comparison with the MD5 sum
that its source holds: an archive that a user, or someone else, has put in its place is never opened.
"""

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from trainables.data import load_data
from trainables.errors import InputError

MEMBERS = [
    "../outside.npy",
    "../../outside.npy",
    "a/../../outside.npy",
    "/tmp/outside.npy",
    "//outside.npy",
    "..\\outside.npy",
    "C:\\outside.npy",
    "./../outside.npy",
    "train_images/../../outside.npy",
    "outside.npy\x00.txt",
    "con\nline.npy",
    "\x1b[31m.npy",
    "a" * 4000 + ".npy",
]
LINKS = {"symbolic link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE}


def array(values: object) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)
    return stream.getvalue()


def parts() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    found = {}
    for part, count in (("train", 40), ("test", 20)):
        found[f"{part}_images.npy"] = array(rng.integers(0, 256, (count, 8, 8), dtype=np.uint8))
        found[f"{part}_labels.npy"] = array(np.arange(count) % 4)
    return found


def tree(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


@pytest.mark.parametrize("member", MEMBERS, ids=lambda name: ascii(name[:24]))
def test_members_of_an_npz_with_names_from_elsewhere_are_written_nowhere(member: str, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "images.npz"
    file.parent.mkdir(parents=True)
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts().items():
            archive.writestr(name, content)
        archive.writestr(zipfile.ZipInfo(member), array(np.zeros(3)))
    before = tree(tmp_path)
    data = load_data("npz", path=file, val_fraction=0.2, split_seed=0)
    assert len(data.train.labels) == 32
    assert tree(tmp_path) == before
    assert not Path("/tmp/outside.npy").exists()


def test_a_link_in_an_npz_is_the_text_that_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "images.npz"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts().items():
            archive.writestr(name, content)
        link = zipfile.ZipInfo("train_images.npy.link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert len(load_data("npz", path=file, val_fraction=0.2, split_seed=0).train.labels) == 32
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts().items():
            if name != "train_images.npy":
                archive.writestr(name, content)
        link = zipfile.ZipInfo("train_images.npy")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match=r"train_images of .*images\.npz can't be read"):
        load_data("npz", path=file, val_fraction=0.2, split_seed=0)


def test_objects_in_an_npz_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "images.npz"
    np.savez(file, train_images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match=r"train_images of .*images\.npz can't be read: Object arrays"):
        load_data("npz", path=file, val_fraction=0.2, split_seed=0)


def planted(file: Path, kind: bytes) -> None:
    """A tar like CIFAR's whose member leads out of the folder."""
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("cifar-10-batches-py")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
        for name in ("../outside", "/tmp/outside-of-cifar"):
            outside = tarfile.TarInfo(name)
            outside.size = 4
            archive.addfile(outside, io.BytesIO(b"boom"))


@pytest.mark.parametrize("download", [False, True])
@pytest.mark.parametrize("kind", LINKS)
def test_an_archive_that_someone_has_put_in_torchvisions_place_is_not_opened(
    kind: str, download: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # no one is there: nothing is downloaded
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    root = tmp_path / "data"
    root.mkdir()
    planted(root / "cifar-10-python.tar.gz", LINKS[kind])
    with pytest.raises(InputError, match=r"^data\.(path|download): CIFAR10 "):
        load_data("cifar10", path=root, val_fraction=0.2, split_seed=0, download=download)
    assert not (tmp_path / "outside").exists()
    assert not Path("/tmp/outside-of-cifar").exists()
    assert not (root / "cifar-10-batches-py").exists()


@pytest.fixture
def pickled(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(content: bytes) -> Path:
        folder = tmp_path / "data" / "cifar-10-batches-py"
        folder.mkdir(parents=True)
        names = [f"data_batch_{number}" for number in range(1, 6)]
        for name in (*names, "test_batch", "batches.meta"):
            (folder / name).write_bytes(content)
        return folder.parent

    return make


def test_batches_that_are_not_cifars_are_not_unpickled(
    pickled: Callable[[bytes], Path], tmp_path: Path
) -> None:
    mark = tmp_path / "the-bomb-went-off"
    root = pickled(f"cposix\nmkdir\n(V{mark}\ntR.".encode())
    with pytest.raises(InputError, match=r"data\.path: CIFAR10 is not in .*data\. Give data\.download"):
        load_data("cifar10", path=root, val_fraction=0.2, split_seed=0)
    assert not mark.exists()
