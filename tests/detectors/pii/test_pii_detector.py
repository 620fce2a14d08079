from __future__ import annotations

import base64

import pytest
from evidence import findings_of, setting_for
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from guardhouse.detectors.pii.cards import SAMPLES, read_cards
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.detectors.pii.phones import read_phones
from guardhouse.model.recipe import Rule, RuleAction

LIKELY = 0.5
DETECTOR = PiiDetector()


def found(text: str) -> list[tuple[str, str]]:
    """Kind and text of what is found at 0.5 or more; every span is checked against the value."""
    findings = findings_of(DETECTOR, text, least=LIKELY)
    for finding in findings:
        assert finding.span is not None
        assert finding.value == text[finding.span.start : finding.span.end]
    return [(finding.kind, finding.value) for finding in findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mail ana.perez@example.com.", [("EMAIL_ADDRESS", "ana.perez@example.com")]),
        ("postgres://app:word@db.internal/app", []),
        ("call +1 (202) 555-0143 now", [("PHONE_NUMBER", "+1 (202) 555-0143")]),
        ("(212) 555-0187", [("PHONE_NUMBER", "(212) 555-0187")]),
        ("tel: 956-773-3416x84361", [("PHONE_NUMBER", "956-773-3416x84361")]),
        ("手机13827585057。", [("PHONE_NUMBER", "13827585057")]),
        ("SSN 512-48-2291, phone 2125550187", [("US_SSN", "512-48-2291"), ("PHONE_NUMBER", "2125550187")]),
        ("512-48-2291", [("US_SSN", "512-48-2291")]),
        ("card 5285 4741 5189 7412 123", [("CREDIT_CARD", "5285 4741 5189 7412")]),
        (
            "5285474151897412\n4012888888881881",
            [("CREDIT_CARD", "5285474151897412"), ("CREDIT_CARD", "4012888888881881")],
        ),
        ("card 5285 4741\n5189 7412", [("CREDIT_CARD", "5285 4741\n5189 7412")]),
        ("ｃａｒｄ ５２８５ ４７４１ ５１８９ ７４１２", [("CREDIT_CARD", "５２８５ ４７４１ ５１８９ ７４１２")]),
        ("card 5285\u200b4741\u200b5189\u200b7412!", [("CREDIT_CARD", "5285\u200b4741\u200b5189\u200b7412")]),
        ("\U0001f511 ssn 512-48-2291", [("US_SSN", "512-48-2291")]),
        ("GB82 WEST 1234 5698 7654 32.", [("IBAN_CODE", "GB82 WEST 1234 5698 7654 32")]),
        ("routing 021000021", [("ABA_ROUTING_NUMBER", "021000021")]),
        ("born on 28/09/1943", [("DATE_OF_BIRTH", "28/09/1943")]),
        ("ip=2001:db8::8a2e:370:7334 ok", [("IP_ADDRESS", "2001:db8::8a2e:370:7334")]),
        ("PESEL 87040878147, tel. +48 882 135 948", [("PL_PESEL", "87040878147"), ("PHONE_NUMBER", "+48 882 135 948")]),
        ("(see https://example.com/a_(b))", [("URL", "https://example.com/a_(b)")]),
        ("https://example.com/?card=5285474151897412", [("URL", "https://example.com/?card=5285474151897412")]),
        ("name,phone\nAna,2125550187\nBo,3125550187", [("PHONE_NUMBER", "2125550187"), ("PHONE_NUMBER", "3125550187")]),
        ("latitude 38.91282, longitude 2.02917", [("GEO_COORDINATES", "latitude 38.91282, longitude 2.02917")]),
        ('{"phoneNumber": "2125550187"}', [("PHONE_NUMBER", "2125550187")]),
    ],
)  # fmt: skip
def test_finds(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Order 28456154 ships on Friday.",
        "Epoch 1756503038",
        "Tracking number 1Z7870693081091037.",
        "Part number 4012-8888-8888-1881 (not a card).",
        "uuid: 96a99833-4869-40cb-a0fc-d5747d0e12f7",
        "checksum sha256:d2a72fa7b08e97baef1496b03f0e9acc96ee0147e3c32fa33f58c30522c7d257",
        "commit b8ff671e4f0d101739ce0e9c27f3bbd0f08c400e",
        "Version 3.7.5 fixes it, see 10.20.30 and RFC 4405, section 10.6.",
        "Use port 4221 on localhost (127.0.0.1).",
        "S3, EKS and EC2 in us-east-1",
        "message id 18446744073709551615",
        "512482291",
        "std::vector<int> at 10:22:01",
        "def f(x: int) -> None: pass",
    ],
)
def test_passes_look_alikes(text: str) -> None:
    assert found(text) == []


def test_sample_card_is_marked() -> None:
    (sample,) = findings_of(DETECTOR, "4111 1111 1111 1111", least=LIKELY)
    (other,) = findings_of(DETECTOR, "5285 4741 5189 7412", least=LIKELY)
    assert sample.evidence["sample"] == "true"
    assert "sample" not in other.evidence
    assert [number for number in SAMPLES if not luhn.is_valid(number)] == []


def test_words_nearby_raise_and_lower_confidence() -> None:
    def confidence(text: str) -> float:
        return findings_of(DETECTOR, text)[0].confidence

    alone, near, against = (confidence(word + "512-48-2291") for word in ("", "SSN ", "order "))
    assert near > alone >= LIKELY > against


def test_disabled_kinds_are_not_found_and_hide_nothing() -> None:
    text = "https://example.com/?mail=ana.perez@example.com"
    setting = setting_for(DETECTOR, rules={"URL": Rule(RuleAction.DISABLED)})
    findings = findings_of(DETECTOR, text, setting=setting, least=LIKELY)
    assert [(finding.kind, finding.value) for finding in findings] == [("EMAIL_ADDRESS", "ana.perez@example.com")]
    assert [kind for kind, _ in found(text)] == ["URL"]


def test_reads_encoded_text() -> None:
    inner = "the card number is 5285 4741 5189 7412, keep it safe"
    blob = base64.b64encode(inner.encode()).decode()
    text = f"decode this: {blob}"
    (finding,) = findings_of(DETECTOR, text, least=LIKELY)
    assert (finding.kind, finding.value, finding.evidence["view"]) == ("CREDIT_CARD", blob, "base64")


def test_reads_escaped_arguments() -> None:
    arguments = '{"note": "card\\u0020 5285\\u00204741 5189 7412"}'
    call = {"id": "1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    (finding,) = findings_of(DETECTOR, messages, least=LIKELY)
    assert (finding.kind, finding.value) == ("CREDIT_CARD", "5285\\u00204741 5189 7412")


NEEDED = """EMAIL_ADDRESS NRP LOCATION PERSON PHONE_NUMBER DATE_TIME IP_ADDRESS URL MONEY CREDIT_CARD CRYPTO IBAN_CODE
US_BANK_NUMBER NIF FIN_NRIC AU_ABN AU_ACN AU_TFN MEDICAL_LICENSE UK_NHS AU_MEDICARE US_DRIVERS_LICENSE US_ITIN
US_PASSPORT US_SSN ABA_ROUTING_NUMBER CREDIT_CARD_EXPIRATION INDIA_PASSPORT AUSTRALIA_PASSPORT SWIFT_BIC
UK_BANK_ACCOUNT TAIWAN_SKH_MEDICAL_RECORD_NUMBER MAC_ADDRESS DATE_OF_BIRTH"""


def test_kinds_that_callers_rely_on_exist() -> None:
    assert set(NEEDED.split()) <= DETECTOR.kinds


@given(st.text(alphabet="0123456789 +-().x\n/0099", max_size=60))
def test_numbers_never_break_the_readers(text: str) -> None:
    for reader in (read_phones, read_cards):
        for reading in reader(text):
            assert 0 <= reading.start < reading.end <= len(text)


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    for finding in findings_of(DETECTOR, f"call {text} 4111 1111 1111 1111"):
        assert finding.span is not None
        assert finding.span.end <= len(text) + 25
