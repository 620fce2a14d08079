"""Lines of print in a picture, by RapidOCR. Offline: its models come in its own package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from rapidocr import RapidOCR

from guardhouse.images.reading import Box, Line

MAX_PIXELS = 6_000_000
"""A larger picture is made smaller: what is then too small to read, a model does not read either."""
_TILE_WIDTH = 2048
_TILE_PIXELS = 1_600_000
_OVERLAP = 64
"""Pixels by which the pieces of a picture overlap, so that no line is cut in all of them."""
_MARGIN = 24
"""Pixels of background around a piece: print that touches the edge is read less well."""


class Ocr:
    """The loaded models. One thread uses it."""

    def __init__(self, *, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.max_side_len": 2 * _TILE_WIDTH,
                "Global.min_side_len": 1,
                "Det.limit_type": "max",
                "Det.limit_side_len": 2 * _TILE_WIDTH,
                "Rec.rec_batch_num": 1,  # a batch is as wide as its widest line: one by one costs a fifth less
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def lines(self, picture: np.ndarray) -> list[Line]:
        """The lines of an RGB picture, from top to bottom. About linear in its pixels and its lines."""
        if not np.any(picture != picture[:1, :1]):
            return []
        scale = self._scale(picture)
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found: dict[tuple[str, int, int], Line] = {}
        for left, top, tile in _tiles(picture):
            for line in self._tile_lines(tile, left, top, scale):
                assert line.box is not None
                near = (line.text, (line.box[0] + line.box[2]) // 32, (line.box[1] + line.box[3]) // 32)
                found.setdefault(near, line)
        return list(found.values())

    @staticmethod
    def _scale(picture: np.ndarray) -> float:
        pixels = picture.shape[0] * picture.shape[1]
        return float((MAX_PIXELS / pixels) ** 0.5) if pixels > MAX_PIXELS else 1.0

    def _tile_lines(self, tile: np.ndarray, left: int, top: int, scale: float) -> Iterator[Line]:
        border = tuple(int(level) for level in np.median(tile.reshape(-1, 3)[::97], axis=0))
        framed = cv2.copyMakeBorder(tile, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_CONSTANT, value=border)
        result: Any = self._engine(framed[:, :, ::-1])
        if result.boxes is None or not result.txts:
            return
        for corners, text in zip(result.boxes, result.txts, strict=True):
            yield Line(text, _box(np.asarray(corners), left - _MARGIN, top - _MARGIN, scale))


def _tiles(picture: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Left, top and pixels of the pieces, in reading order: strips over the whole width where that is possible."""
    height, width = picture.shape[:2]
    tile_width = min(width, _TILE_WIDTH)
    tile_height = max(_OVERLAP * 2, _TILE_PIXELS // tile_width)
    for top in _starts(height, tile_height):
        for left in _starts(width, tile_width):
            yield left, top, np.ascontiguousarray(picture[top : top + tile_height, left : left + tile_width])


def _starts(length: int, tile: int) -> Iterator[int]:
    start = 0
    yield start
    while start + tile < length:
        start += tile - _OVERLAP
        yield start


def _box(corners: np.ndarray, left: int, top: int, scale: float) -> Box:
    origin = np.array((left, top))
    low = np.floor((corners.min(axis=0) + origin) / scale).astype(int)
    high = np.ceil((corners.max(axis=0) + origin) / scale).astype(int) + 1
    return max(0, int(low[0])), max(0, int(low[1])), max(1, int(high[0])), max(1, int(high[1]))
