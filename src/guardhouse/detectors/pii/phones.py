"""Telephone numbers: the shape first, then the numbering plans of the `phonenumbers` library.

The library's own matcher over whole texts is slow (3.5 MB/s), and its parser tried once for each region costs some
15 microseconds a region. Its plans as compiled expressions answer "valid here?" in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from guardhouse.detectors.pii.readings import Reading
from guardhouse.detectors.pii.runs import Run, read_run

_REGION_CODES = (
    "US GB DE FR ES IT IN JP KR CN BR PL TR RU NL SE FI DK NO BE CH AT PT IE AU NZ MX AR CL CO ZA SG HK TW IL GR CZ HU"
    " RO UA ID PH TH VN MY AE SA EG NG KE PK BD"
)
REGIONS = tuple(_REGION_CODES.split())
"""Where a number without country code may be from, the likeliest first."""

_TYPES = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
)
_SEGMENT_BREAK = re.compile(r"\r?\n|/| {2,}|\t")
_CUT = re.compile(r"[-.(]\Z|\A\s*\(?(?:\+|00)(?:[^0-9]?[0-9]){1,9}[^0-9]?\Z")
"""How a line ends in the middle of a number: with a separator, or after the first digits of an international one."""
_SHORTEST = 6
_VALID = 0.9
"""Confidence in an international number that its country's plan has."""
_NO_DIGIT = re.compile(r"[^0-9]")
_DATE = re.compile(r"(?:19|20)[0-9]{2}[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:0?[1-9]|[12][0-9]|3[01])(?![0-9])")
_DATE_REVERSED = re.compile(r"[0-3]?[0-9]([-./ ])[0-3]?[0-9]\1(?:19|20)?[0-9]{2}(?![0-9])")
_NANP = re.compile(r"(?:1[-. ]?)?\(?[2-9][0-9]{2}\)?[-. ]{0,2}[2-9][0-9]{2}[-. ]?[0-9]{4}")
_NANP_LOOSE = re.compile(r"(?:1[-. ]?)?\(?[2-9][0-9]{2}\)?[-. ]{0,2}[0-9]{3}[-. ][0-9]{4}")
_PAIRS = re.compile(r"[0-9]{2} [0-9]{2} [0-9]{2}")
"""How small countries write their numbers."""
_DOTTED_VERSION = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}")
_GAP = re.compile(r"[ .\-]|\(|\) ?|\)[-.]| \(|\) \(?| ?- {0,2}|\(0\) ?|  ")
_EXTENSION = re.compile(r"\s?(?:x|ext\.?|доб\.?)\s?", re.IGNORECASE)


def read_phones(value: str) -> Iterator[Reading]:
    """Telephone numbers in a run of digits and separators.

    A number may stand between others: every group is tried as its begin. An extension (`x123`) belongs to it. Linear.
    """
    marks = list(_SEGMENT_BREAK.finditer(value))
    starts = [0, *(mark.end() for mark in marks)]
    ends = [*(mark.start() for mark in marks), len(value)]
    index = 0
    while index < len(starts):
        start, end = starts[index], ends[index]
        if ends[min(index + 1, len(marks))] - start < _SHORTEST:
            index += 1
            continue
        readings = list(_segment(value[start:end], start))
        if index < len(marks) and marks[index][0].endswith("\n") and _is_cut(value[start:end], readings):
            joined = f"{value[start:end]}{' ' * len(marks[index][0])}{value[starts[index + 1] : ends[index + 1]]}"
            across = list(_segment(joined, start))
            if any(reading.start < end < reading.end for reading in across):
                readings = across
                index += 1
        yield from readings
        index += 1


def _is_cut(line: str, readings: list[Reading]) -> bool:
    """True for a line that may end in the middle of a number."""
    return _CUT.search(line) is not None and not any((reading.plain or 0.0) >= _VALID for reading in readings)


def _segment(text: str, offset: int) -> Iterator[Reading]:
    run = read_run(text)
    count = len(run.groups)
    first = 0
    while first < count:
        found = _best(run, first)
        if found is None:
            first += 1
            continue
        last, plain, near, region = found
        if last < len(run.gaps) and _EXTENSION.fullmatch(run.gaps[last]):
            last += 1
        start, end = _outer(run, first, last)
        facts = {"region": region} if region else {}
        yield Reading(offset + start, offset + end, plain=plain, near=near, facts=facts)
        first = last + 1


def _best(run: Run, first: int) -> tuple[int, float, float, str] | None:
    """The surest number that begins at group `first`, the longer one where two are as sure."""
    best: tuple[int, float, float, str] | None = None
    total = 0
    for last in range(first, min(first + 7, len(run.groups))):
        start, end = run.groups[last]
        total += end - start
        if total > 16 or (last > first and not _may_part(run.gaps[last - 1])):
            break
        if total < 2 * (last - first) or total < (6 if last - first == 2 else 7):
            continue  # digits one by one are no telephone number, and the shortest ones are written in pairs
        reading = read_number(run.text[_outer(run, first, last)[0] : end])
        if reading and (best is None or reading[0] >= best[1]):
            best = (last, *reading)
    return best


def _may_part(gap: str) -> bool:
    return gap in (" ", "-", ".") or _GAP.fullmatch(gap) is not None


def _outer(run: Run, first: int, last: int) -> tuple[int, int]:
    start, end = run.groups[first][0], run.groups[last][1]
    floor = run.groups[first - 1][1] if first else 0
    while start > floor and run.text[start - 1] in "+(":
        start -= 1
    if run.text[start] == "(" and ")" not in run.text[start:end]:
        start += 1
    return start, end


def read_number(text: str) -> tuple[float, float, str] | None:
    """Confidence alone, confidence near words such as "phone", and region of one number; None where it is none."""
    if text.isascii() and text.isdigit():
        digits = text
    elif _DATE.match(text) or _DATE_REVERSED.fullmatch(text):
        return None
    else:
        digits = _NO_DIGIT.sub("", text)
    if len(set(digits)) == 1:
        return None
    if "+" in text[:2]:
        return _international(text.replace("(0)", ""), _VALID, 0.72)
    if digits.startswith("00") and len(digits) >= 10:
        found = _international(digits[2:], 0.75, 0.0)
        if found:
            return found
    return _national(text, digits)


def _international(text: str, valid: float, possible: float) -> tuple[float, float, str] | None:
    digits = _NO_DIGIT.sub("", text)
    for width in (1, 2, 3):
        regions = _regions_of(digits[:width])
        if not regions:
            continue
        national = digits[width:]
        for region in regions:
            if _plan(region).fullmatch(national):
                return valid, 0.97, region
        if possible and 6 <= len(national) <= 12:
            return possible, 0.88, ""
        return None
    return None


def _national(text: str, digits: str) -> tuple[float, float, str] | None:
    if not 6 <= len(digits) <= 12 or _DOTTED_VERSION.fullmatch(text):
        return None
    separated = not text.isdigit()
    if separated and _NANP.fullmatch(text):
        return (0.8 if _plan("US").fullmatch(digits[-10:]) else 0.62), 0.95, "US"
    if separated and _NANP_LOOSE.fullmatch(text):
        return 0.45, 0.85, ""
    fitting = _plans().fullmatch(digits)
    region = (fitting.lastgroup or "") if fitting else ""
    if len(digits) < 7:
        return 0.05, (0.55 if _PAIRS.fullmatch(text) else 0.45), region
    if not region:
        return 0.1, 0.62, ""
    trunk = digits.startswith("0") or text.startswith("(")
    if separated and len(digits) >= 9:
        return (0.6 if trunk else 0.4), 0.92, region
    return (0.35 if trunk else 0.3), 0.88, region


@cache
def _regions_of(code: str) -> tuple[str, ...]:
    import phonenumbers

    return tuple(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code or 0), ()))


@cache
def _plans() -> re.Pattern[str]:
    """The plans of all regions in one expression, the likeliest first; the group that matches has the region's name."""
    return re.compile("|".join(f"(?P<{region}>{_plan_source(region)})" for region in REGIONS))


@cache
def _plan(region: str) -> re.Pattern[str]:
    return re.compile(_plan_source(region))


def _plan_source(region: str) -> str:
    """The national numbers of a region, with or without its trunk prefix."""
    import phonenumbers

    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return "(?!)"
    descriptions = (getattr(metadata, name) for name in _TYPES)
    patterns = [d.national_number_pattern for d in descriptions if d is not None and d.national_number_pattern]
    trunk = f"(?:{re.escape(metadata.national_prefix)})?" if metadata.national_prefix else ""
    return f"{trunk}(?:{'|'.join(patterns)})"
