"""Single wrong digits: every one that a scheme can catch is caught, for every kind that has a check."""

from __future__ import annotations

import pytest
import re2
from evidence import findings_of

from guardhouse.detectors.pii.checks import check_named
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.detectors.pii.rules import PACKAGE, PACKS, Rule, rule_table
from guardhouse.matching.pack import load_pack

DETECTOR = PiiDetector()
LIKELY = 0.5
SHAPES = {pattern.id: pattern for pack in PACKS for pattern in load_pack(PACKAGE, pack)}

NO_CHECKSUM = {
    *("whole", "phone", "date", "moment", "date_compact", "expiry", "age", "ip", "url", "email", "email_spelled"),
    *("coordinates", "latitude_longitude", "not_one_digit", "ssn", "bic", "nino", "solana"),
    *("wallet_shape", "imei_shape", "vin_shape"),
}
"""Checks of what has no check digit, or of its shape alone."""

NO_CHECK_DIGIT = {
    *("AR_DNI", "CR_CEDULA", "CU_NI", "EG_NATIONAL_ID", "EG_TAX_ID", "ID_NIK", "IN_PAN", "KE_PIN", "KR_RRN"),
    *("MY_NRIC", "PK_CNIC", "US_EIN", "US_ITIN", "US_PTIN", "VN_CITIZEN_ID"),
    *("DK_CPR", "KR_BUSINESS_NUMBER", "MX_RFC"),
}
"""Kinds whose numbers hold at most a date or a region; those of the last line gave theirs up or break it."""

LET_THROUGH = {
    # A remainder modulo 11 of ten that is written as another digit takes one error in some ten for right.
    "BR_CPF": 0.02,
    "EE_ISIKUKOOD": 0.02,
    "IS_KENNITALA": 0.02,
    "UA_EDRPOU": 0.03,
    "CO_NIT": 0.06,
    "LT_PERSONAL_CODE": 0.09,
    "PY_RUC": 0.09,
    "KZ_IIN": 0.1,
    "RO_CUI": 0.1,
    "UK_UTR": 0.1,
    "TH_PIN": 0.17,
    # Even weights modulo ten do not see a difference of five.
    "MEDICAL_LICENSE": 0.05,
    "TW_ID": 0.1,
    "AU_ACN": 0.1,
    # Two schemes side by side, of which either may hold.
    "UK_VAT": 0.03,
    # The last digit (a card's issue), or the one for the century, is not part of the sum.
    "AU_MEDICARE": 0.1,
    "MX_CURP": 0.06,
}
CHECKED = [rule for rule in rule_table().rules if rule.check not in NO_CHECKSUM and rule.kind not in NO_CHECK_DIGIT]


def label(rule: Rule) -> str:
    return f"{rule.kind}-{rule.shape.removeprefix('pii.')}-{rule.check}"


def value_of(rule: Rule) -> str:
    """The valid number of the rule's first proof."""
    return next(f.value for f in findings_of(DETECTOR, rule.found[0], least=LIKELY) if f.kind == rule.kind)


def with_one_wrong_digit(rule: Rule, value: str) -> list[str]:
    """Every change of one digit that leaves the rule's shape."""
    shape = re2.compile(SHAPES[rule.shape].regex)
    changed = [
        value[:index] + digit + value[index + 1 :]
        for index, character in enumerate(value)
        if character.isdigit()
        for digit in "0123456789"
        if digit != character
    ]
    return [t for t in changed if shape.fullmatch(t) and (rule.form is None or rule.form.fullmatch(t))]


@pytest.mark.parametrize("rule", CHECKED, ids=label)
def test_single_digit_errors_are_caught(rule: Rule) -> None:
    value = value_of(rule)
    check = check_named(rule.check)
    assert list(check(value))
    changed = with_one_wrong_digit(rule, value)
    assert changed
    passed = [text for text in changed if any(r.end - r.start == len(value) for r in check(text))]
    assert len(passed) <= LET_THROUGH.get(rule.kind, 0.0) * len(changed), passed


@pytest.mark.parametrize("rule", CHECKED, ids=label)
def test_a_wrong_digit_is_caught_where_the_number_stands(rule: Rule) -> None:
    """The same from end to end, beside the kind's own words; what has the shape only says so."""
    value = value_of(rule)
    check = check_named(rule.check)
    caught = [text for text in with_one_wrong_digit(rule, value) if not any(True for _ in check(text))]
    for text in caught[:: max(1, len(caught) // 3)][:3]:
        place = rule.found[0].replace(value, text)
        found = [f for f in findings_of(DETECTOR, place, least=LIKELY) if f.kind == rule.kind and f.value == text]
        assert [f.evidence.get("check") for f in found] in ([], ["shape"]), text


def test_at_least_eighty_kinds_have_a_checksum() -> None:
    assert len({rule.kind for rule in CHECKED}) >= 80


def test_national_ids_of_many_countries() -> None:
    countries = {rule.kind[:2] for rule in CHECKED if rule.kind[2] == "_"} - {"EU", "HK"}
    assert len(countries) >= 45
