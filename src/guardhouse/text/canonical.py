"""The canonical form of a text: what a reader sees and a model understands, without what only disguises it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from guardhouse.model.finding import Span
from guardhouse.text.characters import Character, Kind, character
from guardhouse.text.confusables import fold_confusables
from guardhouse.text.hidden import decode_bits, decode_selectors, decode_tags, is_flag
from guardhouse.text.offsets import MapBuilder, Offsets

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_SYLLABLE = re.compile(r"[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_OVERLAY = re.compile(r"[\u0334-\u0338\u20d2\u20d3\u20d8-\u20da\u20e5\u20e6\u20ea\u20eb]")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_OVERRIDES = frozenset("\u202d\u202e")
_FEW = 16
_MARKS_READ = 4
_MAX_HIDDEN = 64
"""Places of one kind that are told apart; what is hidden in more is put together."""


@dataclass(frozen=True, slots=True)
class Canonical:
    """The canonical text, the way back, the tricks seen and what was hidden in invisible characters."""

    text: str
    offsets: Offsets | None = None
    tricks: Mapping[str, int] = field(default_factory=dict)
    hidden: tuple[tuple[str, str, Span], ...] = ()
    """View name, decoded text and range of the input."""
    zero_width: frozenset[str] = frozenset()
    """The zero-width characters that were dropped."""


def canonicalize(text: str) -> Canonical:
    """`text` with compatibility forms, invisible characters, mark floods and look-alike letters undone.

    Linear in the text; plain ASCII comes back as it is, without a map.
    """
    if text.isascii() and (text.isprintable() or _CONTROL.search(text) is None):
        return Canonical(text)
    special = {letter: known for letter in set(text) if (known := character(letter)).kind is not Kind.KEEP}
    tricks: Counter[str] = Counter()
    swaps = {letter: known.becomes for letter, known in special.items() if known.kind is Kind.SWAP}
    for letter in swaps:
        if special[letter].trick:
            tricks[special[letter].trick] += text.count(letter)
    plain = _swap(text, swaps)
    edits = {letter: known for letter, known in special.items() if known.kind is not Kind.SWAP}
    _leave_needed_marks(plain, edits)
    if not edits:
        return Canonical(_fold(plain, tricks), None, +tricks)
    editor = _Editor(plain, tricks)
    editor.edit(edits)
    edited, offsets = editor.finish()
    zero_width = frozenset(letter for letter, known in edits.items() if known.kind is Kind.ZERO_WIDTH)
    return Canonical(_fold(edited, tricks), offsets, +tricks, tuple(editor.hidden), zero_width)


def _fold(text: str, tricks: Counter[str]) -> str:
    if text.isascii():
        return text
    folded = fold_confusables(text)
    tricks["homoglyphs"] += folded.words
    return folded.text


def _leave_needed_marks(text: str, edits: dict[str, Character]) -> None:
    """Takes the marks that scripts need out of `edits` where none of them stands on an ASCII letter."""
    marks = [letter for letter, known in edits.items() if known.kind is Kind.SCRIPT_MARK]
    if marks and re.search(rf"[A-Za-z][{''.join(sorted(marks))}]", text) is None:
        for letter in marks:
            del edits[letter]


def _swap(text: str, swaps: Mapping[str, str]) -> str:
    if len(swaps) > _FEW:
        return text.translate({ord(letter): plain for letter, plain in swaps.items()})
    for letter, plain in swaps.items():
        text = text.replace(letter, plain)
    return text


class _Editor:
    """Walks through the characters that cannot be swapped one for one."""

    def __init__(self, text: str, tricks: Counter[str]) -> None:
        self.text = text
        self.tricks = tricks
        self.builder = MapBuilder(text)
        self.hidden: list[tuple[str, str, Span]] = []
        self._late: dict[str, tuple[list[str], int, int]] = {}
        self._right_to_left = _RIGHT_TO_LEFT.search(text) is not None
        self._done = 0
        """Input up to here is in the builder."""

    def edit(self, edits: Mapping[str, Character]) -> None:
        """Edits the whole text."""
        text = self.text
        scattered: list[int] = []
        for start, end, kind in _runs(text, edits):
            if kind is Kind.ZERO_WIDTH:
                self._zero_width_run(start, end)
            elif kind is Kind.MARK:
                self._marks(start, end)
            elif kind is Kind.SCRIPT_MARK:
                if start and text[start - 1].isascii() and text[start - 1].isalpha():
                    self.tricks["combining"] += 1
                    self._drop(start, end)
            elif kind is Kind.EXPAND:
                for index in range(start, end):
                    self._put(index, index + 1, edits[text[index]].becomes)
            elif kind is Kind.JAMO:
                for match in _SYLLABLE.finditer(text, start, end):
                    self._put(match.start(), match.end(), unicodedata.normalize("NFC", match.group()))
            elif kind is Kind.SELECTOR:
                scattered += self._selectors(start, end)
            else:
                self._invisible(start, end, kind)
        if (payload := decode_selectors("".join(map(text.__getitem__, scattered)))) is not None:
            self._hide("variation_selectors", payload, Span(scattered[0], scattered[-1] + 1))
        elif len(scattered) >= _MARKS_READ:
            self.tricks["variation_selectors"] += 1
        self.builder.copied(self._done, len(text))

    def _put(self, start: int, end: int, plain: str) -> None:
        self.builder.copied(self._done, start)
        self.builder.replaced(start, end, plain)
        self._done = end

    def _drop(self, start: int, end: int) -> None:
        self.builder.copied(self._done, start)
        self._done = end

    def _hide(self, name: str, payload: str, span: Span) -> None:
        self.tricks[name] += 1
        if self.tricks[name] <= _MAX_HIDDEN:
            self.hidden.append((name, payload, span))
            return
        pieces, start, _ = self._late.setdefault(name, ([], span.start, span.end))
        pieces.append(payload)
        self._late[name] = (pieces, start, span.end)

    def finish(self) -> tuple[str, Offsets]:
        """The edited text and the way back; what was hidden in too many places is put together first."""
        for name, (pieces, start, end) in self._late.items():
            self.hidden.append((name, "".join(pieces), Span(start, end)))
        return self.builder.finish()

    def _zero_width_run(self, start: int, end: int) -> None:
        self._drop(start, end)
        if not self._is_joiner(start, end):
            self.tricks["zero_width"] += end - start
            if end - start > _MARKS_READ and (payload := decode_bits(self.text[start:end])) is not None:
                self._hide("zero_width", payload, Span(start, end))

    def _invisible(self, start: int, end: int, kind: Kind) -> None:
        self._drop(start, end)
        if kind is Kind.CONTROL:
            self.tricks["control"] += end - start
        elif kind is Kind.BIDI:
            run = self.text[start:end]
            overrides = sum(letter in _OVERRIDES for letter in run)
            self.tricks["bidi"] += overrides if self._right_to_left else len(run)
        elif kind is Kind.TAG:
            run = self.text[start:end]
            if not is_flag(self.text[start - 1 : start] if start else "", run):
                self._hide("tags", decode_tags(run), Span(start, end))

    def _is_joiner(self, start: int, end: int) -> bool:
        """True for one joiner where writing or emoji need it, or a byte order mark at the very start."""
        if end - start > 1:
            return False
        if self.text[start] == "\ufeff":
            return start == 0
        before, after = self.text[start - 1 : start] if start else "", self.text[end : end + 1]
        if before.isascii() and after.isascii():
            return False
        if self.text[start] == "\u200b":
            return any(_breaks_without_spaces(neighbour) for neighbour in (before, after))
        if self.text[start] not in "\u200c\u200d\u180e":
            return False
        return any(_joins(neighbour) for neighbour in (before, after))

    def _selectors(self, start: int, end: int) -> list[int]:
        """Drops a run of variation selectors; gives back the positions of those that may be part of a payload."""
        payload = decode_selectors(self.text[start:end])
        base = self.text[start - 1 : start] if start else ""
        self._drop(start, end)
        if payload is not None:
            self._hide("variation_selectors", payload, Span(start, end))
            return []
        one_of_its_kind = end - start == 1 and (
            self.text[start] in "\ufe0e\ufe0f" or (base and unicodedata.category(base) == "Lo")
        )
        return [] if one_of_its_kind else list(range(start, end))

    def _marks(self, start: int, end: int) -> None:
        if start == self._done:  # nothing before it that it could stand on
            self._drop(start, end)
            return
        base = self.text[start - 1]
        composed = unicodedata.normalize("NFKC", self.text[start - 1 : min(end, start + _MARKS_READ)])
        surplus = len(composed) - 1 + max(0, end - start - _MARKS_READ)
        if not surplus:
            self._put(start - 1, end, composed)
            return
        if not base.isalpha():
            self.tricks["combining"] += surplus > 1
            self._drop(start, end)
            return
        flooded = surplus > 1 or _OVERLAY.search(self.text, start, end) is not None
        plain = unicodedata.normalize("NFD", base)[0] if flooded else composed[0]
        self.tricks["combining"] += flooded or plain.isascii()
        self._put(start - 1, end, plain)


def _runs(text: str, edits: Mapping[str, Character]) -> Iterator[tuple[int, int, Kind]]:
    """Ranges of neighbouring characters of one kind, in order."""
    kinds = {letter: known.kind for letter, known in edits.items()}
    start = end = -1
    current = Kind.KEEP
    for index, letter in enumerate(text):
        if letter not in kinds:
            continue
        kind = kinds[letter]
        if index != end or kind is not current:
            if end > start:
                yield start, end, current
            start, current = index, kind
        end = index + 1
    if end > start:
        yield start, end, current


@lru_cache(maxsize=4_096)
def _joins(letter: str) -> bool:
    """True for letters and signs beside which a joiner has a meaning: Arabic, Indic and kin, emoji."""
    if not letter or letter.isascii():
        return False
    point = ord(letter)
    if 0x0590 <= point <= 0x1CFF or 0xA800 <= point <= 0xABFF or 0xFE00 <= point <= 0xFE0F:
        return True
    return unicodedata.category(letter) in ("So", "Sk")


@lru_cache(maxsize=4_096)
def _breaks_without_spaces(letter: str) -> bool:
    """True for scripts of South-East Asia, where a zero-width space parts words."""
    point = ord(letter) if letter else 0
    return 0x0E00 <= point <= 0x0EFF or 0x1000 <= point <= 0x109F or 0x1780 <= point <= 0x17FF
