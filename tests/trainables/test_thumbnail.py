import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.thumbnail import thumbnail


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_a_thumbnail_is_a_png_of_the_same_pixels(channels: int, mode: str) -> None:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8, generator=generator)
    image = Image.open(io.BytesIO(base64.b64decode(thumbnail(pixels))))
    assert (image.format, image.mode, image.size) == ("PNG", mode, (7, 5))
    planes = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
    assert torch.equal(torch.from_numpy(planes.copy()), pixels)
