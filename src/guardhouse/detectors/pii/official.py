"""Official numbers of countries whose rules python-stdnum does not have."""

from __future__ import annotations

import re

from guardhouse.detectors.pii.identifiers import is_date
from guardhouse.text.checksum import luhn_valid, weighted_sum

_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


def _compact(value: str) -> str:
    return _NOT_ALNUM.sub("", value).upper()


def is_kazakh_iin(value: str) -> bool:
    """An individual identification number of Kazakhstan: birth date, century and sex, check digit modulo 11.

    Source: the government's order 406 of 2003.
    """
    digits = _compact(value)
    if digits[6] not in "123456" or not is_date(1700 + (int(digits[6]) + 1) // 2 * 100, digits[:6]):
        return False
    check = weighted_sum(digits[:11], (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)) % 11
    if check == 10:
        check = weighted_sum(digits[:11], (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return check == int(digits[11])


def is_german_insurance_number(value: str) -> bool:
    """A pension insurance number of Germany: area, birth date, letter, serial, check digit (VKVV, section 2)."""
    text = _compact(value)
    letter = ord(text[8]) - 64
    digits = f"{text[:8]}{letter:02d}{text[9:11]}"
    products = (int(digit) * weight for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    day, month = int(text[2:4]) % 50, int(text[4:6])  # a date that is not known is shifted by 50
    return 0 <= day <= 31 and 0 <= month <= 12 and sum(p // 10 + p % 10 for p in products) % 10 == int(text[11])


def is_icao_checked(value: str) -> bool:
    """A document number whose last digit is the check digit of ICAO 9303 over the rest (weights 7, 3, 1)."""
    text = _compact(value)
    values = [int(item) if item.isdigit() else ord(item) - 55 for item in text[:-1]]
    return sum(item * (7, 3, 1)[index % 3] for index, item in enumerate(values)) % 10 == int(text[-1])


def is_spanish_insurance_number(value: str) -> bool:
    """A social security number of Spain: province, serial, the two modulo 97 (Tesorería General, CCC and NAF)."""
    digits = _compact(value)
    province, serial = int(digits[:2]), int(digits[2:10])
    base = province * 10_000_000 + serial if serial < 10_000_000 else int(digits[:10])
    return 1 <= province <= 66 and base % 97 == int(digits[10:])


def is_jmbg(value: str) -> bool:
    """A unique master citizen number of former Yugoslavia: birth date, region, serial, check digit modulo 11."""
    digits = _compact(value)
    year = int(digits[4:7])
    century = (1000 + year if year >= 800 else 2000 + year) // 100 * 100
    if not is_date(century, f"{year % 100:02d}{digits[2:4]}{digits[:2]}"):
        return False
    check = 11 - weighted_sum(digits[:12], (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return check != 10 and check % 11 == int(digits[12])


def is_brazilian_pis(value: str) -> bool:
    """A social programme number of Brazil (PIS, PASEP, NIT): check digit modulo 11."""
    digits = _compact(value)
    check = 11 - weighted_sum(digits[:10], (3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return len(set(digits)) > 1 and (check if check < 10 else 0) == int(digits[10])


def is_mexican_nss(value: str) -> bool:
    """A social security number of Mexico: eleven digits with the Luhn digit."""
    digits = _compact(value)
    return len(set(digits)) > 1 and luhn_valid(digits)


def is_egyptian_id(value: str) -> bool:
    """A national number of Egypt: century, birth date, governorate; its check digit's rule is not published."""
    digits = _compact(value)
    return digits[0] in "23" and is_date(1700 + int(digits[0]) * 100, digits[1:7]) and "01" <= digits[7:9] <= "88"


def is_vietnamese_id(value: str) -> bool:
    """A citizen card number of Vietnam: province 001 to 096, century and sex, year. Source: circular 59/2021/TT-BCA."""
    digits = _compact(value)
    return "001" <= digits[:3] <= "096" and digits[3] in "0123" and len(set(digits)) > 2


def is_emirates_id(value: str) -> bool:
    """An identity number of the United Arab Emirates: 784, year of birth, serial, Luhn digit."""
    digits = _compact(value)
    return digits.startswith("784") and "1900" <= digits[3:7] <= "2100" and luhn_valid(digits)


def is_luxembourg_id(value: str) -> bool:
    """An identification number of Luxembourg: birth date, serial, a Luhn and a Verhoeff digit over the same eleven."""
    from stdnum import verhoeff

    digits = _compact(value)
    born = is_date(int(digits[:4]) // 100 * 100, digits[2:8])
    return born and luhn_valid(digits[:12]) and bool(verhoeff.is_valid(digits[:11] + digits[12]))
