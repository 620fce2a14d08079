"""Links that are followed without a click: images, frames, scripts and style sheets, in Markdown, HTML and CSS."""

from __future__ import annotations

import re

from guardhouse.detectors.base import TextEvidence
from guardhouse.model.finding import Span

_NEAR = 320
_OPENS = re.compile(
    r"!\[[^\]\n]{0,200}\]\(\s*<?$"
    r"|<(?:img|iframe|frame|script|audio|video|source|embed|track|input|image)\b[^<>]{0,300}\b(?:src|srcset|href|poster)"
    r"\s*=\s*[\"']?\s*$"
    r"|<(?:link|object|body|table|td)\b[^<>]{0,300}\b(?:href|data|background)\s*=\s*[\"']?\s*$"
    r"|(?:background(?:-image)?|content|src|list-style(?:-image)?|cursor|border-image)\s*:[^;{}\n]{0,60}url\(\s*[\"']?$"
    r"|@import\s+(?:url\(\s*)?[\"']?$",
    re.IGNORECASE,
)
_LEADS = frozenset("(=:tT")
"""The last letters of what can stand before such a link: `](`, `src=`, `url(`, `[label]:`, `@import`."""

_DEFINES = re.compile(r"(?:^|\n)[ \t]{0,3}\[([^\]\n]{1,100})\]:[ \t]*<?$")
_USES = re.compile(r"!\[([^\]\n]{0,200})\](?:\[([^\]\n]{0,100})\])?")


def reference_images(text: TextEvidence) -> frozenset[str]:
    """The labels under which Markdown images of any view name links that stand elsewhere (`![x][label]`)."""
    labels: set[str] = set()
    for view in text.normalized.views:
        if not view.disguised and "![" in view.text and "]:" in view.text:
            labels.update((found[2] or found[1]).lower() for found in _USES.finditer(view.text))
    return frozenset(labels)


def loaded_by_itself(text: str, link: Span, images: frozenset[str]) -> bool:
    """True when showing `text` fetches the link; `images` are the labels of `reference_images`."""
    before = text[max(0, link.start - _NEAR) : link.start]
    if before.rstrip(" \t\n<\"'")[-1:] not in _LEADS:
        return False
    if _OPENS.search(before):
        return True
    defined = _DEFINES.search(before) if images else None
    return defined is not None and defined[1].lower() in images
