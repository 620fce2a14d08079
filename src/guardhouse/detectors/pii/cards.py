"""Payment cards: brand by first digits and length, then the Luhn digit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from guardhouse.detectors.pii.readings import Reading
from guardhouse.detectors.pii.runs import read_run
from guardhouse.text.checksum import luhn_valid


@dataclass(frozen=True, slots=True)
class Brand:
    """A card network's numbers. `plain` is the confidence in a number of it that stands alone."""

    name: str
    prefix: re.Pattern[str]
    lengths: frozenset[int]
    plain: float
    first_digits: frozenset[str]


def _brand(name: str, prefix: str, lengths: set[int], plain: float = 0.9) -> Brand:
    first = frozenset(re.findall(r"(?:^|\||\(\?:)([0-9])", prefix))
    return Brand(name, re.compile(prefix), frozenset(lengths), plain, first)


# Source: ISO/IEC 7812 issuer identification numbers as the networks publish them. The first that fits counts.
BRANDS = (
    _brand("visa", "4", {16}),
    _brand("mastercard", r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),
    _brand("american_express", r"3[47]", {15}),
    _brand("discover", r"6011|64[4-9]|65|622", {16}),
    _brand("diners_club", r"30[0-5]|309|36|3[89]", {14}, 0.7),
    _brand("jcb", r"35(?:2[89]|[3-8])", {16}),
    _brand("jcb", r"2131|1800", {15}, 0.7),
    _brand("mir", r"220[0-4]", {16}),
    _brand("unionpay", r"62|81", {16, 17, 18, 19}, 0.75),
    _brand("rupay", r"60|508[5-9]|82|353|356", {16}, 0.75),
    _brand("troy", r"9792", {16}, 0.75),
    _brand("elo", r"(?:401178|438935|457631|5041|5067|509|627780|636297|636368|65)", {16}, 0.75),
    _brand("jcb", "35", {16}, 0.6),
    _brand("dankort", "5019", {16}, 0.6),
    _brand("jcb", r"308[89]|309[0-4]|309[6-9]|310[0-2]|311[2-9]|3120|315[89]|333[7-9]|334", {16}, 0.55),
    _brand("diners_club", r"30[0-5]|3095|36|3[89]", {15, 16, 17, 18, 19}, 0.4),
    _brand("visa", "4", {13, 19}, 0.55),
    _brand("discover", r"6011|64[4-9]|65", {17, 18, 19}, 0.55),
    _brand("maestro", r"5018|50[23]|5[6-8]|6(?:304|759|76[123]|[0-9])", {12, 13, 14, 15, 16, 17, 18, 19}, 0.4),
)

# Source: test card pages of the networks and of payment providers; real shape, no account behind them.
_SAMPLE_NUMBERS = """4111111111111111 4242424242424242 4012888888881881 4222222222222 4000056655665556 4917610000000000
    4000000000000002 4000000000009995 4000002500003155 4444333322221111 4007000000027 4012001037141112
    4005519200000004 4009348888881881 4462030000000000 4911830000000 5555555555554444 5105105105105100
    5200828282828210 5454545454545454 5431111111111111 5424000000000015 2223003122003222 2223000048400011
    2222420000001113 378282246310005 371449635398431 378734493671000 341111111111111 6011111111111117
    6011000990139424 6011000000000012 30569309025904 38520000023237 36227206271667 3056930009020004
    3530111333300000 3566002020360505 3088000000000017 6200000000000005 6205500000000000004 5019717010103742
    6331101999990016 6759649826438453 6799990100000000019 5610591081018250"""
SAMPLES = frozenset(_SAMPLE_NUMBERS.split())

_GAP = re.compile(r"[ \-]| - |[ \-]?\r?\n")
_MOST_GROUPS = 7
_LENGTHS_ONE_BY_ONE = (15, 16)
"""Lengths that are looked for where digits stand one by one."""
_BY_FIRST_DIGIT = {digit: tuple(brand for brand in BRANDS if digit in brand.first_digits) for digit in "0123456789"}


def read_cards(value: str) -> Iterator[Reading]:
    """Card numbers in a run of digits, however grouped. Linear in the run's length."""
    run = read_run(value)
    lengths = run.lengths()
    digits = run.digits(0, len(lengths) - 1)
    joined = [_joins(gap, *lengths[index : index + 2]) for index, gap in enumerate(run.gaps)] + [False]
    singles = _singles(lengths, joined)
    first = offset = 0
    while first < len(lengths):
        found = None
        if _BY_FIRST_DIGIT[digits[offset]] and (lengths[first] > 1 or singles[first] >= _LENGTHS_ONE_BY_ONE[0]):
            found = _longest(digits, offset, lengths, joined, first)
        if found is None:
            offset += lengths[first]
            first += 1
            continue
        last, number, brand = found
        facts = {"check": "luhn", "brand": brand.name}
        if number in SAMPLES:
            facts["sample"] = "true"
        yield Reading(run.groups[first][0], run.groups[last][1], plain=brand.plain, near=0.97, facts=facts)
        offset += sum(lengths[first : last + 1])
        first = last + 1


def _singles(lengths: tuple[int, ...], joined: list[bool]) -> list[int]:
    """How many digits stand one by one from each group on, joined."""
    counts = [0] * (len(lengths) + 1)
    for index in range(len(lengths) - 1, -1, -1):
        if lengths[index] == 1:
            counts[index] = 1 + (counts[index + 1] if joined[index] else 0)
    return counts


def _joins(gap: str, before: int, after: int) -> bool:
    """True for what may part a card number's groups; a point only between groups of a card's lengths (no decimals)."""
    if gap == ".":
        return 3 <= before <= 6 and 3 <= after <= 6
    return gap in (" ", "-") or _GAP.fullmatch(gap) is not None


def _longest(
    digits: str, offset: int, lengths: tuple[int, ...], joined: list[bool], first: int
) -> tuple[int, str, Brand] | None:
    """The surest number that begins at group `first`, the shorter one where two are as sure."""
    best: tuple[int, str, Brand] | None = None
    total = 0
    last = first
    singly = lengths[first] == 1
    if singly and len(set(digits[offset : offset + _LENGTHS_ONE_BY_ONE[0]])) == 1:
        return None
    while last < len(lengths):
        total += lengths[last]
        if total > 19 or (singly and lengths[last] != 1) or (not singly and last - first >= _MOST_GROUPS):
            break
        if total >= 12 and (not singly or total in _LENGTHS_ONE_BY_ONE):
            number = digits[offset : offset + total]
            brand = brand_of(number) if luhn_valid(number) else None
            if brand and len(set(number)) > 1 and (best is None or brand.plain > best[2].plain):
                best = (last, number, brand)
        if not joined[last]:
            break
        last += 1
    return best


def brand_of(digits: str) -> Brand | None:
    """The network whose prefix and length the number has."""
    for brand in _BY_FIRST_DIGIT[digits[0]]:
        if len(digits) in brand.lengths and brand.prefix.match(digits):
            return brand
    return None
