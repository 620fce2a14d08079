"""Where links, host names and addresses stand in a text, read as the machine reads them that follows them.

What only looks like one is left out: versions, file names, calls of methods, the domains of e-mail addresses.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from guardhouse.detectors.base import TextEvidence
from guardhouse.detectors.malicious_entity.hosts import (
    MAX_URL,
    Link,
    address_of,
    canonical_host,
    has_known_suffix,
    read_link,
    refang,
)
from guardhouse.detectors.malicious_entity.lexicon import file_endings
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.finding import Span

_TRAILING = ".,;:!?'\"*_~»”’)]}>\\|…、。"
_CLOSING = {")": "(", "]": "[", "}": "{"}
_ENDS_LINK = re.compile(
    r"[\u3000\u3001\u3008-\u3011\uff08\uff09\uff0c\uff1a\uff1b]|[\u3002,;:!?](?=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])|\u3002$|\\[nrt](?=[A-Z\s])"
)
_RUNS = frozenset({"javascript", "vbscript", "data"})

_VERSION_BEFORE = re.compile(
    r"(?:\b(?:versions?|vers?|v|releases?|released|build|rev|revision|firmware|section|sect|chapter|clause|article|oid"
    r"|figure|fig|appendix|paragraph|(?:up|down)grade[ds]? to)[ .:#=]{0,3}|§ ?|[=<>~^!]= ?"
    r"|[A-Za-z][A-Za-z0-9_+]+[/_-])$",
    re.IGNORECASE,
)
_CODE_AFTER = re.compile(r"\s?\(|\[['\"\w]|\s?(?:=>|->|::)|['\"]?\s?=[^=]")


@dataclass(frozen=True, slots=True)
class Entity:
    """One link, host name or address. `readings` are the canonical forms it may have, as written first.

    `span` is in the hit's view. `readings` has one member mostly: a text with look-alike letters is read twice.
    """

    kind: str
    hit: Hit = field(repr=False)
    span: Span
    written: str = field(repr=False)
    readings: tuple[Link | str, ...] = field(repr=False)

    @property
    def host(self) -> str:
        """The host of the first reading; empty where there is none, as in a data URL."""
        if not self.readings:
            return ""
        first = self.readings[0]
        return first if isinstance(first, str) else "" if first.scheme in _RUNS else first.host


def entities_of(text: TextEvidence) -> Iterator[Entity]:
    """At most one for each place of a view: the link where there is one, else the host or address. n log n in hits."""
    covered: dict[int, _Covered] = {}
    links: list[Entity] = []
    for hit in text.hits_of(_patterns("url")):
        if (entity := _link(text, hit)) is not None:
            links.append(entity)
        covered.setdefault(id(hit.view), _Covered()).add(entity.span if entity else _trimmed(hit))
    yield from links
    for name in ("bare", "address", "domain"):
        for hit in text.hits_of(_patterns(name)):
            taken = covered.setdefault(id(hit.view), _Covered())
            span = _trimmed(hit)
            if taken.overlaps(span):
                continue
            found = _bare_link(text, hit, span) if name == "bare" else _host(text, hit, span, address=name == "address")
            if found is not None:
                yield found
                taken.add(found.span)


class _Covered:
    """Spans of a view that are read already, apart and sorted."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def overlaps(self, span: Span) -> bool:
        """True when `span` shares a place with one of them."""
        index = bisect_right(self._starts, span.start)
        before = index > 0 and self._ends[index - 1] > span.start
        return before or (index < len(self._starts) and self._starts[index] < span.end)

    def add(self, span: Span) -> None:
        """One more; what overlaps is left out."""
        if not self.overlaps(span):
            index = bisect_right(self._starts, span.start)
            self._starts.insert(index, span.start)
            self._ends.insert(index, span.end)


def _link(text: TextEvidence, hit: Hit) -> Entity | None:
    span = _trimmed(hit)
    written = _as_written(text, hit, span)
    shown = hit.view.text[span.start : span.end]
    readings = tuple(
        link for raw in dict.fromkeys((written, shown)) if (link := read_link(refang(raw))) and _leads_on(link)
    )
    return Entity("URL", hit, span, written, readings) if readings else None


def _leads_on(link: Link) -> bool:
    return link.scheme in _RUNS or bool(link.host and (address_of(link.host) or "." in link.host))


def _bare_link(text: TextEvidence, hit: Hit, span: Span) -> Entity | None:
    """A link without its scheme, as in `evil.example/login`."""
    before = hit.view.text[max(0, span.start - 40) : span.start]
    written = _as_written(text, hit, span)
    plain = refang(hit.view.text[span.start : span.end])
    if _is_path_segment(before) or not re.search(r"[/?]", plain):
        return None
    link = read_link(f"http://{plain}")
    if link is None or not link.host:
        return None
    if (address := address_of(link.host)) is None:
        if not has_known_suffix(link.host) or _is_file_name(link.host):
            return None
    elif re.match(r"/\d{1,2}(?!\d)", link.path) and len(link.path) <= 3:
        return None  # a network, or no link at all
    elif address.version == 4 and not _is_address(hit, span, before):
        return None
    return Entity("URL", hit, span, written, (link,))


def _host(text: TextEvidence, hit: Hit, span: Span, *, address: bool) -> Entity | None:
    before = hit.view.text[max(0, span.start - 40) : span.start]
    written = _as_written(text, hit, span)
    shown = hit.view.text[span.start : span.end]
    plain = refang(shown)
    defanged = plain != shown
    names = (plain,) if written == shown else (refang(written), plain)
    readings = tuple(dict.fromkeys(host for name in names if (host := canonical_host(name))))
    if not readings:
        return None
    if address:
        fits = defanged or _is_address(hit, span, before)
        return Entity("IP_ADDRESS", hit, span, written, readings) if address_of(readings[0]) and fits else None
    readings = tuple(host for host in readings if has_known_suffix(host))
    if not readings or _is_path_segment(before):
        return None
    if not defanged and (_is_file_name(readings[0]) or _CODE_AFTER.match(hit.view.text, span.end)):
        return None
    return Entity("DOMAIN", hit, span, written, readings)


def _is_address(hit: Hit, span: Span, before: str) -> bool:
    """False for versions, object identifiers and the like."""
    after = hit.view.text[span.end : span.end + 2]
    if re.match(r"[.-][0-9A-Za-z]|[+~]", after):
        return False
    return _VERSION_BEFORE.search(before) is None


def _is_path_segment(before: str) -> bool:
    """True behind a single slash or backslash: `/srv/example.com`. Two slashes begin a link without a scheme."""
    return before[-1:] in ("/", "\\") and before[-2:] not in ("//", "\\\\")


def _is_file_name(host: str) -> bool:
    name, _, last = host.rpartition(".")
    endings = file_endings()
    return last in endings and ("." not in name or name.rpartition(".")[2] in endings | {"tar", "min", "test"})


def _as_written(text: TextEvidence, hit: Hit, span: Span) -> str:
    """What stands in the original: look-alike letters say more before they are folded. Decoded views have none."""
    if hit.view.name != "text" or hit.view.origin is not None:
        return hit.view.text[span.start : span.end]
    place = hit.view.to_original(span)
    return text.normalized.original[place.start : place.end]


def _trimmed(hit: Hit) -> Span:
    """Where the link ends: before a bracket that it did not open, and before the punctuation of its sentence."""
    value = hit.value[:MAX_URL]
    if (end := _ENDS_LINK.search(value)) is not None:
        value = value[: end.start()]
    open_ = {")": 0, "]": 0, "}": 0}
    opening = {"(": ")", "[": "]", "{": "}"}
    for index, letter in enumerate(value):
        if letter in opening:
            open_[opening[letter]] += 1
        elif letter in open_:
            if not open_[letter]:
                value = value[:index]
                break
            open_[letter] -= 1
    while value and value[-1] in _TRAILING:
        if value[-1] in _CLOSING and value.count(_CLOSING[value[-1]]) >= value.count(value[-1]):
            break
        value = value[:-1]
    return Span(hit.view_span.start, hit.view_span.start + len(value))


@cache
def pack() -> tuple[Pattern, ...]:
    """The shapes of links, host names and addresses."""
    return load_pack("guardhouse.detectors.malicious_entity", "pack.toml")


@cache
def _patterns(kind: str) -> tuple[Pattern, ...]:
    return tuple(pattern for pattern in pack() if pattern.data.get("kind") == kind)
