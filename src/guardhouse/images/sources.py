"""From the string that stands for an image to its bytes."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from guardhouse.images.reading import Unreadable

_DATA_URL = re.compile(r"data:(?P<head>[^,]{0,256}),", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n]+")
_WEB = re.compile(r"\s*https?://", re.IGNORECASE)


def is_web_url(url: str) -> bool:
    """True for what would have to be fetched."""
    return _WEB.match(url) is not None


def inline_bytes(url: str, *, limit_bytes: int) -> bytes:
    """The bytes of a data URL (RFC 2397), or of bare base64. The media type is not believed, so not returned.

    Raises `Unreadable` for what is neither, is empty, or has more than `limit_bytes`.
    """
    head = _DATA_URL.match(url)
    encoded = url[head.end() :] if head else url
    if len(encoded) > 4 * limit_bytes:
        raise Unreadable("it has more bytes than are read")
    if head and not head["head"].lower().rstrip().endswith(";base64"):
        data = unquote_to_bytes(encoded)
    else:
        data = _decoded(unquote_to_bytes(encoded).decode("latin-1") if "%" in encoded else encoded)
    if not data:
        raise Unreadable("it is empty")
    if len(data) > limit_bytes:
        raise Unreadable("it has more bytes than are read")
    return data


def data_url(data: bytes, media_type: str, *, like: str) -> str:
    """`data` in the way that `like` stands for an image: bare base64 where that was bare, else a data URL."""
    encoded = base64.b64encode(data).decode("ascii")
    is_bare = _DATA_URL.match(like) is None and not is_web_url(like)
    return encoded if is_bare else f"data:{media_type};base64,{encoded}"


def _decoded(encoded: str) -> bytes:
    """Base64 in either alphabet, with or without its padding, line ends aside. Anything else in it is refused."""
    text = _BLANKS.sub("", encoded).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("its base64 is broken") from None
