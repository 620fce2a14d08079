"""Strings that an image carries beside its pixels: PNG text, EXIF, XMP, comments. Models and tools may read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from PIL import ExifTags, Image

from guardhouse.images.reading import Line

MAX_CHARACTERS = 20_000
_EXIF_TAGS = {
    number: ExifTags.TAGS[number]
    for number in (
        0x010D,
        0x010E,
        0x010F,
        0x0110,
        0x0131,
        0x013B,
        0x8298,
        0x9286,
        0x9C9B,
        0x9C9C,
        0x9C9D,
        0x9C9E,
        0x9C9F,
    )
}
_XP_TAGS = frozenset(range(0x9C9B, 0x9CA0))
"""Windows' own tags, in UTF-16."""
_USER_COMMENT = 0x9286
_CHARSETS = {b"ASCII\0\0\0": "utf-8", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}
_XMP_NODES = re.compile(r">([^<]{2,20000})<")
_XMP_ATTRIBUTES = re.compile(r"""\s(?!xmlns)[\w:.-]{1,80}\s*=\s*(?:"([^"]{2,20000})"|'([^']{2,20000})')""")
_PROSE = re.compile(r"\w\s+\w|@|://")
_LETTERS = re.compile(r"[^\W\d_]{2}")


def metadata_lines(image: Image.Image) -> tuple[list[Line], str]:
    """The strings with letters in them, each once, and what was left out. `image` must be decoded already."""
    lines: list[Line] = []
    left = MAX_CHARACTERS
    for text in dict.fromkeys(_strings(image)):
        clean = " ".join(text.replace("\0", " ").split())
        if not _LETTERS.search(clean):
            continue
        if len(clean) > left:
            lines.append(Line(clean[:left]))
            return lines, "its metadata is longer than is read"
        left -= len(clean)
        lines.append(Line(clean))
    return lines, ""


def _strings(image: Image.Image) -> Iterator[str]:
    known = dict(getattr(image, "text", None) or {})
    for name, value in known.items():
        if "xmp" not in name.lower():
            yield f"{name}: {value}"
    comment = image.info.get("comment")
    if comment:
        yield _decoded(comment)
    yield from _exif(image)
    yield from _xmp(image)


def _exif(image: Image.Image) -> Iterator[str]:
    try:
        exif = image.getexif()
        tables: list[dict[int, Any]] = [dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))]
    except (ValueError, SyntaxError, TypeError, KeyError, OSError, EOFError, IndexError):
        return  # the pixels could be read all the same
    for table in tables:
        for number in _EXIF_TAGS:
            value = table.get(number)
            if not value:
                continue
            if number in _XP_TAGS and isinstance(value, bytes | tuple):
                yield bytes(value).decode("utf-16-le", "replace")
            elif number == _USER_COMMENT and isinstance(value, bytes):
                yield value[8:].decode(_CHARSETS.get(value[:8], "utf-8"), "replace")
            else:
                yield _decoded(value)


def _xmp(image: Image.Image) -> Iterator[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    text = _decoded(packet)[: 4 * MAX_CHARACTERS]
    for found in _XMP_NODES.finditer(text):
        yield unescape(found[1])
    for found in _XMP_ATTRIBUTES.finditer(text):
        value = unescape(found[1] or found[2])
        if _PROSE.search(value):
            yield value


def _decoded(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
