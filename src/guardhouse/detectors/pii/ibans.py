"""International bank account numbers among other words, and over the end of a line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from guardhouse.detectors.pii.readings import Reading

_GROUP_END = re.compile(r"(?<=[0-9A-Za-z])(?![0-9A-Za-z])")
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")
_SHORTEST, _LONGEST = 15, 34


def read_iban(value: str) -> Iterator[Reading]:
    """An account number with its country's length and ISO 7064's check digits.

    Words that follow it and look like further groups (`... 1332 BANK`) are left out: every end of a group is tried.
    """
    for match in _GROUP_END.finditer(value):
        bare = _NOT_ALNUM.sub("", value[: match.end()])
        if _SHORTEST <= len(bare) <= _LONGEST and _leaves_one(bare) and _is_valid()(bare):
            yield Reading(0, match.end(), facts={"check": "iban", "country": bare[:2].upper()})
            return


def read_wrapped_iban(value: str) -> Iterator[Reading]:
    """The same for a number that goes over a line's end; one that ends before it is another shape's."""
    for reading in read_iban(value):
        if "\n" in value[: reading.end]:
            yield reading


def _leaves_one(bare: str) -> bool:
    """ISO 7064, MOD 97-10, which every account number keeps to; the library's check costs ten times as much."""
    return int("".join([str(int(sign, 36)) for sign in bare[4:] + bare[:4]])) % 97 == 1


@cache
def _is_valid() -> Callable[[str], bool]:
    from stdnum import iban

    return iban.is_valid
