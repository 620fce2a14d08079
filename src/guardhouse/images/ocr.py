"""Lines of print in a picture, by RapidOCR. Offline: its models come in its own package."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import cv2
import numpy as np
from rapidocr import RapidOCR
from rapidocr.utils.process_img import get_rotate_crop_image

from guardhouse.images.reading import Box, Line

MAX_PIXELS = 3_000_000
"""A larger picture is made smaller: what is then too small to read, a model does not read either."""
_TILE_WIDTH = 2048
_TILE_PIXELS = 600_000
"""Small, so that what is read in time is told although the rest is not, and so that memory stays small."""
_OVERLAP = 64
"""Pixels by which the pieces of a picture overlap, so that no line is cut in all of them."""
_PIECE_RATIO = 14
"""Widest part of a line that is read at once, in heights of the line."""
_LEAST_CONFIDENCE = 0.5
_MARGIN = 24
"""Pixels of background around a piece: print that touches the edge is read less well."""


class Ocr:
    """The loaded models, once per thread: of one that has several threads to itself, half the time is spent waiting."""

    def __init__(self, *, threads: int) -> None:
        cv2.setNumThreads(1)
        self._free: SimpleQueue[RapidOCR] = SimpleQueue()
        for _ in range(threads):
            self._free.put(_engine())
        self._pool = ThreadPoolExecutor(threads)

    def lines(self, picture: np.ndarray, *, until: float = float("inf")) -> tuple[list[Line], bool]:
        """The lines of an RGB picture, from top to bottom, and whether all of it was read.

        Stops soon after the `time.monotonic()` instant `until`. About linear in the picture's pixels and its letters.
        """
        if not np.any(picture != picture[:1, :1]):
            return [], True
        scale = self._scale(picture)
        if scale < 1:
            picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found: dict[tuple[str, int, int], Line] = {}
        for left, top, tile in _tiles(picture):
            if time.monotonic() > until:
                return list(found.values()), False
            lines = list(self._tile_lines(tile, left, top, scale, until))
            for line in lines:
                if line is not None and line.box is not None:
                    near = (line.text, (line.box[0] + line.box[2]) // 32, (line.box[1] + line.box[3]) // 32)
                    found.setdefault(near, line)
            if None in lines:
                return list(found.values()), False
        return list(found.values()), True

    @staticmethod
    def _scale(picture: np.ndarray) -> float:
        pixels = picture.shape[0] * picture.shape[1]
        return float((MAX_PIXELS / pixels) ** 0.5) if pixels > MAX_PIXELS else 1.0

    def _tile_lines(self, tile: np.ndarray, left: int, top: int, scale: float, until: float) -> Iterator[Line | None]:
        """The lines of one piece, None for one for which there was no time."""
        border = tuple(int(level) for level in np.median(tile.reshape(-1, 3)[::97], axis=0))
        framed = cv2.copyMakeBorder(tile, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_CONSTANT, value=border)
        framed = framed[:, :, ::-1]  # the networks want blue first
        found = self._ask(framed, use_det=True, use_cls=False, use_rec=False)
        boxes = [] if found.boxes is None else [np.asarray(corners, dtype=np.float32) for corners in found.boxes]
        texts = self._pool.map(lambda points: self._text(get_rotate_crop_image(framed, points), until), boxes)
        for points, text in zip(boxes, texts, strict=True):
            if text is None:
                yield None
            elif text:
                yield Line(text, _box(points, left - _MARGIN, top - _MARGIN, scale))

    def _text(self, line: np.ndarray, until: float) -> str | None:
        """What a line says, None where the time is up."""
        if time.monotonic() > until:
            return None
        return "".join(self._words(piece) + gap for piece, gap in _pieces(line)).strip()

    def _words(self, line: np.ndarray) -> str:
        read = self._ask(line, use_det=False, use_cls=True, use_rec=True)
        sure = zip(read.txts or (), read.scores or (), strict=True)
        return "".join(text for text, confidence in sure if confidence >= _LEAST_CONFIDENCE)

    def _ask(self, pixels: np.ndarray, **steps: bool) -> Any:
        engine = self._free.get()
        try:
            return engine(pixels, **steps)
        finally:
            self._free.put(engine)


def _engine() -> RapidOCR:
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": 2 * _TILE_WIDTH,
            "Global.min_side_len": 1,
            "Det.limit_type": "max",
            "Det.limit_side_len": 2 * _TILE_WIDTH,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _pieces(line: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """Parts of a line that the network reads well, cut where there is no ink, and what stands behind each.

    A line is read at a height of 48 pixels; of one much wider than in its training the network makes nonsense.
    """
    height, width = line.shape[:2]
    most = max(1, int(_PIECE_RATIO * height))
    if width <= most:
        yield line, ""
        return
    gray = cv2.cvtColor(np.ascontiguousarray(line), cv2.COLOR_BGR2GRAY).astype(np.int16)
    empty = np.ptp(gray, axis=0) < max(8, int(np.ptp(gray)) // 5)
    start = 0
    while width - start > most:
        cut, gap = _widest_gap(empty, start + most // 2, start + most)
        yield line[:, start:cut], " " if gap >= height // 6 else ""
        start = cut
    yield line[:, start:], ""


def _widest_gap(empty: np.ndarray, low: int, high: int) -> tuple[int, int]:
    """The middle and the width of the widest run of empty columns; `high` and 0 where there is none."""
    best, width, run = high, 0, 0
    for column in range(low, high):
        run = run + 1 if empty[column] else 0
        if run > width:
            best, width = column - run // 2, run
    return best, width


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
