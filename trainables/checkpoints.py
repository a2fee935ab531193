"""Networks as files: our own, and those of the codes that this work builds upon.

Our format is safetensors with one entry of metadata, a JSON text: the architecture, free metadata of the
caller, and a sha256 over these and the tensors, since safetensors itself does not notice a flipped byte. It
is read by anything that reads safetensors; `describe` needs no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from trainables.errors import DamagedFileError, InputError
from trainables.models import Architecture, build, family

if TYPE_CHECKING:
    from torch import Tensor, nn

KEY = "compression-sweeper"
VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """What one of our files says beside its tensors."""

    architecture: Architecture
    metadata: dict[str, Any]


def save(path: str | Path, network: nn.Module, *, metadata: Mapping[str, object] | None = None) -> None:
    """Writes the network and what is needed to build it again; `metadata` is anything that JSON can hold.

    The file is written aside, then renamed: at `path` there is the old file or the whole new one.
    """
    from safetensors.torch import save as to_bytes

    architecture = getattr(network, "architecture", None)
    if architecture is None:
        raise InputError(
            f"network: one made by trainables.models.build, got {type(network).__name__}. "
            "Set its architecture."
        )
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    about: dict[str, Any] = {
        "version": VERSION,
        "architecture": architecture.to_json(),
        "metadata": dict(metadata or {}),
    }
    text = json.dumps(about | {"sha256": _digest(about, tensors)}, sort_keys=True, allow_nan=False)
    path = Path(path)
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        aside.write_bytes(to_bytes(tensors, {KEY: text}))
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load(
    path: str | Path, *, model: str | None = None, classes: int | None = None, weights: str = "model"
) -> nn.Module:
    """The network in a file, on the CPU, in evaluation mode and in the file's dtype.

    Reads our own files and the checkpoints that `trainables.foreign` lists. What the network is comes from
    the file's content; `model` and `classes` only say what it must be. DIST's files hold two networks:
    `weights` is `model` for the trained one, `ema_model` for its moving average. Nothing but tensors and
    plain values is unpickled.

    Raises:
        InputError: No such file, no checkpoint, another network than asked for, a tensor that does not fit.
        DamagedFileError: A file of ours that is not what was written.
    """
    from trainables.foreign import fill, recognise, state_of

    if model is not None:
        family(model)  # an unknown name is no fault of the file
    path = Path(path)
    with _naming(path):
        about = _about(path)
        if about is not None:
            if weights != "model":
                raise InputError(f"weights: model in our own files, got {weights}. Leave it out.")
            state = _verified(path, about)
            architecture = Architecture.from_json(about["architecture"])
        else:
            state, cfg = state_of(_unpickled(path), weights=weights)
            architecture = recognise(state, model=model, cfg=cfg)
        for key, asked in (("model", model), ("classes", classes)):
            if asked not in (None, has := getattr(architecture, key)):
                raise InputError(f"{key}: {has} in this file, got {asked}. Write {has} or take another file.")
        return fill(build(architecture, seed=0), state).eval()


def describe(path: str | Path) -> Description:
    """What one of our own files says beside its tensors; the tensors are neither read nor checked."""
    with _naming(path):
        about = _about(Path(path))
        if about is None:
            raise InputError("file: one that trainables.save wrote, got another. Load it and save it first.")
        return Description(
            architecture=Architecture.from_json(about["architecture"]), metadata=about["metadata"]
        )


def metadata_of(path: str | Path) -> dict[str, Any]:
    """The metadata in one of our own files; empty for any other, which has none."""
    with _naming(path):
        about = _about(Path(path))
        return {} if about is None else dict(about["metadata"])


@contextmanager
def _naming(path: str | Path) -> Iterator[None]:
    """Puts the file's name before what is wrong with it."""
    try:
        yield
    except (InputError, DamagedFileError) as error:
        raise type(error)(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"{path}: a checkpoint file, got: {error.strerror}. Check the path.") from error


def _about(path: Path) -> dict[str, Any] | None:
    """Our metadata in a file's header; None if the file is not ours."""
    with path.open("rb") as file:
        start = file.read(9)
        if start[8:] != b"{":
            return None
        size, there = int.from_bytes(start[:8], "little"), path.stat().st_size - 8
        if size > there:
            raise DamagedFileError(f"file: a header of {size} bytes, got {there}. Write the file again.")
        text = start[8:] + file.read(size - 1)
    try:
        ours = json.loads(text).get("__metadata__", {}).get(KEY)
        about: dict[str, Any] | None = None if ours is None else json.loads(ours)
    except (ValueError, AttributeError) as error:
        raise DamagedFileError(f"file: a header in JSON, got {error}. Write the file again.") from error
    if about is None:
        return None
    if set(about) != {"version", "architecture", "metadata", "sha256"}:
        raise DamagedFileError(f"file: our four keys in its header, got {sorted(about)}. Write it again.")
    if about["version"] != VERSION:
        raise InputError(f"version: {VERSION}, got {about['version']}. Read it with the code that wrote it.")
    return about


def _verified(path: Path, about: dict[str, Any]) -> Mapping[str, Tensor]:
    """The tensors of one of our files, after a check that they and its metadata are what was written."""
    tensors = _safetensors(path)
    written = about.pop("sha256")
    if written != (found := _digest(about, tensors)):
        raise DamagedFileError(f"file: content with sha256 {written}, got {found}. Write the file again.")
    return tensors


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise DamagedFileError(f"file: whole safetensors, got {error}. Write the file again.") from error


def _unpickled(path: Path) -> object:
    """What `torch.save` wrote, or foreign safetensors; only tensors and plain values are made."""
    import torch

    with path.open("rb") as file:
        if file.read(9)[8:] == b"{":
            return _safetensors(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch meets a broken file with errors of many kinds
        if kind := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise InputError(
                f"checkpoint: tensors and plain values alone, got {kind[1]} among them, which is code. Take "
                "RepDistiller's ckpt_epoch_240.pth, not its *_last.pth, or save the state_dict alone."
            ) from error
        raise InputError(
            f"checkpoint: a whole file of torch.save or safetensors, got {path.stat().st_size} bytes that "
            "are none (cut short, or of another kind). Copy it again."
        ) from error


def _digest(about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    import torch

    digest = sha256(json.dumps(about, sort_keys=True, allow_nan=False).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
