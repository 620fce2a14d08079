"""Finding many fixed strings in one pass: the leftmost first, of those that start together the longest."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator


class Spots:
    """A set of non-empty strings to look for. Linear in the text, times the different lengths of equal beginnings."""

    def __init__(self, strings: Iterable[str]) -> None:
        self._strings = frozenset(string for string in strings if string)
        self._sorted: list[str] = sorted(self._strings)
        self.longest = max(map(len, self._strings), default=0)
        self._head = min(map(len, self._strings), default=0)
        firsts = "".join(sorted({string[0] for string in self._strings}))
        self._first = re.compile(f"[{re.escape(firsts)}]" if firsts else r"(?!)")
        lengths: dict[str, set[int]] = {}
        for string in self._strings:
            lengths.setdefault(string[: self._head], set()).add(len(string))
        self._lengths = {head: sorted(found, reverse=True) for head, found in lengths.items()}

    def find(self, text: str, *, final: bool = True) -> Iterator[tuple[int, int, str | None]]:
        """Pieces of `text` in order, as start, end and the string found there, None for what lies between.

        Without `final` the text may go on: what could still become a longer string is left off at the end.
        """
        position = kept = 0
        length = len(text)
        undecided = length if final else max(0, length - self.longest + 1)
        lengths, head = self._lengths, self._head
        while (first := self._first.search(text, position)) is not None:
            position = first.start()
            if position >= undecided and self._may_grow(text[position:]):
                break
            for candidate in lengths.get(text[position : position + head], ()):
                if text[position : position + candidate] in self._strings and position + candidate <= length:
                    if position > kept:
                        yield kept, position, None
                    yield position, position + candidate, text[position : position + candidate]
                    position = kept = position + candidate
                    break
            else:
                position += 1
        else:
            position = length
        if position > kept:
            yield kept, position, None

    def _may_grow(self, tail: str) -> bool:
        """True when a string looked for is longer than `tail` and begins with it."""
        index = bisect_left(self._sorted, tail)
        if index < len(self._sorted) and self._sorted[index] == tail:
            index += 1
        return index < len(self._sorted) and self._sorted[index].startswith(tail)


class PieceReplacer:
    """Puts other strings in the place of those of `spots` in a text that comes in pieces, wherever it is cut.

    Feed it the pieces in order, then call `finish`; the answers joined are what the whole text gives. At most as much
    is held back as a string that is looked for is long. `replacement` gives what is put for a string that was found.
    Not for sharing between threads.
    """

    def __init__(self, spots: Spots, replacement: Callable[[str], str]) -> None:
        self._spots = spots
        self._replacement = replacement
        self._held = ""

    def feed(self, chunk: str) -> str:
        """What can be said for certain after `chunk`; may be empty."""
        return self._settled(self._held + chunk, final=False)

    def finish(self) -> str:
        """The rest. The replacer is then ready for another text."""
        return self._settled(self._held, final=True)

    def _settled(self, text: str, *, final: bool) -> str:
        out: list[str] = []
        done = 0
        for start, end, found in self._spots.find(text, final=final):
            out.append(text[start:end] if found is None else self._replacement(found))
            done = end
        self._held = text[done:]
        return "".join(out)
