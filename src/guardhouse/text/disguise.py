"""Whole texts rewritten letter by letter: rot13, leet, backwards, upside down, spaced out.

Each is read only where a cheap test finds one of a few telling words in the rewritten form, so ordinary text costs a
handful of substring searches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from guardhouse.text.offsets import MapBuilder, Offsets, ReversedOffsets

_TELLING = (
    "ignore", "disregard", "forget", "instruction", "previous", "prompt", "system", "password", "secret", "reveal",
    "override", "bypass", "jailbreak", "developer", "execute", "delete", "pretend", "unrestricted", "explosive",
    "exploit", "malware", "credential",
)  # fmt: skip
_GATES = _TELLING[:10]
"""Enough to tell that a whole text is turned round; each costs a search in every text."""
_BACKWARDS = tuple(word[::-1] for word in _GATES)
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_TURNED_BY_13 = _LOWER[13:] + _LOWER[:13]
_ROT13 = str.maketrans(_LOWER + _LOWER.upper(), _TURNED_BY_13 + _TURNED_BY_13.upper())
_ROT13_TELLING = tuple(word.translate(_ROT13) for word in _GATES)
_LEET_SIGNS = "0134578@$!|€+"
_LEET = str.maketrans(_LEET_SIGNS, "oieastbasiiet")
_LEET_HINT = re.compile(r"[0134578@$!|€+](?<=[A-Za-z].)[0134578@$!|€+]?[A-Za-z]")
_UPSIDE_DOWN = str.maketrans("ɐqɔpǝɟƃɓɥᴉıɾʞlɯuodbɹsʇnʌʍxʎz", "abcdefgghiijklmnopqrstuvwxyz")
_TURNED_LETTERS = frozenset("ɐɔǝɟƃɓɥᴉɾʞɯɹʇʌʍʎ")
_WORD = re.compile(r"[^\W_]{2,}+")

# Both begin with a class of what parts letters, so that the search is quick; `_widened` adds the letters before.
_APART = re.compile(
    r"[^A-Za-z0-9\n](?:[A-Za-z](?:[^A-Za-z0-9\n]{1,3}|</?[a-z]{1,6}>)(?=[A-Za-z](?![A-Za-z0-9]))){3,}+[A-Za-z]"
)
_CHOPPED = re.compile(
    r"[.\-_*|~+^`:/\\<](?<=[A-Za-z].)(?:(?<=<)(?:/?[a-z]{1,6}>|!--[^<>]{0,20}-->)|[.\-_*|~+^`:/\\]{0,3})"
    r"(?:[A-Za-z]{1,4}(?:[.\-_*|~+^`:/\\]{1,4}|</?[a-z]{1,6}>|<!--[^<>]{0,20}-->)(?=[A-Za-z]{1,4}(?![A-Za-z0-9])))++"
    r"[A-Za-z]{1,4}"
)
_MAX_SCRAP = 4
# The two searches cost far more than these: in ASCII, what every match begins with, by classes of characters.
_LETTER_OR_NOT = str.maketrans(
    {chr(point): "0" if chr(point).isdigit() else "a" if chr(point).isalpha() else " " for point in range(128)}
    | {"\n": "\n"}
)
_APART_BEGINS = (" a a", " a  a", " a   a")
_LETTER_OR_MARK = str.maketrans(
    {chr(point): "a" if chr(point).isalpha() else "." if chr(point) in ".-_*|~+^`:/\\" else " " for point in range(128)}
)
_CHOPPED_BEGINS = (".a.", ".aa.", ".aaa.", ".aaaa.")
_LETTERS = re.compile(r"</?[a-z]{1,6}>|<!--[^<>]{0,20}-->|([A-Za-z]+)")
_MARKUP = re.compile(r"<[^<>]*>")
_LEXICON = re.compile(
    "|".join(
        sorted(
            {
                *_TELLING, "instructions", "prompts", "prior", "above", "guidelines", "safety", "rules", "earlier",
                "without", "restrictions", "restriction", "filters", "filter", "credentials", "passwords", "secrets",
                "message", "admin", "mode", "enable", "output", "repeat", "print", "show", "tell", "all", "the",
                "your", "you", "are", "now", "and", "any", "from", "this", "that", "what", "how", "make", "bomb",
                "kill", "drug", "hack",
            },
            key=len,
            reverse=True,
        )
    ),
    re.IGNORECASE,
)  # fmt: skip
_MIN_SPACED = 12
"""Letters that, written one by one, are read even without a telling word among them."""


@dataclass(frozen=True, slots=True)
class Disguised:
    """A text read through its disguise; `offsets` leads back to the text it was read from, None: same places."""

    name: str
    text: str
    offsets: Offsets | None
    times: int = 1


def disguises(text: str, *, overridden: bool = False) -> Iterator[Disguised]:
    """The readings of `text` that look worth scanning; `overridden`: it held right-to-left overrides. Linear."""
    lowered = text.lower()
    if _holds(lowered, _ROT13_TELLING):
        yield Disguised("rot13", text.translate(_ROT13), None)
    if overridden or _holds(lowered, _BACKWARDS):
        yield Disguised("reversed", text[::-1], ReversedOffsets(len(text)))
        yield _words_reversed(text)
    yield from _upside_down(text)
    yield from _leet(text, lowered)
    yield from _spaced(text)


def _holds(lowered: str, words: tuple[str, ...]) -> bool:
    return any(word in lowered for word in words)


def _words_reversed(text: str) -> Disguised:
    builder = MapBuilder(text)
    at = 0
    for match in _WORD.finditer(text):
        builder.copied(at, match.start())
        builder.replaced(match.start(), match.end(), match.group()[::-1])
        at = match.end()
    builder.copied(at, len(text))
    return Disguised("reversed", *builder.finish(), times=0)


def _upside_down(text: str) -> Iterator[Disguised]:
    if text.isascii() or len(_TURNED_LETTERS.intersection(text)) < 3:
        return
    yield Disguised("reversed", text[::-1].translate(_UPSIDE_DOWN), ReversedOffsets(len(text)))


def _leet(text: str, lowered: str) -> Iterator[Disguised]:
    if not any(sign in text for sign in _LEET_SIGNS) or _LEET_HINT.search(text) is None:
        return
    plain = text.replace("11", "ll").translate(_LEET)
    turned = plain.lower()
    if any(turned.count(word) > lowered.count(word) for word in _TELLING):
        yield Disguised("leet", plain, None)


def _spaced(text: str) -> Iterator[Disguised]:
    """Letters standing apart or in scraps are put together; the words that are known among them are parted."""
    runs = set[tuple[int, int]]()
    if _may_hold(text, _LETTER_OR_NOT, _APART_BEGINS):
        runs.update(_runs(text, _APART, 1, _MIN_SPACED))
    if _may_hold(text, _LETTER_OR_MARK, _CHOPPED_BEGINS):
        runs.update(_runs(text, _CHOPPED, _MAX_SCRAP, len(text) + 1))
    if not runs:
        return
    builder = MapBuilder(text)
    at = times = 0
    for start, end in sorted(runs):
        if start < at:
            continue
        times += 1
        builder.copied(at, start)
        _join(text, start, end, builder)
        at = end
    builder.copied(at, len(text))
    yield Disguised("spaced", *builder.finish(), times=times)


def _may_hold(text: str, classes: Mapping[int, str], begins: tuple[str, ...]) -> bool:
    """False where no match can begin. Markup may stand between letters too, so it is always searched."""
    return not text.isascii() or "<" in text or _holds(text.translate(classes), begins)


def _runs(text: str, pattern: re.Pattern[str], scrap: int, enough: int) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        start, end = _widened(text, match.start(), scrap), match.end()
        joined = "".join(_LETTERS.findall(text, start, end)).lower()
        if len(joined) >= enough or _holds(joined, _TELLING):
            yield start, end


def _widened(text: str, start: int, scrap: int) -> int:
    """Where the scrap of letters before `start` begins; where there is none, the first letter after it."""
    least = max(0, start - scrap - 1)
    at = start
    while at > least and text[at - 1].isascii() and text[at - 1].isalpha():
        at -= 1
    if 0 < start - at <= scrap:
        return at
    first = _LETTERS.search(text, start)
    while first is not None and first.group(1) is None:
        first = _LETTERS.search(text, first.end())
    return start if first is None else first.start()


def _join(text: str, start: int, end: int, builder: MapBuilder) -> None:
    scraps = [match.span(1) for match in _LETTERS.finditer(text, start, end) if match.group(1)]
    joined = "".join(text[first:last] for first, last in scraps)
    gaps = [_spaces(text[before[1] : after[0]]) for before, after in pairwise(scraps)]
    narrow = min(gaps, default=0)
    edges: set[int] = set()
    if max(gaps, default=0) == narrow:  # no wider gap says where a word ends
        edges = {edge for match in _LEXICON.finditer(joined) for edge in match.span()}
    position, previous = 0, start
    for (first, last), gap in zip(scraps, [narrow, *gaps], strict=False):
        if gap > narrow or (position and position in edges):
            builder.replaced(previous, first, " ")
        at = first
        for offset in range(first + 1, last) if edges else ():
            if position + offset - first in edges:
                builder.copied(at, offset)
                builder.replaced(offset, offset, " ")
                at = offset
        builder.copied(at, last)
        position += last - first
        previous = last


def _spaces(gap: str) -> int:
    """How much white space parts two scraps; what stands inside markup does not show."""
    plain = _MARKUP.sub("", gap) if "<" in gap else gap
    return sum(map(str.isspace, plain))
