"""Dates and card expiry dates."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from guardhouse.detectors.pii.readings import Reading

_NUMBER = re.compile(r"[0-9]+")
_MACHINE = re.compile(r"[0-9]T[0-9]|[0-9]Z$|:[0-9]{2}[.,][0-9]|:[0-9]{2}[+\-][0-9]{2}")
_OLDEST = 1880
_NEWEST = 2100


def read_date(value: str) -> Iterator[Reading]:
    """A date that exists, written in figures (any order of day and month) or with the month's name."""
    numbers = [int(n) for n in _NUMBER.findall(value)[:3]]
    if len(numbers) < 3 or re.search(r"[^\W\d_]{3}", value):
        if _with_month_name(value, numbers):
            yield Reading(0, len(value))
        return
    first, second, third = numbers
    orders = ((first, second, third),) if first > 31 else ((third, second, first), (third, first, second))
    short = len(_NUMBER.findall(value)[2]) == 2 and first <= 31
    if any(_exists(*order) for order in orders):
        yield Reading(0, len(value), plain=0.45 if short else None)


def read_moment(value: str) -> Iterator[Reading]:
    """A date that people write; a moment as machines log it (`T`, fractions, a zone) is below every usual threshold."""
    for reading in read_date(value):
        yield Reading(reading.start, reading.end, 0.3, 0.4) if _MACHINE.search(value) else reading


def read_compact_date(value: str) -> Iterator[Reading]:
    """Eight digits that are a day of the last century or this, the year first or last."""
    if _exists(int(value[:4]), int(value[4:6]), int(value[6:])) or any(
        _exists(int(value[4:]), int(month), int(day))
        for month, day in ((value[2:4], value[:2]), (value[:2], value[2:4]))
    ):
        yield Reading(0, len(value))


def _with_month_name(value: str, numbers: list[int]) -> bool:
    if not numbers or not re.search(r"[^\W\d_]", value):
        return False
    years = [n for n in numbers if n > 31]
    days = [n for n in numbers if n <= 31]
    return (not years or _OLDEST <= years[0] <= _NEWEST) and all(day >= 1 for day in days[:1])


def _exists(year: int, month: int, day: int) -> bool:
    full = year if year > 99 else 2000 + year
    if not _OLDEST <= full <= _NEWEST:
        return False
    try:
        datetime.date(full, month, day)
    except ValueError:
        return False
    return True


def read_expiry(value: str) -> Iterator[Reading]:
    """Month and year of a card, `04/27` or `04/2027`."""
    month, year = (int(n) for n in _NUMBER.findall(value)[:2])
    if 1 <= month <= 12 and 2000 <= (year if year > 99 else 2000 + year) <= _NEWEST:
        yield Reading(0, len(value))
