"""Text of SVG images. They are not drawn: letters that are drawn as outlines are not read."""

from __future__ import annotations

import re
from typing import NoReturn
from xml.parsers import expat

from guardhouse.images.reading import Line, Unreadable

MAX_CHARACTERS = 100_000
_SVG = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?s:.){0,8000}?(?<=<)(?:\w{1,20}:)?svg\b")
_TOLD = frozenset({"href", "xlink:href", "title", "aria-label", "alt", "content"})
"""Attributes that hold what a reader, or a program, may be told."""


def is_svg(data: bytes) -> bool:
    """True for what begins as an SVG document does."""
    return _SVG.match(data) is not None


def svg_lines(data: bytes) -> tuple[list[Line], str]:
    """The document's text, one element a line, and what was left out. No entity is expanded, nothing is loaded.

    Raises `Unreadable` for what is not well-formed, declares entities or is too long.
    """
    lines: list[str] = []
    pieces: list[str] = []
    pictures = 0

    def flush() -> None:
        text = " ".join("".join(pieces).split())
        pieces.clear()
        if text:
            lines.append(text)

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal pictures
        if name.rpartition(":")[2] != "tspan":
            flush()
        for attribute, value in attributes.items():
            if attribute.lower() in _TOLD and value.strip():
                if value.lstrip()[:5].lower() == "data:":
                    pictures += 1
                else:
                    lines.append(value.strip())

    def end(name: str) -> None:
        if name.rpartition(":")[2] != "tspan":
            flush()

    def refuse(*_: object) -> NoReturn:
        raise Unreadable("it is an SVG image that declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = pieces.append
    parser.CommentHandler = lambda text: lines.append(" ".join(text.split()))
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise Unreadable("it is an SVG image that is not well-formed") from None
    if sum(map(len, lines)) > MAX_CHARACTERS:
        raise Unreadable("it is an SVG image with more text than is read")
    unread = "it is an SVG image with other images in it" if pictures else ""
    return [Line(text) for text in lines if text], unread
