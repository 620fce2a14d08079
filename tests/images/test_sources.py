"""Strings that stand for images."""

from __future__ import annotations

import base64

import pytest

from guardhouse.images.reading import Unreadable
from guardhouse.images.sources import data_url, inline_bytes, is_web_url

DATA = bytes(range(256))
TEXT = base64.b64encode(DATA).decode()
LONGER = base64.b64encode(DATA + b"abc").decode()
URL_SAFE = base64.urlsafe_b64encode(DATA).decode()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"data:image/png;base64,{TEXT}", id="data-url"),
        pytest.param(f"DATA:;BASE64,{TEXT}", id="capitals-no-type"),
        pytest.param(f"data:text/html;charset=x;base64,{TEXT}", id="another-type"),
        pytest.param(f"data:image/png;base64,{TEXT.rstrip('=')}", id="no-padding"),
        pytest.param(f"data:image/png;base64,{URL_SAFE}", id="url-safe-alphabet"),
        pytest.param(f"data:image/png;base64,{TEXT[:40]}\r\n {TEXT[40:]}", id="line-ends"),
        pytest.param("data:image/png;base64," + TEXT.replace("+", "%2B").replace("/", "%2F"), id="percent-escapes"),
        pytest.param("data:image/png," + "".join(f"%{byte:02x}" for byte in DATA), id="no-base64"),
        pytest.param(TEXT, id="bare-base64"),
    ],
)
def test_bytes_of_a_source(url: str) -> None:
    assert inline_bytes(url, limit_bytes=256) == DATA


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("data:image/png;base64,@@@@", "its base64 is broken", id="not-base64"),
        pytest.param("data:image/png;base64,A", "its base64 is broken", id="one-letter"),
        pytest.param("file:///etc/passwd", "its base64 is broken", id="a-file"),
        pytest.param("data:image/png;base64,ÄÄÄÄ", "its base64 is broken", id="not-ascii"),
        pytest.param("data:,", "it is empty", id="empty-data"),
        pytest.param("", "it is empty", id="empty"),
        pytest.param(f"data:image/png;base64,{LONGER}", "it has more bytes than are read", id="one-too-many"),
        pytest.param("data:image/png;base64," + "A" * 5000, "it has more bytes than are read", id="far-too-many"),
    ],
)
def test_what_is_no_source(url: str, message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        inline_bytes(url, limit_bytes=258)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("url", "web"),
    [("http://a.example/b.png", True), (" HTTPS://a.example", True), ("data:image/png,x", False), (TEXT, False)],
)
def test_what_would_have_to_be_fetched(url: str, web: bool) -> None:
    assert is_web_url(url) is web


@pytest.mark.parametrize(
    ("like", "written"),
    [
        ("data:image/jpeg;base64,xxxx", f"data:image/png;base64,{TEXT}"),
        ("https://a.example/b", f"data:image/png;base64,{TEXT}"),
        ("AAAA", TEXT),
    ],
)
def test_an_image_is_written_as_it_came(like: str, written: str) -> None:
    assert data_url(DATA, "image/png", like=like) == written
