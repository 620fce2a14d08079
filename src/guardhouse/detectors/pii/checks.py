"""Checks by name: does a value that has the shape truly say what it seems to say?"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from guardhouse.detectors.pii import identifiers, official
from guardhouse.detectors.pii.addresses import read_email, read_spelled_email, read_url
from guardhouse.detectors.pii.cards import read_cards
from guardhouse.detectors.pii.dates import read_compact_date, read_date, read_expiry, read_moment
from guardhouse.detectors.pii.ibans import read_iban, read_wrapped_iban
from guardhouse.detectors.pii.phones import read_phones
from guardhouse.detectors.pii.readings import Check, Reading, whole
from guardhouse.detectors.pii.wallets import (
    read_base58,
    read_bech32,
    read_cash,
    read_ether,
    read_ether_shape,
    read_monero,
    read_ripple,
    read_solana,
    read_stellar,
    read_wallet_shape,
)
from guardhouse.errors import ConfigurationError

_STDNUM = "stdnum:"
_SEPARATORS = re.compile(r"[\s./\-]")


@cache
def check_named(name: str) -> Check:
    """The check of that name; `stdnum:fi.hetu` is that module of python-stdnum. Raises `ConfigurationError`."""
    if name.startswith(_STDNUM):
        return _stdnum_check(name.removeprefix(_STDNUM))
    try:
        return CHECKS[name]
    except KeyError:
        raise ConfigurationError(f"there is no check {name!r}; there are {', '.join(sorted(CHECKS))}") from None


def _stdnum_check(module: str) -> Check:
    number = importlib.import_module(f"stdnum.{module}")

    def check(value: str) -> Iterable[Reading]:
        # Some modules refuse separators that people write; some need the one that carries meaning (the century).
        bare = _SEPARATORS.sub("", value)
        fits = number.is_valid(bare) or (bare != value and number.is_valid(value))
        return whole(value, check=module) if fits else ()

    return check


def _where(claim: identifiers.Claim, name: str) -> Check:
    def check(value: str) -> Iterable[Reading]:
        return whole(value, check=name) if claim(value) else ()

    return check


def read_ip(value: str) -> Iterator[Reading]:
    """An IPv4 or IPv6 address, perhaps with a prefix length; addresses that name no machine of anyone's are unsure."""
    bare = value.split("/", 1)[0].split("%", 1)[0].strip("[]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return
    facts = {"version": str(address.version)}
    if address.is_loopback or address.is_unspecified or address.is_multicast or bare.startswith(("255.", "0.")):
        yield Reading(0, len(value), plain=0.2, near=0.3, facts=facts)
    elif address.version == 6 and (bare.count(":") < 3 or not re.search(r"[0-9]", bare)):
        yield Reading(0, len(value), plain=0.3, near=0.6, facts=facts)
    elif address.version == 4 and all(len(part) == 1 for part in bare.split(".")) and bare not in _SHORT_ADDRESSES:
        yield Reading(0, len(value), plain=0.45, near=0.8, facts=facts)  # reads like a version or a section
    elif address.is_private and address.version == 4:
        yield Reading(0, len(value), plain=0.6, near=0.85, facts={**facts, "scope": "private"})
    else:
        yield Reading(0, len(value), facts=facts)


_SHORT_ADDRESSES = frozenset({"1.1.1.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "1.0.0.1"})


def read_coordinates(value: str) -> Iterable[Reading]:
    """Latitude and longitude in degrees, both with at least four decimals."""
    latitude, _, longitude = value.partition(",")
    try:
        fits = abs(float(latitude)) <= 90 and abs(float(longitude)) <= 180
    except ValueError:
        return ()
    return whole(value) if fits else ()


def read_latitude_longitude(value: str) -> Iterable[Reading]:
    """Latitude and longitude by name, with hemispheres, in degrees and minutes, or as a `geo:` URI."""
    numbers = [float(number) for number in _DECIMAL.findall(value)]
    half = len(numbers) // 2
    if len(numbers) not in (2, 4, 6):
        return ()
    limits = (90, 60, 60)[:half] + (180, 60, 60)[:half]
    return whole(value) if all(abs(n) <= limit for n, limit in zip(numbers, limits, strict=True)) else ()


_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def read_age(value: str) -> Iterable[Reading]:
    """An age in years that a person can have."""
    return whole(value) if 0 < int(value) <= 120 else ()


_CLAIMS: Mapping[str, Check] = {
    "aba": _where(identifiers.is_routing_number, "aba"),
    "au_medicare": _where(identifiers.is_australian_medicare, "au_medicare"),
    "dea": _where(identifiers.is_dea_number, "dea"),
    "npi": _where(identifiers.is_npi, "npi"),
    "fin_nric": _where(identifiers.is_singapore_nric, "fin_nric"),
    "hk_id": _where(identifiers.is_hong_kong_id, "hk_id"),
    "tw_id": _where(identifiers.is_taiwan_id, "tw_id"),
    "kr_rrn": _where(identifiers.is_korean_rrn, "kr_rrn"),
    "cn_id": _where(identifiers.is_chinese_id, "cn_id"),
    "bic": _where(identifiers.is_bic, "bic"),
    "nino": _where(identifiers.is_nino, "nino"),
    "snils": _where(identifiers.is_snils, "snils"),
    "vin": _where(identifiers.is_vin, "vin"),
    "vin_shape": _where(identifiers.is_foreign_vin, "shape"),
    "imei_shape": _where(identifiers.has_two_digits, "shape"),
    "luhn": _where(identifiers.is_luhn, "luhn"),
    "rpps": _where(identifiers.is_rpps, "luhn"),
    "kz_iin": _where(official.is_kazakh_iin, "kz_iin"),
    "de_vsnr": _where(official.is_german_insurance_number, "de_vsnr"),
    "icao": _where(official.is_icao_checked, "icao9303"),
    "es_nuss": _where(official.is_spanish_insurance_number, "es_nuss"),
    "jmbg": _where(official.is_jmbg, "jmbg"),
    "br_pis": _where(official.is_brazilian_pis, "br_pis"),
    "mx_nss": _where(official.is_mexican_nss, "luhn"),
    "eg_id": _where(official.is_egyptian_id, "eg_id"),
    "vn_cccd": _where(official.is_vietnamese_id, "vn_cccd"),
    "emirates_id": _where(official.is_emirates_id, "luhn"),
    "lu_id": _where(official.is_luxembourg_id, "luhn+verhoeff"),
    "not_one_digit": _where(identifiers.has_two_digits, "digits"),
    "ssn": _where(identifiers.is_us_ssn, "us_ssn"),
}

CHECKS: Mapping[str, Check] = {
    "whole": whole,
    "email": read_email,
    "email_spelled": read_spelled_email,
    "url": read_url,
    "ip": read_ip,
    "card": read_cards,
    "phone": read_phones,
    "date": read_date,
    "date_compact": read_compact_date,
    "moment": read_moment,
    "expiry": read_expiry,
    "iban": read_iban,
    "iban_wrapped": read_wrapped_iban,
    "coordinates": read_coordinates,
    "latitude_longitude": read_latitude_longitude,
    "age": read_age,
    "base58": read_base58,
    "bech32": read_bech32,
    "ripple": read_ripple,
    "cash": read_cash,
    "monero": read_monero,
    "stellar": read_stellar,
    "solana": read_solana,
    "wallet_shape": read_wallet_shape,
    "ether": read_ether,
    "ether_shape": read_ether_shape,
    **_CLAIMS,
}


def is_claim(name: str) -> bool:
    """True for a check that says yes or no of the whole value, and leaves its confidence to the rule."""
    return name.startswith(_STDNUM) or name in _CLAIMS


WHOLE_READERS = frozenset({"card", "phone", "date", "moment", "ip", "url", "email", "email_spelled"})
"""Checks that find things inside a value, or say themselves how sure they are."""
SLOW_CHECKS = {"ether": "ether_shape", "monero": "wallet_shape"}
"""Checks that cost near a millisecond, and what stands in for them in a text with many."""
