"""Reads the images of a conversation, each once: what was read is remembered by its content."""

from __future__ import annotations

import hashlib
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

from guardhouse.errors import MissingExtra
from guardhouse.images.fetch import fetch_image, is_allowed
from guardhouse.images.process import ReaderProcess
from guardhouse.images.reading import LATE, Box, ImageReading, Line, Recognised, Unreadable
from guardhouse.images.sources import data_url, inline_bytes, is_web_url
from guardhouse.model.conversation import ContentPart
from guardhouse.settings import Settings

REMEMBERED = 512
"""Images whose text is remembered: an agent sends the same ones again with every turn."""
REMEMBERED_CHARACTERS = 4_000_000
_SPARE_SHARE = 0.3
"""The part of an image's time that is left for what was begun before."""
PURPOSE = "reading the text in images"


def require_extra() -> None:
    """Raises `MissingExtra` where what reads images is not installed."""
    if any(find_spec(module) is None for module in ("rapidocr", "PIL")):
        raise MissingExtra("ocr", PURPOSE)


class ImageReader:
    """Reads and paints under the limits of `settings`. Cheap to make; its process starts with the first image."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process = ReaderProcess(threads=settings.image_threads, memory_mb=settings.image_memory_mb)
        self._memory = _Memory()
        weakref.finalize(self, self._process.close)

    def read(self, parts: Sequence[ContentPart], *, until: float) -> tuple[ImageReading, ...]:
        """A reading per image part, in order, all before the `time.monotonic()` instant `until`.

        Raises `MissingExtra`; what cannot be read does not raise, its reading says so.
        """
        require_extra()
        return tuple(self._reading(part, index, until) for index, part in enumerate(parts))

    def paint(self, part: ContentPart, boxes: Iterable[Box], *, until: float) -> str:
        """The image of `part` with `boxes` painted over and without its metadata, in the way that it was given.

        Raises `Unreadable` when that cannot be done, `MissingExtra`.
        """
        require_extra()
        data = self._bytes(part.text, until)
        message = {"boxes": list(boxes), "max_pixels": self._settings.image_max_pixels}
        answer, image = self._process.ask(message, data, until=until)
        if answer["unread"]:
            raise Unreadable(answer["unread"])
        return data_url(image, answer["media_type"], like=part.text)

    def close(self) -> None:
        """Ends the process, if there is one."""
        self._process.close()

    @property
    def pid(self) -> int | None:
        """The process that reads, if there is one."""
        return self._process.pid

    def _reading(self, part: ContentPart, index: int, until: float) -> ImageReading:
        settings = self._settings
        if index >= settings.max_images:
            return ImageReading(part.path, unread=f"only {settings.max_images} images of a request are read")
        if is_web_url(part.text) and not is_allowed(part.text, settings.image_hosts):
            return ImageReading(part.path, unwanted="images are not fetched from its host (setting image_hosts)")
        try:
            recognised = self._recognised(self._bytes(part.text, until), until)
        except Unreadable as error:
            return ImageReading(part.path, unread=str(error))
        return ImageReading(part.path, recognised.lines, recognised.unread)

    def _bytes(self, url: str, until: float) -> bytes:
        limit = self._settings.image_max_bytes
        if not is_web_url(url):
            return inline_bytes(url, limit_bytes=limit)
        left_s = until - time.monotonic()
        return fetch_image(url.strip(), hosts=self._settings.image_hosts, limit_bytes=limit, timeout_s=left_s)

    def _recognised(self, data: bytes, until: float) -> Recognised:
        key = hashlib.blake2b(data, digest_size=16).digest()
        known = self._memory.get(key)
        if known is not None:
            return known
        # Clocks of one machine agree. What was read in most of the time is told, rather than nothing when it is up.
        soft = until - _SPARE_SHARE * (until - time.monotonic())
        message = {"boxes": None, "max_pixels": self._settings.image_max_pixels, "until": soft}
        answer, _ = self._process.ask(message, data, until=until)
        lines = tuple(Line(text, None if box is None else tuple(box)) for text, box in answer["lines"])
        recognised = Recognised(lines, answer["unread"])
        if recognised.unread != LATE:
            self._memory.put(key, recognised)
        return recognised


class _Memory:
    """The least recently used readings by a digest of the image. Safe between threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Recognised] = OrderedDict()
        self._characters = 0
        self._lock = threading.Lock()

    def get(self, key: bytes) -> Recognised | None:
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
            return known

    def put(self, key: bytes, recognised: Recognised) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = recognised
            self._characters += _size(recognised)
            while len(self._kept) > REMEMBERED or self._characters > REMEMBERED_CHARACTERS:
                _, forgotten = self._kept.popitem(last=False)
                self._characters -= _size(forgotten)


def _size(recognised: Recognised) -> int:
    return sum(len(line.text) for line in recognised.lines)
