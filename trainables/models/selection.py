"""Channel selection: how a pre-activation network loses the channels that others still need."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class ChannelSelection(nn.Module):
    """Passes on those channels of an image batch N × C × H × W whose entry in `indexes` is not 0.

    `indexes` has one entry a channel, 1 or 0, as in network-slimming's channel_selection.py, whose
    checkpoints so fit. There it is a Parameter without gradient, here a buffer, so no optimizer sees it.
    There it is copied to the CPU and searched in every forward pass; here its positions are searched only
    after it has changed, and a full selection hands its input on as it is.
    """

    indexes: Tensor

    def __init__(self, channels: int, kept: int) -> None:
        """Selects the first `kept` of `channels` channels, until a state is loaded."""
        super().__init__()
        self.register_buffer("indexes", (torch.arange(channels) < kept).to(torch.get_default_dtype()))
        self._seen: tuple[Tensor, int] | None = None
        self._positions: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        """N × C × H × W to N × kept × H × W, in the memory format of the input."""
        positions = self.positions()
        if positions is None:
            return images
        if images.is_contiguous():
            return images.index_select(1, positions)
        return images.movedim(1, -1).index_select(-1, positions).movedim(-1, 1)

    def positions(self) -> Tensor | None:
        """The selected channels as an index on the device of `indexes`; None if it selects all."""
        seen = (self.indexes, self.indexes._version)
        if self._seen is None or self._seen[0] is not seen[0] or self._seen[1] != seen[1]:
            positions = self.indexes.detach().nonzero().flatten()
            self._positions = None if len(positions) == len(self.indexes) else positions
            self._seen = seen
        return self._positions

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_seen": None, "_positions": None}

    def extra_repr(self) -> str:
        """Shown in the printed network."""
        return f"{int(self.indexes.count_nonzero())} of {len(self.indexes)}"
