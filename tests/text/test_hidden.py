"""What invisible characters spell."""

from __future__ import annotations

import pytest

from guardhouse.text.hidden import decode_bits, decode_selectors, decode_tags, is_flag, printable


def test_tags_that_are_no_characters_are_left_out() -> None:
    assert decode_tags("\U000e0001\U000e0041\U000e007f") == "A"


@pytest.mark.parametrize(
    ("before", "region", "expected"),
    [("🏴", "gbsct", True), ("🏴", "GBSCT", False), ("x", "gbsct", False), ("🏴", "ignoreall", False)],
)
def test_flags(before: str, region: str, expected: bool) -> None:
    run = "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    assert is_flag(before, run) is expected


def test_selectors_of_both_blocks() -> None:
    assert decode_selectors("\U000e0158\U000e0159\ufe09\U000e015a") == "hi\tj"
    assert decode_selectors("\U000e0158\U000e0159") is None


def test_bits_either_way_round() -> None:
    bits = "".join(f"{byte:08b}" for byte in b"code")
    for zero, one in (("\u200b", "\u200c"), ("\u200c", "\u200b"), ("\u2063", "\u2064")):
        assert decode_bits(bits.replace("0", zero).replace("1", one)) == "code"
    assert decode_bits("\u200b\u200c\u200d" * 20) is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"plain text\n", "plain text\n"),
        ("ключ".encode(), "ключ"),
        ("PowerShell".encode("utf-16-le"), "PowerShell"),
        (b"nine bytes\x00 and one bad", "nine bytes\x00 and one bad"),
        (b"\x00\x01\x02text", None),
        (bytes(range(128, 160)), None),
        (b"", None),
    ],
)
def test_printable(data: bytes, expected: str | None) -> None:
    assert printable(data) == expected
