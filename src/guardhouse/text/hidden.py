"""Messages written in characters that show nothing: tags, variation selectors, zero-width bits."""

from __future__ import annotations

_BLACK_FLAG = "\U0001f3f4"
_CANCEL_TAG = "\U000e007f"
_MIN_SELECTORS = 4
_MIN_BITS = 32
_MIN_PRINTABLE = 0.9


def decode_tags(run: str) -> str:
    """The ASCII characters for which the code points of the tag block stand; others are left out."""
    return "".join(chr(point) for letter in run if 0x20 <= (point := ord(letter) - 0xE0000) < 0x7F)


def is_flag(before: str, run: str) -> bool:
    """True for the tags that make the flag of a region (`gbsct`) after a black flag."""
    region = decode_tags(run)
    return before == _BLACK_FLAG and run[-1] == _CANCEL_TAG and len(run) <= 8 and region.isalnum() and region.islower()


def decode_selectors(run: str) -> str | None:
    """The text whose bytes a run of variation selectors stands for, or None where it is none.

    Selectors 1 to 16 are the bytes 0 to 15, selectors 17 to 256 the bytes 16 to 255.
    """
    if len(run) < _MIN_SELECTORS:
        return None
    values = bytearray()
    for letter in run:
        point = ord(letter)
        if 0xFE00 <= point <= 0xFE0F:
            values.append(point - 0xFE00)
        elif 0xE0100 <= point <= 0xE01EF:
            values.append(point - 0xE0100 + 16)
    return printable(bytes(values))


def decode_bits(run: str) -> str | None:
    """The text that a run of two zero-width characters, one for each bit, stands for; None where it is none."""
    used = sorted(set(run)) if len(run) >= _MIN_BITS else []
    if len(used) != 2:
        return None
    for zero, one in (used, reversed(used)):
        bits = run.replace(zero, "0").replace(one, "1")
        whole = len(bits) // 8 * 8
        decoded = printable(int(bits[:whole], 2).to_bytes(whole // 8, "big"))
        if decoded is not None:
            return decoded
    return None


def printable(data: bytes) -> str | None:
    """`data` read as UTF-8 (or UTF-16 where every other byte is zero) if at least 90 % of it can be printed."""
    if not data:
        return None
    if len(data) >= 8 and data[1::2].count(0) > 0.4 * len(data) and data[0::2].count(0) == 0:
        text = data[: len(data) // 2 * 2].decode("utf-16-le", "replace")
    else:
        text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd") + sum(map(text.count, _UNPRINTABLE))
    return text if bad <= (1 - _MIN_PRINTABLE) * len(text) else None


_UNPRINTABLE = tuple(chr(point) for point in (*range(9), 11, 12, *range(14, 32), *range(127, 160)))
