"""Print that is too faint for a person and not for a model, made plain."""

from __future__ import annotations

import cv2
import numpy as np

_LEAST, _MOST = 2, 14
"""Levels of brightness by which faint print differs from the ground around it."""
_NEAR = 9
"""Pixels around plain print in which what is faint is its soft edge."""
_GROUND = 41
_LEAST_PART, _MOST_PART = 0.0005, 0.25
_CLEAN_PART = 0.5


def faint_print(picture: np.ndarray) -> np.ndarray | None:
    """The faint strokes of an RGB picture as black on white, None where there are none that could be print.

    Only for drawn pictures, of which most is one flat ground: photographs have faint strokes everywhere. Linear in the
    pixels.
    """
    most = np.zeros(picture.shape[:2], dtype=np.int16)
    for channel in range(3):
        levels = np.ascontiguousarray(picture[:, :, channel])
        ground = cv2.medianBlur(levels, _GROUND)
        most = np.maximum(most, np.abs(levels.astype(np.int16) - ground))
    if np.mean(most == 0) < _CLEAN_PART:
        return None
    plain = cv2.dilate((most > _MOST).astype(np.uint8), np.ones((_NEAR, _NEAR), dtype=np.uint8))
    faint = np.where((most >= _LEAST) & (plain == 0), most, 0)
    if not _LEAST_PART <= np.mean(faint > 0) <= _MOST_PART:
        return None
    inked = 255 - np.minimum(255, faint * (255 // max(1, int(faint.max()))))
    return np.repeat(inked.astype(np.uint8)[:, :, None], 3, axis=2)
