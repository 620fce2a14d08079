"""Texts with a vendor's own markers where the engine put others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from guardhouse.model.conversation import Path
from guardhouse.model.evaluation import Evaluation, Redaction

Marker = Callable[[Redaction], str | None]
"""What stands for a redaction; None keeps what the engine put there."""


def marked_texts(evaluation: Evaluation, marker: Marker) -> dict[Path, str]:
    """The changed texts of `evaluation` with the vendor's markers. Linear in their length."""
    by_path: dict[Path, list[Redaction]] = {}
    for redaction in evaluation.redactions:
        by_path.setdefault(redaction.path, []).append(redaction)
    return {path: _marked(text, by_path.get(path, ()), marker) for path, text in evaluation.texts.items()}


def _marked(text: str, redactions: Iterable[Redaction], marker: Marker) -> str:
    out: list[str] = []
    position = 0
    for redaction in sorted(redactions, key=lambda item: item.redacted_span.start):
        span = redaction.redacted_span
        out.append(text[position : span.start])
        shown = text[span.start : span.end]
        position = span.end
        mark = marker(redaction)
        if mark is None:
            out.append(shown)
            continue
        # A number inside a tool call's JSON was put in quotes to stay JSON.
        is_quoted = shown.startswith('"') and shown.endswith('"') and len(shown) > 1
        out.append(f'"{mark}"' if is_quoted else mark)
    out.append(text[position:])
    return "".join(out)
