"""Words near a match that say what it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

BEFORE_WIDTH = 72
AFTER_WIDTH = 28
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CLAUSE_END = re.compile(r"[,;|\n。，；、]|[.!?](?:\s|$)")
_OTHER_NUMBER = re.compile(r"[0-9][0-9 ()./\-]{4,}[0-9]")
_CONNECTION = re.compile(r"(?:or|and|und|oder|et|ou|y|o|e|en|of|и|или)?")
_LETTERS = re.compile(r"[^\W\d_]+")
_SEPARATORS = "\t;|,"
_HEADER_REACH = 8_000
_LETTERS_WITHOUT_SPACES = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Nearness(Enum):
    """What the words around a match say of it."""

    FOR = "for"
    """A word of the kind's own stands near."""
    AGAINST = "against"
    """A word that names something else stands nearer than any of its own."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The text around a match, folded for comparison: what stands before it, and what follows in the same clause."""

    before: str
    after: str


def surroundings(text: str, start: int, end: int) -> Surroundings:
    """What stands around `text[start:end]`. `camelCase` and `snake_case` names fall apart into words."""
    before = _since_other_number(text[max(0, start - BEFORE_WIDTH) : start])
    after = text[end : end + AFTER_WIDTH]
    clause = _CLAUSE_END.search(after)
    if clause:
        after = after[: clause.start()]
    return Surroundings(_fold(before), _fold(after))


def _since_other_number(before: str) -> str:
    """What stands before, without words that another number has used up: in `phone 5550100, id 77` only `id` is near.

    A number right before, or behind "or", shares its words.
    """
    numbers = [match.end() for match in _OTHER_NUMBER.finditer(before)]
    if not numbers:
        return before
    tail = before[numbers[-1] :]
    words = _LETTERS.findall(tail)
    shared = len(words) <= 1 and all(_CONNECTION.fullmatch(word.casefold()) for word in words)
    return before if shared else tail


def column_title(text: str, start: int) -> str:
    """The title, folded, of the column that `start` stands in where the text is a table of separated values, else "".

    Looks back 8,000 code points at most.
    """
    line = text.rfind("\n", max(0, start - 1_000), start) + 1
    low = max(0, line - _HEADER_REACH)
    gap = text.rfind("\n\n", low, line)
    first = gap + 2 if gap >= 0 else low
    if line == 0 or first >= line:
        return ""
    header = text[first : min(text.find("\n", first), first + 400)]
    separator = next((mark for mark in _SEPARATORS if mark in header), "")
    if not separator or any(character.isdigit() for character in header):
        return ""
    titles = header.split(separator)
    column = text.count(separator, line, start)
    return _fold(titles[column]) if column < len(titles) else ""


def _fold(text: str) -> str:
    return _HUMP.sub(" ", text).replace("_", " ").casefold()


class WordList:
    """Words to look for, whole words unless they end in `*`, in any case.

    Words of scripts that do not put spaces between words match anywhere. Looking costs one pass over the little text
    around a match, whatever the number of words.
    """

    __slots__ = ("_pattern",)

    def __init__(self, words: Iterable[str]) -> None:
        self._pattern = re.compile("|".join(sorted((_as_regex(word) for word in words), key=len, reverse=True)))

    def last(self, text: str) -> int:
        """The offset at which the last of the words ends, -1 if there is none."""
        end = -1
        for match in self._pattern.finditer(text):
            end = match.end()
        return end

    def stands_in(self, text: str) -> bool:
        """True where one of the words stands in `text` (folded already)."""
        return self._pattern.search(text) is not None


def _as_regex(word: str) -> str:
    stem = unicodedata.normalize("NFKC", word.removesuffix("*")).casefold()  # as the canonical view is
    body = re.escape(stem).replace(r"\ ", r"[\s\-]{0,2}")
    if _LETTERS_WITHOUT_SPACES.search(stem):
        return body
    tail = "" if word.endswith("*") else r"(?!\w)"
    return rf"(?<!\w){body}{tail}"


def nearness(
    around: Surroundings, own: WordList | None, others: WordList | None, *, after: WordList | None = None
) -> Nearness:
    """How the words around a match speak for or against it; the nearest word before it wins.

    `after` are words that count behind a match only.
    """
    if after and after.stands_in(around.after):
        return Nearness.FOR
    own_end = own.last(around.before) if own else -1
    other_end = others.last(around.before) if others else -1
    if own_end > other_end or (own_end >= 0 and own_end == other_end):
        return Nearness.FOR
    if other_end >= 0:
        return Nearness.AGAINST
    if own and own.stands_in(around.after):
        return Nearness.FOR
    return Nearness.SILENT
