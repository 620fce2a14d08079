"""A picture with parts of it painted over."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from guardhouse.images.decode import open_image
from guardhouse.images.reading import Box, Unreadable

_PAD = 2
_SAVED: dict[str, dict[str, Any]] = {"JPEG": {"quality": 90}, "PNG": {}, "GIF": {}, "WEBP": {"lossless": True}}
"""Formats that a picture keeps; others become PNG."""


def painted(data: bytes, boxes: Sequence[Box], *, max_pixels: int) -> tuple[bytes, str]:
    """The image with `boxes` black, and its media type: upright, its first frame only, without metadata.

    Raises `Unreadable`.
    """
    image = open_image(data, max_pixels=max_pixels)
    name = image.format if image.format in _SAVED else "PNG"
    assert name is not None
    try:
        picture = ImageOps.exif_transpose(image)
        mode = "RGBA" if picture.has_transparency_data and name not in ("JPEG", "GIF") else "RGB"
        picture = picture.convert(mode)
        draw = ImageDraw.Draw(picture)
        for left, top, right, bottom in boxes:
            draw.rectangle((left - _PAD, top - _PAD, right + _PAD, bottom + _PAD), fill="black")
        clean = Image.new(mode, picture.size)
        clean.paste(picture)
        out = io.BytesIO()
        clean.save(out, name, **_SAVED[name])
    except (OSError, ValueError, SyntaxError, IndexError, EOFError, TypeError, KeyError) as error:
        raise Unreadable(f"it is broken ({type(error).__name__})") from None
    return out.getvalue(), f"image/{name.lower()}"
