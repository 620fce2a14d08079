"""The forms in which people write: separators, full-width digits, line ends, words for signs; published examples."""

from __future__ import annotations

import sys

import pytest
from evidence import findings_of

from guardhouse.detectors.pii import identifiers, official
from guardhouse.detectors.pii.cards import SAMPLES
from guardhouse.detectors.pii.detector import PiiDetector

DETECTOR = PiiDetector()
LIKELY = 0.5


def likely(text: str) -> list[tuple[str, str]]:
    """Kind and text of what is found; every span is checked against the text."""
    found = findings_of(DETECTOR, text, least=LIKELY)
    for finding in found:
        assert finding.span is not None
        assert finding.value == text[finding.span.start : finding.span.end]
    return [(finding.kind, finding.value) for finding in found]


@pytest.mark.parametrize(
    ("kind", "lead", "value"),
    [
        ("PHONE_NUMBER", "call ", "+1 202 555-\n0143"),
        ("PHONE_NUMBER", "call ", "+49 170\n1234567"),
        ("PHONE_NUMBER", "call ", "+49 170\r\n1234567"),
        ("PHONE_NUMBER", "call ", "＋４９ １７０ １２３４５６７"),
        ("PHONE_NUMBER", "call ", "+44 (0)20 7946 0958"),
        ("PHONE_NUMBER", "tel ", "33 93 31"),
        ("PHONE_NUMBER", "Fax: ", "0049-30-901820"),
        ("CREDIT_CARD", "", "5285 4741\n5189 7412"),
        ("CREDIT_CARD", "", "5285-4741-\n5189-7412"),
        ("CREDIT_CARD", "", "5285 - 4741 - 5189 - 7412"),
        ("CREDIT_CARD", "", "5285.4741.5189.7412"),
        ("CREDIT_CARD", "", "5 2 8 5 4 7 4 1 5 1 8 9 7 4 1 2"),
        ("US_SSN", "SSN ", "512 - 48 - 2291"),
        ("US_SSN", "SSN ", "512-48-\n2291"),
        ("US_SSN", "SSN ", "５１２−４８−２２９１"),
        ("US_SSN", "SSN ", "512\u00a048\u00a02291"),
        ("IBAN_CODE", "", "GB82 WEST 1234\n5698 7654 32"),
        ("IBAN_CODE", "", "GB82-WEST-1234-5698-7654-32"),
        ("IBAN_CODE", "", "ＧＢ８２ＷＥＳＴ１２３４５６９８７６５４３２"),
        ("UK_NHS", "NHS ", "943 476\n5870"),
        ("DATE_OF_BIRTH", "born ", "28/09/\n1943"),
        ("DATE_OF_BIRTH", "DOB ", "11 / 02 / 1979"),
        ("DATE_OF_BIRTH", "DOB ", "19790211"),
        ("EMAIL_ADDRESS", "", "ana.perez [at] example [dot] com"),
        ("EMAIL_ADDRESS", "", "ana dot perez at example dot com"),
        ("EMAIL_ADDRESS", "", "ana(at)example.com"),
        ("EMAIL_ADDRESS", "", "ana@example[.]com"),
        ("EMAIL_ADDRESS", "mi correo: ", "ana arroba example punto com"),
        ("EMAIL_ADDRESS", "", "ana (arobase) example.fr"),
        ("EMAIL_ADDRESS", "", "ana chiocciola example punto it"),
        ("EMAIL_ADDRESS", "", "ana Klammeraffe example Punkt de"),
        ("EMAIL_ADDRESS", "write to ", "raj at example dot in"),
        ("GEO_COORDINATES", "", "52°31'12\"N 13°24'18\"E"),
        ("GEO_COORDINATES", "", "40.7128° N, 74.0060° W"),
        ("GEO_COORDINATES", "", "geo:48.2010,16.3695"),
        ("GEO_COORDINATES", "", "lat: 38.9128, lng: -2.0291"),
        ("VIN", "VIN ", "1M8GDM9AXKP042788"),
        ("VIN", "Fahrgestellnummer ", "WVWZZZ1JZXW000001"),
        ("MAC_ADDRESS", "", "001b.4411.3ab7"),
    ],
)
def test_a_number_is_found_as_it_is_written(kind: str, lead: str, value: str) -> None:
    assert likely(f"{lead}{value}, thanks") == [(kind, value)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call 2125550187\n3125550187", [("PHONE_NUMBER", "2125550187"), ("PHONE_NUMBER", "3125550187")]),
        ("IBAN ES91 2100 0418 4502 0005 1332 BANK", [("IBAN_CODE", "ES91 2100 0418 4502 0005 1332")]),
        (
            "IBANs ES9121000418450200051332\nDE89370400440532013000",
            [("IBAN_CODE", "ES9121000418450200051332"), ("IBAN_CODE", "DE89370400440532013000")],
        ),
        ("SSN 512\n48\n2291", []),
        ("1. 12-\n2. 13-\n3. 14-\n", []),
    ],
)
def test_lines_are_not_joined_at_will(text: str, expected: list[tuple[str, str]]) -> None:
    assert likely(text) == expected


WALLETS = {
    "bitcoin": ("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    "litecoin": ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9",),
    "cardano": (
        "addr1qx2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj3jhsydzer3n0d3vllmyqwsx5wktcd8cc3sq835lu7drv2xwl2wywfgse35a3x",
    ),
    "ethereum": ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",),
    "tron": ("TJRabPrwbZy45sbavfcjinPJC18kjpRTv8",),
    "dash": ("XpESxaUmonkq8RaLLp46Brx2K39ggQe226",),
    "zcash": ("t1Hsc1LR8yKnbbe3twRp88p6vFfC5t7DLbs",),
    "ripple": ("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",),
    "stellar": ("GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7",),
    "monero": ("44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DBLWs3H7otXft3XjrpDtQGv7SqSsaBYBb98uNbr2VBBEt7f2wfn3RVGQBEP3A",),
    "bitcoin_cash": ("bitcoincash:qr95sy3j9xwd2ap32xkykttr4cvcu7as4y0qverfuy",),
}


@pytest.mark.parametrize(("network", "address"), [(n, a) for n, addresses in WALLETS.items() for a in addresses])
def test_published_addresses_of_networks(network: str, address: str) -> None:
    (finding,) = findings_of(DETECTOR, f"see {address}.", least=LIKELY)
    assert (finding.kind, finding.value, finding.evidence["network"]) == ("CRYPTO", address, network)


def test_an_address_with_a_wrong_letter_counts_only_where_it_is_called_one() -> None:
    wrong = "1BoatSLRHtKNngkdXEeobR76b53LETtpyU"
    assert likely(f"see {wrong}") == []
    (finding,) = findings_of(DETECTOR, f"send 0.2 BTC to {wrong}", least=LIKELY)
    assert (finding.kind, finding.confidence, finding.evidence["check"]) == ("CRYPTO", 0.6, "shape")


@pytest.mark.parametrize("number", sorted(number for number in SAMPLES if len(number) > 13))
def test_sample_numbers_are_reported_and_marked(number: str) -> None:
    findings = findings_of(DETECTOR, f"card number {number}", least=LIKELY)
    assert [(f.kind, f.value, f.evidence["sample"]) for f in findings] == [("CREDIT_CARD", number, "true")]


@pytest.mark.parametrize(
    ("address", "marked"),
    [("ana@example.com", True), ("ana@shop.test", True), ("ana@beispiel.de", False), ("ana@example.com.br", False)],
)
def test_addresses_at_reserved_domains_are_marked(address: str, marked: bool) -> None:
    (finding,) = findings_of(DETECTOR, f"mail {address}", least=LIKELY)
    assert (finding.value, "sample" in finding.evidence) == (address, marked)


@pytest.mark.parametrize(
    ("claim", "good", "bad"),
    [
        (official.is_german_insurance_number, "15 070649 C 103", "15 070649 C 104"),
        (official.is_spanish_insurance_number, "28 12345678 40", "28 12345678 41"),
        (official.is_emirates_id, "784-1985-1234567-3", "785-1985-1234567-3"),
        (official.is_kazakh_iin, "850515300125", "851315300125"),
        (official.is_jmbg, "0101990710121", "3102990710121"),
        (official.is_brazilian_pis, "120.56412.54-5", "000.00000.00-0"),
        (official.is_mexican_nss, "12038412545", "00000000000"),
        (official.is_egyptian_id, "28501011234567", "48501011234567"),
        (official.is_vietnamese_id, "001085012345", "097085012345"),
        (official.is_icao_checked, "L01X00T471", "L01X00T472"),
        (identifiers.is_rpps, "10001234565", "20001234565"),
        (identifiers.is_foreign_vin, "WVWZZZ1JZXW000001", "1VWZZZ1JZXW000001"),
        (identifiers.is_luhn, "1045678933", "0000000000"),
    ],
)
def test_official_numbers(claim: identifiers.Claim, good: str, bad: str) -> None:
    assert claim(good)
    assert not claim(bad)


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "1 ",
            "1-",
            "+1\n",
            "12-\n",
            "4111 ",
            "SSN 512-48-2291 ",
            "a at b dot ",
            "GB82 ",
            "ab:",
            "1:",
            "1979年2月11日",
        ),
        *("name,phone\nx,2125550187\n", "born 11 02 1979 ", "52°3'", "lat 52.5200, ", "imei 875004743957550, "),
    ],
)
def test_work_grows_no_faster_than_the_text(unit: str) -> None:
    """Counted, not timed: twice the text is at most some two and a half times the calls."""

    def calls(size: int) -> int:
        text = (unit * (size // len(unit) + 1))[:size]
        findings_of(DETECTOR, "warm up: call 2125550187, SSN 512-48-2291")
        count = 0

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            findings_of(DETECTOR, text)
        finally:
            sys.setprofile(None)
        return count

    assert calls(10_000) <= 2.6 * calls(5_000) + 2_000
