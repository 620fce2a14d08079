"""QR codes in a picture."""

from __future__ import annotations

import cv2
import numpy as np

from guardhouse.images.reading import Box, Line

MAX_CHARACTERS = 4_296
"""What the largest code holds (ISO/IEC 18004, version 40, alphanumeric)."""
_MIN_SIDE = 21
_SCALES = (1, 0.5, 1.5, 2, 0.75)
_ENLARGED_PIXELS = 2_000_000
_QUIET = 40
"""Pixels of white around the picture: a code that fills it lacks the quiet zone without which it is not found."""


def code_lines(picture: np.ndarray) -> list[Line]:
    """What the QR codes of an RGB picture say, in no special order.

    A code that is seen and cannot be read is looked at again in other sizes: where its squares fall between the pixels,
    one size fails and another does not.
    """
    if min(picture.shape[:2]) < _MIN_SIDE:
        return []
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    framed = cv2.copyMakeBorder(gray, _QUIET, _QUIET, _QUIET, _QUIET, cv2.BORDER_CONSTANT, value=(255,))
    lines: dict[str, Line] = {}
    for scale in _SCALES:
        if scale > 1 and framed.size > _ENLARGED_PIXELS:
            continue
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        sized = framed if scale == 1 else cv2.resize(framed, None, fx=scale, fy=scale, interpolation=how)
        found = _found(sized)
        for text, corners in found:
            if text.strip():
                lines.setdefault(text, Line(text[:MAX_CHARACTERS], _box(corners / scale)))
        if len(lines) >= len(found):
            break
    return list(lines.values())


def _found(gray: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Text, empty for a code that could not be read, and corners of each code."""
    try:
        _, texts, corners, _ = cv2.QRCodeDetectorAruco().detectAndDecodeMulti(gray)
    except cv2.error:
        return []
    return [] if corners is None or not len(corners) else list(zip(texts, corners, strict=False))


def _box(corners: np.ndarray) -> Box:
    left, top = np.floor(corners.min(axis=0)).astype(int) - _QUIET
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1 - _QUIET
    return max(0, int(left)), max(0, int(top)), max(1, int(right)), max(1, int(bottom))
