"""Patterns that match any word of an operator's list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from guardhouse.matching.pattern import Pattern

MAX_REGEX = 12_000
"""Characters of one pattern; longer lists become several patterns."""
WORD_LETTER = r"[\pL\pM\pN_]"

_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


def word_patterns(prefix: str, words: Iterable[str]) -> tuple[Pattern, ...]:
    """Patterns with ids `prefix.0`, `prefix.1`, ... that match any of `words` in any case.

    A match must not touch another letter or digit, except in words of scripts that put no spaces between words. Any
    white space matches a space in a word.
    """
    unique = sorted({" ".join(word.split()) for word in words} - {""}, key=lambda word: (-len(word), word))
    spaced = [word for word in unique if not _SPACELESS.search(word)]
    spaceless = [word for word in unique if _SPACELESS.search(word)]
    patterns: list[Pattern] = []
    for group, edge in ((spaced, WORD_LETTER), (spaceless, "")):
        for regex in _alternations(group):
            patterns.append(
                Pattern(
                    f"{prefix}.{len(patterns)}", regex, before=edge, after=edge, ignore_case=True, source="operator"
                )
            )
    return tuple(patterns)


def _alternations(words: Iterable[str]) -> Iterator[str]:
    parts: list[str] = []
    length = 0
    for word in words:
        part = r"\s+".join(_escaped(piece) for piece in word.split(" "))
        if parts and length + len(part) > MAX_REGEX:
            yield "|".join(parts)
            parts, length = [], 0
        parts.append(part)
        length += len(part) + 1
    if parts:
        yield "|".join(parts)


def _escaped(text: str) -> str:
    """`text` for RE2, which wants no backslash before letters of other scripts."""
    return re.sub(r"([^\w\s])", lambda match: rf"\x{{{ord(match.group(1)):x}}}", text)
