"""An image as text that a page can hold."""

import base64
import io

from PIL import Image
from torch import Tensor


def thumbnail(pixels: Tensor) -> str:
    """A PNG, in base64, of one image, uint8 (C, H, W) with one channel (grey) or three (colour)."""
    array = pixels.cpu().permute(1, 2, 0).numpy()
    picture = Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
