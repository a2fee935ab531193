"""Random numbers from names: every generator is a function of what it is for, never of history.

``generator(seed, "sparsity", epoch, "crops")`` gives the same numbers in the first epoch after a resume
as in an uninterrupted run, and two purposes never share a stream.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive(*parts: int | str) -> int:
    """The seed named by ``parts``, an integer in 0..2**63 - 1.

    It is the first 63 bits of the SHA-256 of the parts written as a JSON list, so ``1`` and ``"1"``,
    ``("a", "bc")`` and ``("ab", "c")`` are different names. The same on every machine and version.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*parts: int | str, device: str = "cpu") -> torch.Generator:
    """A fresh torch generator on ``device``, seeded with ``derive(*parts)``.

    torch's CPU generator (mt19937) uses the low 32 bits of a seed, which are as good as any others here.
    Draw on the CPU and move the numbers wherever runs on several kinds of device must see the same ones.
    """
    import torch

    return torch.Generator(device=device).manual_seed(derive(*parts))
