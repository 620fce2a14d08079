"""Lists of words and phrases in any script as patterns.

RE2's `\\b` knows ASCII only. Here a word's edge is any character that is no letter, mark, digit or underscore in any
script, save where the writing has no spaces between words: a phrase that begins or ends in Chinese, Japanese, Thai or
their like has no edge to respect on that side.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator

import re2

from guardhouse.matching.pattern import Pattern
from guardhouse.text.normalize import normalize

WORD_CHARACTERS = r"[\pL\pM\pN_]"
"""What must not stand beside a whole word, for `Pattern.before` and `after`."""

_PER_PATTERN = 100
"""Phrases in one expression: enough to share the work, few enough for a small automaton."""
_MAX_CHARACTERS = 8_000
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def phrase_patterns(
    id_prefix: str,
    phrases: Iterable[str],
    *,
    ignore_case: bool = True,
    ignore_accents: bool = True,
    whole_words: bool = True,
    disguised: bool = False,
    source: str = "",
) -> tuple[Pattern, ...]:
    """Patterns that together find every phrase, ids `<id_prefix>.0`, `<id_prefix>.1` and so on.

    White space in a phrase matches any run of white space; phrases without a letter or digit are left out, as are
    repeats. With `ignore_accents` a phrase written with accents also matches without them ("Zürich" finds "Zurich",
    "Zurich" does not find "Zürich"). Of overlapping phrases the longer is tried first.
    """
    by_edges: defaultdict[tuple[bool, bool], dict[str, None]] = defaultdict(dict)
    for phrase in phrases:
        for form in _forms(phrase, ignore_accents):
            words = form.split()
            if not any(letter.isalnum() for word in words for letter in word):
                continue
            edges = (whole_words and _has_edge(words[0][0]), whole_words and _has_edge(words[-1][-1]))
            by_edges[edges][_expression(words)] = None
    found: list[Pattern] = []
    for (before, after), expressions in by_edges.items():
        for group in _groups(sorted(expressions, key=len, reverse=True)):
            found.append(
                Pattern(
                    id=f"{id_prefix}.{len(found)}",
                    regex="|".join(group),
                    source=source,
                    before=WORD_CHARACTERS if before else "",
                    after=WORD_CHARACTERS if after else "",
                    ignore_case=ignore_case,
                    disguised=disguised,
                )
            )
    return tuple(found)


def _groups(expressions: list[str]) -> Iterator[list[str]]:
    group: list[str] = []
    length = 0
    for expression in expressions:
        if group and (len(group) == _PER_PATTERN or length + len(expression) > _MAX_CHARACTERS):
            yield group
            group, length = [], 0
        group.append(expression)
        length += len(expression) + 1
    if group:
        yield group


def _forms(phrase: str, ignore_accents: bool) -> tuple[str, ...]:
    """The phrase as it stands in canonical texts: alone a word may be taken for a disguised one, among others not."""
    forms = (normalize(phrase).canonical.text, unicodedata.normalize("NFKC", phrase))
    return (*forms, *map(_without_accents, forms)) if ignore_accents else forms


def _expression(words: list[str]) -> str:
    return r"\s+".join(str(re2.escape(word)) for word in words)


def _without_accents(text: str) -> str:
    """`text` without the marks on Latin, Greek and Cyrillic letters; other scripts need theirs."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in parts if not "\u0300" <= letter <= "\u036f"))


def _has_edge(letter: str) -> bool:
    """False for punctuation, beside which anything may stand, and for scripts without spaces between words."""
    if not (letter.isalnum() or unicodedata.category(letter).startswith("M")):  # a vowel sign ends many a word
        return False
    name = unicodedata.name(letter, "")
    return not name.startswith(_UNSPACED)
