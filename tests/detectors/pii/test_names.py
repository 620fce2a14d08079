"""Names beside values that a shape and a check vouch for."""

from __future__ import annotations

import pytest

from guardhouse.detectors.pii.names import names_beside
from guardhouse.model.finding import Finding, Span

TEXT = "Ana Lima, 12 Harrow Lane; DNI 12345678Z, Leeds"


def finding(kind: str, words: str, confidence: float = 0.95) -> Finding:
    start = TEXT.index(words)
    return Finding("pii", kind, confidence, ("text",), Span(start, start + len(words)), words)


@pytest.mark.parametrize(
    ("name", "found", "expected"),
    [
        ("Ana Lima", [], ["Ana Lima"]),
        ("12 Harrow Lane", [finding("NIF", "12345678Z")], ["12 Harrow Lane"]),
        ("12 Harrow Lane; DNI 12345678Z", [finding("NIF", "12345678Z")], ["12 Harrow Lane; DNI"]),
        ("12 Harrow Lane; DNI 12345678Z, Leeds", [finding("NIF", "12345678Z")], ["12 Harrow Lane; DNI", "Leeds"]),
        ("12 Harrow Lane; DNI 12345678Z", [finding("NIF", "12345678Z", 0.3)], ["12 Harrow Lane; DNI 12345678Z"]),
        ("12345678Z", [finding("NIF", "12345678Z")], []),
        ("12 Harrow", [finding("AGE", "12")], ["Harrow"]),
        ("Lane; DNI", [finding("AGE", "12 Harrow Lane")], ["DNI"]),
        ("Ana Lima", [finding("PERSON", "Ana")], ["Ana Lima"]),
    ],
    ids=[
        "alone",
        "apart",
        "before",
        "on both sides",
        "unsure value",
        "the value itself",
        "behind",
        "from before",
        "of its own kind",
    ],
)
def test_a_sure_value_is_cut_out_of_a_name(name: str, found: list[Finding], expected: list[str]) -> None:
    told = list(names_beside(found, [finding("LOCATION", name)]))
    assert [one.value for one in told] == expected
    assert all(one.span is not None and TEXT[one.span.start : one.span.end] == one.value for one in told)
