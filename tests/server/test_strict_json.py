from __future__ import annotations

import json
from typing import Any

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.server.strict_json import MAX_DEPTH, decode_json, encode_json


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
        (b'"\\ud800"', "\ud800"),
        (b'"\\u0000 and \\n"', "\x00 and \n"),
        ('"żółć 🙂"'.encode(), "żółć 🙂"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, None),
    ],
)
def test_what_json_allows_is_read(body: bytes, document: Any) -> None:
    read = decode_json(body)
    if document is not None:
        assert read == document


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{",
        b"{'a': 1}",
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"1" * 5000,
        b'"\x00"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b'["\\ud800",' + b"[" * 500 + b"]" * 500 + b"]",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_anything_else_is_the_callers_mistake(body: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        decode_json(body)
    assert raised.value.path == ()


def test_the_error_does_not_quote_the_body() -> None:
    with pytest.raises(InvalidInput) as raised:
        decode_json(b'{"password": "hunter2" "x"}')
    assert "hunter2" not in raised.value.detail


@pytest.mark.parametrize("value", [{"a": "ż"}, ["\ud800", "x"], {"\udfff": "\x00"}])
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    assert json.loads(encode_json(value)) == value
