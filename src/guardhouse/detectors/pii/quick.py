"""What a number of digits must fulfil before its check is worth the time: a few, cheap, necessary conditions.

The checks of python-stdnum cost some twenty microseconds each, and eleven digits have the shape of twenty kinds. A
condition here costs about one and turns away nine of ten. It may let through what the check refuses, never the reverse;
a test holds it to that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from operator import mul

from guardhouse.text.checksum import luhn_valid, weighted_sum

Condition = Callable[[str], bool]
"""Given digits without separators, False only where the check of the same name would refuse them."""

_DAY = "(?:0[1-9]|[12][0-9]|3[01])"
_MONTH = "(?:0[1-9]|1[0-2])"


def _weighted(weights: tuple[int, ...], modulus: int, allowed: Collection[int] = (0,), begins: str = "") -> Condition:
    """The digits times their weights leave one of the `allowed` remainders; a number of another length passes."""
    shape = re.compile(begins)
    # The digits are taken as bytes: each is 48 too high.
    surplus = 48 * sum(weights)
    count = len(weights)
    remainders = frozenset(allowed)

    def condition(digits: str) -> bool:
        if shape.match(digits) is None:
            return False
        return len(digits) < count or (sum(map(mul, weights, digits.encode())) - surplus) % modulus in remainders

    return condition


def _begins(shape: str) -> Condition:
    matches = re.compile(shape).match
    return lambda digits: matches(digits) is not None


def _luhn(digits: str) -> bool:
    return luhn_valid(digits)


def _luhn_of_ten(digits: str) -> bool:
    return luhn_valid(digits[-10:])


def _imei(digits: str) -> bool:
    return len(digits) != 15 or luhn_valid(digits)


def _siret(digits: str) -> bool:
    return luhn_valid(digits) or digits.startswith("356000000")  # the Post has more branches than Luhn numbers


def _one_digit_twice(digits: str) -> bool:
    return digits[0] != "0" and len(set(digits[:10])) in (8, 9)


def _mod_11_10(digits: str) -> bool:
    """ISO 7064, MOD 11,10."""
    rest = 10
    for sign in digits[:-1].encode():
        rest = _MOD_11_10[rest][sign & 15]
    return (rest + int(digits[-1])) % 10 == 1


_MOD_11_10 = tuple(tuple(((rest + digit) % 10 or 10) * 2 % 11 for digit in range(10)) for rest in range(11))
"""By what the digits before leave, by digit: what they leave together."""


def _latvian(digits: str) -> bool:
    if digits[0] > "3":
        return weighted_sum(digits, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)) % 11 == 3
    return _LATVIAN_BIRTH.match(digits) is not None


_LATVIAN_BIRTH = re.compile(f"32|{_DAY}{_MONTH}")


def _czech(digits: str) -> bool:
    return len(digits) != 10 or int(digits[:9]) % 11 % 10 == int(digits[9])


def _french(digits: str) -> bool:
    return len(digits) != 15 or 97 - int(digits[:13]) % 97 == int(digits[13:])


def _belgian(digits: str) -> bool:
    return _belgian_rest(digits[:9]) == int(digits[9:]) or _belgian_rest("2" + digits[:9]) == int(digits[9:])


def _belgian_rest(digits: str) -> int:
    return 97 - int(digits) % 97


def _dihedral(one: int, other: int) -> int:
    """The product of two elements of the dihedral group of ten (J. Verhoeff, 1969)."""
    turned = (one - other if one >= 5 else one + other) % 5
    return turned + (5 if (one >= 5) != (other >= 5) else 0)


def _verhoeff_tables() -> tuple[tuple[tuple[int, ...], ...], ...]:
    """By place (there are eight kinds), by digit, by what the digits behind give: what they give together."""
    swap = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    places = [tuple(range(10))]
    for _ in range(7):
        places.append(tuple(places[-1][digit] for digit in swap))
    return tuple(
        tuple(tuple(_dihedral(before, place[digit]) for before in range(10)) for digit in range(10)) for place in places
    )


_VERHOEFF = _verhoeff_tables()
_VERHOEFF_OF_TWELVE = _VERHOEFF + _VERHOEFF[:4]


def _australian_tax(digits: str) -> bool:
    return (_TAX_OF_EIGHT if len(digits) == 8 else _TAX_OF_NINE)(digits)


_TAX_OF_NINE = _weighted((1, 4, 3, 7, 5, 8, 6, 9, 10), 11)
_TAX_OF_EIGHT = _weighted((1, 4, 3, 7, 5, 8, 6, 9), 11)


def _dominican(digits: str) -> bool:
    return luhn_valid(digits) or digits in _dominican_exceptions()


@cache
def _dominican_exceptions() -> frozenset[str]:
    """Numbers in use that are no Luhn numbers."""
    from stdnum.do import cedula

    return frozenset(cedula.whitelist)


_SNILS_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, 1)


def _snils(digits: str) -> bool:
    total: int = sum(map(mul, _SNILS_WEIGHTS, digits.encode())) - 48 * 45
    return total % 101 % 100 == int(digits[9:])


def _greek(digits: str) -> bool:
    return _DAY_AND_MONTH.match(digits) is not None and luhn_valid(digits)


_DAY_AND_MONTH = re.compile(_DAY + _MONTH)


def _aadhaar(digits: str) -> bool:
    if digits[0] < "2":
        return False
    rest = 0
    for place, sign in zip(_VERHOEFF_OF_TWELVE, reversed(digits.encode()), strict=False):
        rest = place[sign & 15][rest]
    return rest == 0


QUICK: Mapping[str, Condition] = {
    "snils": _snils,
    "stdnum:ar.cuit": _weighted((5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), 11, (0, 1, 10), "2[0347]|3[034]|5[015]"),
    "stdnum:au.abn": _weighted((10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19), 89, (10,)),
    "stdnum:au.acn": _weighted((8, 7, 6, 5, 4, 3, 2, 1, 1), 10),
    "stdnum:au.tfn": _australian_tax,
    "stdnum:be.bis": _belgian,
    "stdnum:be.nn": _belgian,
    "stdnum:br.cnpj": _weighted((5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11, (0, 1)),
    "stdnum:br.cpf": _weighted((10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11, (0, 1)),
    "stdnum:ca.sin": _luhn,
    "stdnum:ch.ssn": _begins("756"),
    "stdnum:cz.rc": _czech,
    "stdnum:de.idnr": lambda digits: _one_digit_twice(digits) and _mod_11_10(digits),
    "stdnum:dk.cpr": _begins(_DAY + _MONTH),
    "stdnum:do.cedula": _dominican,
    "stdnum:ee.ik": _begins(f"[1-8]..{_MONTH}{_DAY}"),
    "stdnum:fi.ytunnus": _weighted((7, 9, 10, 5, 8, 4, 2, 1), 11),
    "stdnum:fr.nir": _french,
    "stdnum:fr.siret": _siret,
    "stdnum:gb.nhs": _weighted((10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11),
    "stdnum:gr.amka": _greek,
    "stdnum:hr.oib": _mod_11_10,
    "stdnum:id.nik": _begins(f".{{6}}(?:0[1-9]|[1-9][0-9]){_MONTH}"),
    "stdnum:imei": _imei,
    "stdnum:in_.aadhaar": _aadhaar,
    "stdnum:is_.kennitala": _weighted((3, 2, 7, 6, 5, 4, 3, 2, 1), 11),
    "stdnum:lt.asmens": _begins(f"9|[1-8]..(?:{_MONTH}{_DAY}|0000)"),
    "stdnum:lv.pvn": _latvian,
    "stdnum:my.nric": _begins(f"..{_MONTH}{_DAY}"),
    "stdnum:no.fodselsnummer": _weighted((3, 7, 6, 1, 8, 9, 4, 5, 2, 1), 11),
    "stdnum:pe.ruc": _weighted((5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1), 11, (0, 1), "1[057]|20"),
    "stdnum:pl.nip": _weighted((6, 5, 7, 2, 3, 4, 5, 6, 7, 10), 11),
    "stdnum:pl.pesel": _weighted((1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10),
    "stdnum:ro.cnp": _begins(f"[1-9]..{_MONTH}{_DAY}"),
    "stdnum:se.personnummer": _luhn_of_ten,
    "stdnum:si.emso": _begins(_DAY + _MONTH),
    "stdnum:th.pin": _weighted((13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11, (0, 1)),
    "stdnum:tr.tckimlik": _weighted((3, 1, 3, 1, 3, 1, 3, 1, 3, 1), 10, (0,), "[1-9]"),
    "stdnum:us.itin": _begins("9"),
    "stdnum:za.idnr": _luhn,
}
"""By the check's name; checks that are not named are cheap, or turn little away."""
