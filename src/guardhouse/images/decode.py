"""From bytes to pictures, within limits. Runs in the reader's process only: these bytes are anybody's."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from guardhouse.images.reading import Unreadable

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
"""What is decoded; whatever else a library knows stays shut."""
MAX_FRAMES = 4
"""Frames of an animation, or pages, that differ and are read."""
_LOOKED_AT = 64
_SEEN = 24
"""Levels of brightness by which two pixels are seen to differ."""
_LEAST_SEEN = 0.0002
"""The part of a picture that must differ for it to be another picture."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An opened image. `pictures` are all ways to look at it, as RGB; `unread` says what was left out."""

    image: Image.Image
    pictures: tuple[Image.Image, ...]
    unread: str = ""


def decode(data: bytes, *, max_pixels: int) -> Decoded:
    """The pictures in `data`, upright. Raises `Unreadable` for what is no image, is broken or has too many pixels."""
    image = open_image(data, max_pixels=max_pixels)
    try:
        frames, unread = _frames(image)
        pictures = [picture for frame in frames for picture in _ways_to_look(frame)]
    except (OSError, ValueError, SyntaxError, IndexError, EOFError, TypeError, KeyError) as error:
        raise Unreadable(f"it is broken ({type(error).__name__})") from None
    return Decoded(image, tuple(pictures), unread)


def open_image(data: bytes, *, max_pixels: int) -> Image.Image:
    """The image, its pixels not yet decoded. Raises `Unreadable`."""
    Image.init()  # otherwise formats but the commonest are unknown
    Image.MAX_IMAGE_PIXELS = None  # checked here, before a pixel is decoded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise Unreadable("it is no image of a known format") from None
    except (OSError, ValueError, SyntaxError, IndexError, EOFError, TypeError, KeyError) as error:
        raise Unreadable(f"it is broken ({type(error).__name__})") from None
    if image.width * image.height > max_pixels:
        raise Unreadable("it has more pixels than are read")
    return image


def _frames(image: Image.Image) -> tuple[list[Image.Image], str]:
    """The frames that differ, and what was left out. The second picture of a camera's file is a preview."""
    if getattr(image, "n_frames", 1) == 1 or image.format == "MPO":
        image.load()
        return [image], ""
    frames: list[Image.Image] = []
    seen: set[bytes] = set()
    for index, frame in enumerate(ImageSequence.Iterator(image)):
        if index >= _LOOKED_AT:
            return frames, f"of its frames only the first {_LOOKED_AT} are looked at"
        content = frame.convert("RGBA").tobytes()
        if content in seen:
            continue
        if len(frames) == MAX_FRAMES:
            return frames, f"of its frames only {MAX_FRAMES} are read"
        seen.add(content)
        frames.append(frame.copy())
    return frames, ""


def _ways_to_look(frame: Image.Image) -> Iterator[Image.Image]:
    """The frame as models may see it: where parts are transparent, on white, on black, and with those parts shown."""
    upright = ImageOps.exif_transpose(frame)
    if not upright.has_transparency_data:
        yield _opaque(upright)
        return
    rgba = upright.convert("RGBA")
    yielded: list[np.ndarray] = []
    for background in ("white", "black", None):
        if background is None:
            picture = Image.merge("RGB", rgba.split()[:3])
        else:
            ground = Image.new("RGBA", rgba.size, background)
            picture = Image.alpha_composite(ground, rgba).convert("RGB")
        gray = np.asarray(picture.convert("L"), dtype=np.int16)
        if all(_differ(gray, other) for other in yielded):
            yielded.append(gray)
            yield picture


def _differ(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.mean(np.abs(one - other) > _SEEN) > _LEAST_SEEN)


def _opaque(image: Image.Image) -> Image.Image:
    """RGB; what has more than 8 bits a channel is spread over the 8 that it gets."""
    if image.mode in ("I", "F", "I;16", "I;16B", "I;16L", "I;16N"):
        levels = np.asarray(image, dtype=np.float64)
        low, high = float(np.nanmin(levels)), float(np.nanmax(levels))
        spread = np.nan_to_num((levels - low) * (255.0 / (high - low if high > low else 1.0)))
        return Image.fromarray(spread.astype(np.uint8)).convert("RGB")
    return image.convert("RGB")
