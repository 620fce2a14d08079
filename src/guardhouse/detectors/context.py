"""Words near a match that say what it is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

BEFORE_WIDTH = 72
AFTER_WIDTH = 28
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN = re.compile(r"[^\W\d_][^\W_]*")
_WORDY = re.compile(r"[A-Za-z\x80-\U0010ffff]")
"""Without one of these a text holds no word."""
_CLAUSE_END = re.compile(r"[,;|\n。，；、]|[.!?](?:\s|$)")
_OTHER_NUMBER = re.compile(r"[0-9][0-9 ()./\-]{4,}[0-9]")
_CONNECTION = re.compile(r"(?:or|and|und|oder|et|ou|y|o|e|en|of|и|или)?")
_LETTERS = re.compile(r"[^\W\d_]+")
_SEPARATORS = "\t;|,"
_HEADER_REACH = 8_000
_WITHOUT_SPACES = re.compile(r"[\u0900-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_KEY = 3


class Nearness(Enum):
    """What the words around a match say of it."""

    FOR = "for"
    """A word of the kind's own stands near."""
    AGAINST = "against"
    """A word that names something else stands nearer than any of its own."""
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Which word lists stand before and behind a match: list number to the offset at which its last word ends."""

    before: Mapping[int, int]
    after: Mapping[int, int]

    def nearness(self, own: int, others: int, *, after: int = -1) -> Nearness:
        """How they speak for the list `own` against the list `others`; the nearest word before the match wins.

        `after` is a list whose words count behind the match only. -1 stands for no list.
        """
        if after >= 0 and after in self.after:
            return Nearness.FOR
        own_end = self.before.get(own, -1)
        other_end = self.before.get(others, -1)
        if own_end >= max(other_end, 0):
            return Nearness.FOR
        if other_end >= 0:
            return Nearness.AGAINST
        return Nearness.FOR if own in self.after else Nearness.SILENT


NOTHING_AROUND = Surroundings({}, {})


class Lexicon:
    """Lists of words to look for, all in one go: whole words in any case, with any ending where they end in `*`.

    `camelCase`, `snake_case` and punctuation part words. Words of scripts that put no spaces between words match
    anywhere. A look costs one pass over the little text around a match, whatever the number of lists.
    """

    __slots__ = ("_anywhere", "_anywhere_lists", "_by_start")

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        by_start: dict[str, dict[tuple[str, bool], set[int]]] = {}
        anywhere: dict[str, set[int]] = {}
        for number, words in enumerate(lists):
            for word in words:
                stem = unicodedata.normalize("NFKC", word.removesuffix("*")).casefold()  # as the canonical view is
                if _WITHOUT_SPACES.search(stem):
                    anywhere.setdefault(stem, set()).add(number)
                    continue
                stem = _spaced(stem)
                entry = (stem, word.endswith("*"))
                by_start.setdefault(stem.split(" ")[0][:_KEY], {}).setdefault(entry, set()).add(number)
        self._by_start = {
            start: tuple((stem, loose, tuple(sorted(numbers))) for (stem, loose), numbers in entries.items())
            for start, entries in by_start.items()
        }
        self._anywhere_lists = {stem: tuple(sorted(numbers)) for stem, numbers in anywhere.items()}
        longest_first = sorted(anywhere, key=len, reverse=True)
        self._anywhere = re.compile("|".join(re.escape(stem) for stem in longest_first)) if anywhere else None

    def around(self, text: str, start: int, end: int) -> Surroundings:
        """What stands around `text[start:end]`: before it, and behind it in the same clause."""
        low = max(0, start - BEFORE_WIDTH)
        worded_before = _WORDY.search(text, low, start) is not None
        behind: dict[int, int] = {}
        if _WORDY.search(text, end, end + AFTER_WIDTH):
            after = text[end : end + AFTER_WIDTH]
            clause = _CLAUSE_END.search(after)
            behind = self.read(after[: clause.start()] if clause else after)
        elif not worded_before:
            return NOTHING_AROUND
        return Surroundings(self.read(_since_other_number(text[low:start])) if worded_before else {}, behind)

    def read(self, text: str) -> dict[int, int]:
        """The lists that have a word in `text`, each with the offset (in the text as folded) of its last word's end."""
        ends: dict[int, int] = {}
        if _WORDY.search(text) is None:
            return ends
        parted = _HUMP.sub(" ", text)
        for form in (text,) if parted == text else (parted, text):  # `phoneNumber` is two words, `YouTube` is one
            for numbers, end in self._words(form.casefold()):
                for number in numbers:
                    ends[number] = max(end, ends.get(number, -1))
        return ends

    def _words(self, folded: str) -> Iterator[tuple[tuple[int, ...], int]]:
        if self._anywhere is not None and not folded.isascii():
            for match in self._anywhere.finditer(folded):
                yield self._anywhere_lists[match[0]], match.end()
        tokens = list(_TOKEN.finditer(folded))
        spaced = ""
        shift: list[int] = []
        for index, token in enumerate(tokens):
            for start in {token[0][:_KEY], token[0][: _KEY - 1]}:
                entries = self._by_start.get(start)
                if entries is None:
                    continue
                if not shift:  # most texts have no word that begins like one of the lists'
                    spaced = " ".join([token[0] for token in tokens])
                    shift = list(accumulate((len(token[0]) + 1 for token in tokens), initial=0))
                at = shift[index]
                for stem, loose, numbers in entries:
                    if not spaced.startswith(stem, at):
                        continue
                    end = at + len(stem)
                    if loose or end == len(spaced) or spaced[end] == " ":
                        last = index + stem.count(" ")
                        yield numbers, tokens[last].end()


def _spaced(text: str) -> str:
    return " ".join(_TOKEN.findall(text))


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


_Header = tuple[str, list[str]]
"""What parts the columns of a table, and their titles."""
_NO_HEADER: _Header = ("", [])


class Columns:
    """The column titles of tables of separated values in a text, each table's first line looked at once."""

    __slots__ = ("_headers", "_lines", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._headers: dict[int, _Header] = {}
        self._lines: dict[int, _Header] = {}

    def title(self, start: int) -> str:
        """The title of the column that `start` stands in, "" outside of tables. Looks back 8,000 code points."""
        line = self._text.rfind("\n", max(0, start - 1_000), start) + 1
        if line == 0:
            return ""
        header = self._lines.get(line)
        if header is None:
            low = max(0, line - _HEADER_REACH)
            gap = self._text.rfind("\n\n", low, line)
            first = gap + 2 if gap >= 0 else low
            header = self._lines[line] = self._header(first) if first < line else _NO_HEADER
        separator, titles = header
        column = self._text.count(separator, line, start) if separator else len(titles)
        return titles[column] if column < len(titles) else ""

    def _header(self, first: int) -> _Header:
        known = self._headers.get(first)
        if known is None:
            end = self._text.find("\n", first)
            header = self._text[first : min(end, first + 400)]
            separator = next((mark for mark in _SEPARATORS if mark in header), "")
            if not separator or any(character.isdigit() for character in header):
                known = _NO_HEADER
            else:
                known = (separator, header.split(separator))
            self._headers[first] = known
        return known
