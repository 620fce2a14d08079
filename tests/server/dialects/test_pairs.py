"""Requests and whole answers as the vendors' pages have them; only ids, times and confidences are masked.

A pair is a file of `*/pairs/`: where it comes from, the request, the answer. `<id>`, `<time>`, `<0..1>`, `<raw>`,
`<analyzer>` and `<analyzers>` in an answer stand for what differs from run to run or from model to model.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import RunningServer

HERE = Path(__file__).resolve().parent
PAIRS = sorted(HERE.glob("*/pairs/*.json"))
_ID = re.compile(r"prq_[a-z2-7]{32}|[0-9a-f-]{32,36}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.parametrize("file", PAIRS, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_a_vendors_request_gets_the_vendors_answer(file: Path, guard_server: RunningServer) -> None:
    pair = json.loads(file.read_text("utf-8"))
    request = pair["request"]
    answer = httpx.post(
        guard_server.url + request["path"],
        headers={"Authorization": f"Bearer {guard_server.key}", **request["headers"]},
        json=request["body"],
        timeout=30,
    )
    assert answer.headers["content-type"] == "application/json"
    assert {"status": answer.status_code, "body": masked(answer.json(), pair["answer"]["body"])} == pair["answer"]


def masked(value: Any, like: Any) -> Any:
    """`value` with the masks of `like` where it fits them."""
    if isinstance(like, str) and isinstance(value, str | float | int | list | dict) and _fits(value, like):
        return like
    if isinstance(like, dict) and isinstance(value, dict):
        return {name: masked(item, like.get(name)) for name, item in value.items()}
    if isinstance(like, list) and isinstance(value, list) and len(like) == len(value):
        return [masked(item, pattern) for item, pattern in zip(value, like, strict=True)]
    return value


def _fits(value: Any, mask: str) -> bool:
    if mask.startswith("re:"):
        return isinstance(value, str) and re.fullmatch(mask[3:], value) is not None
    match mask:
        case "<id>":
            return isinstance(value, str) and _ID.fullmatch(value) is not None
        case "<time>":
            return isinstance(value, str) and _TIME.fullmatch(value) is not None
        case "<0..1>":
            return isinstance(value, int | float) and 0 <= value <= 1
        case "<analyzer>":
            return isinstance(value, str) and value != ""
        case "<analyzers>":
            return isinstance(value, list) and value != [] and all(_is_analyzer(item) for item in value)
        case "<raw>":
            return isinstance(value, dict) and set(value) == {"category", "score", "verdict"}
    return False


def _is_analyzer(item: Any) -> bool:
    return set(item) == {"analyzer", "confidence"} and item["analyzer"] != "" and 0 < item["confidence"] <= 1


def test_there_are_pairs_of_both_vendors() -> None:
    assert {file.parent.parent.name for file in PAIRS} == {"pangea", "trend"}


@pytest.mark.parametrize(
    ("value", "like"),
    [
        ("prq_short", "<id>"),
        (1.5, "<0..1>"),
        ([], "<analyzers>"),
        ({"score": 1}, "<raw>"),
        ("yesterday", "<time>"),
        (3, "<id>"),
    ],
)
def test_a_mask_hides_only_what_it_stands_for(value: Any, like: str) -> None:
    assert masked(value, like) == value
