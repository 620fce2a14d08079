"""Reads a text in every way that it may be meant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from guardhouse.model.finding import Span
from guardhouse.text.canonical import Canonical, canonicalize
from guardhouse.text.disguise import disguises
from guardhouse.text.encodings import Encoded, encoded_runs
from guardhouse.text.escapes import Passage, decode_json_escapes, escaped_passages
from guardhouse.text.offsets import ComposedOffsets, MapBuilder, Offsets, compose
from guardhouse.text.views import Normalized, View

_MAX_DEPTH = 2
_MAX_DECODED = 1_000_000
_MAX_DECODED_RATIO = 4
_MIN_ALLOWANCE = 4_096
_SHORTEST_WORDS = 2
"""Letters of the average word of a text whose words invisible characters part; of a chopped one it is shorter."""
_OWN_VIEWS = 8
"""Runs of one encoding that get a view each; what is beyond shares one, so that no run goes unread."""


def normalize(text: str, *, json_escapes: bool = False) -> Normalized:
    """The canonical view of `text`, the views of what is encoded or hidden in it, and the tricks seen.

    With `json_escapes` the text is JSON (a tool call's arguments): its escapes are read as the characters they mean,
    and spans still point into the text as given. The canonical view has straight quotes and hyphens, ASCII digits and
    no invisible characters; patterns are to be written for that. Raises nothing for any str; linear in its length.
    """
    return _Reading(text, json_escapes).normalized()


class _Reading:
    """One text's views as they come, with what decoding may still cost."""

    def __init__(self, text: str, json_escapes: bool) -> None:
        self._original = text
        self._tricks: Counter[str] = Counter()
        self._views: list[View] = []
        self._allowance = min(_MAX_DECODED, max(_MIN_ALLOWANCE, _MAX_DECODED_RATIO * len(text)))
        plain, offsets = decode_json_escapes(text) if json_escapes else (text, None)
        canonical = canonicalize(plain)
        self._tricks.update(canonical.tricks)
        view = View("text", canonical.text, compose(offsets, canonical.offsets))
        self._views.append(view)
        self._add_hidden(canonical, plain, offsets)
        if canonical.tricks.get("zero_width"):
            apart = canonicalize(plain.translate({ord(letter): " " for letter in canonical.zero_width}))
            if apart.text.split() != canonical.text.split() and _has_whole_words(apart.text):
                self._views.append(View("zero_width", apart.text, compose(offsets, apart.offsets), disguised=True))
        self._legible = self._decode(view, depth=1)
        self._read_disguises(view)

    def normalized(self) -> Normalized:
        """All views, canonical first."""
        return Normalized(self._original, tuple(self._views), dict(self._tricks), self._legible)

    def _add(self, view: View) -> bool:
        if len(view.text) > self._allowance:
            self._tricks["undecoded"] += 1
            return False
        self._allowance -= len(view.text)
        self._views.append(view)
        return True

    def _add_hidden(self, canonical: Canonical, plain: str, offsets: Offsets | None) -> None:
        source = View("", plain, offsets)
        for name in dict.fromkeys(name for name, _, _ in canonical.hidden):
            parts = [Encoded(name, span.start, span.end, text) for kind, text, span in canonical.hidden if kind == name]
            if len(parts) == 1:
                self._add_decoded(_view_of(source, parts[0]), depth=1)
            else:  # scattered letter by letter, as likely as not
                self._add_decoded(_gathered(source, parts, between=""), depth=1)

    def _add_decoded(self, view: View, depth: int) -> bool:
        if not view.text or not self._add(view):
            return False
        if depth < _MAX_DEPTH:
            self._decode(view, depth + 1)
        return True

    def _decode(self, view: View, depth: int) -> View | None:
        """Reads the encodings and escapes inside `view`; `view` without them, None where there are none."""
        by_name: defaultdict[str, list[Encoded | Passage]] = defaultdict(list)
        for run in encoded_runs(view.text):
            self._tricks[run.name] += 1
            by_name[run.name].append(run)
        for passage in escaped_passages(view.text):
            if passage.needless:
                self._tricks[passage.name] += passage.needless
            by_name[passage.name].append(passage)
        read: list[Encoded | Passage] = []
        for found in by_name.values():
            shown = depth == 1 and isinstance(found[0], Passage)  # deeper ones stand in no other view
            read += [
                part
                for part in found[:_OWN_VIEWS]
                if self._add_decoded(replace(_view_of(view, part), in_legible=shown), depth)
            ]
            if rest := found[_OWN_VIEWS:]:
                gathered = replace(_gathered(view, rest), in_legible=shown)
                read += rest if self._add_decoded(gathered, depth) else []
        return _legible(view, read) if read else None

    def _read_disguises(self, view: View) -> None:
        overridden = "\u202e" in self._original or "\u202e" in view.text
        for found in disguises(view.text, overridden=overridden):
            self._views.append(View(found.name, found.text, compose(view.offsets, found.offsets), disguised=True))
            self._tricks[found.name] += found.times


def _view_of(view: View, part: Encoded | Passage) -> View:
    text = canonicalize(part.text)
    if isinstance(part, Passage):
        return View(part.name, text.text, ComposedOffsets(view, compose(part.offsets, text.offsets) or part.offsets))
    return View(part.name, text.text, origin=view.to_original(Span(part.start, part.end)))


def _legible(view: View, read: Sequence[Encoded | Passage]) -> View:
    """`view` with the escapes in these passages undone and these encoded runs left blank."""
    pieces: list[tuple[int, int, str]] = []
    for part in read:
        pieces += part.escapes if isinstance(part, Passage) else [(part.start, part.end, " ")]
    builder = MapBuilder(view.text)
    at = 0
    for start, end, text in sorted(pieces):
        if start >= at:
            builder.copied(at, start)
            builder.replaced(start, end, text)
            at = end
    builder.copied(at, len(view.text))
    undone, offsets = builder.finish()
    plain = canonicalize(undone)
    return View(view.name, plain.text, compose(view.offsets, compose(offsets, plain.offsets)))


def _has_whole_words(text: str) -> bool:
    """False for a text that lies apart letter by letter."""
    words = text.split()
    return sum(map(len, words)) >= _SHORTEST_WORDS * len(words)


def _gathered(view: View, parts: Sequence[Encoded | Passage], *, between: str = "\n") -> View:
    """One view of many parts in a row; every match in it stands for the parts that it reaches into."""
    builder = MapBuilder(view.text)
    for part in parts:
        builder.replaced(part.start, part.end, canonicalize(part.text).text)
        builder.replaced(part.end, part.end, between)
    text, offsets = builder.finish()
    return View(parts[0].name, text, ComposedOffsets(view, offsets))
