"""Words nearby raise and lower confidence in the seven languages of the rules, and in a few more."""

from __future__ import annotations

import pytest
from evidence import findings_of

from guardhouse.detectors.pii.detector import PiiDetector

DETECTOR = PiiDetector()
LIKELY = 0.5


def likely(text: str) -> list[tuple[str, str]]:
    return [(f.kind, f.value) for f in findings_of(DETECTOR, text, least=LIKELY)]


RAISED = {
    "PHONE_NUMBER": (
        ("en", "My phone number is", "2125550187"),
        ("es", "Mi número de teléfono es", "612345678"),
        ("fr", "Mon portable est le", "0612345678"),
        ("de", "Meine Handynummer lautet", "01701234567"),
        ("pt", "O meu telemóvel é", "912345678"),
        ("it", "Il mio cellulare è", "3471234567"),
        ("nl", "Mijn telefoonnummer is", "0612345678"),
        ("ru", "Мой телефон", "9161234567"),
        ("ja", "電話番号は", "0312345678"),
    ),
    "DATE_OF_BIRTH": (
        ("en", "date of birth:", "11/02/1979"),
        ("es", "Mi fecha de nacimiento es", "11/02/1979"),
        ("fr", "née le", "11/02/1979"),
        ("de", "Geburtsdatum:", "11.02.1979"),
        ("pt", "data de nascimento", "11/02/1979"),
        ("it", "nata il", "11/02/1979"),
        ("nl", "geboren op", "11-02-1979"),
        ("zh", "出生日期：", "1979年2月11日"),
        ("ko", "생년월일: ", "1979년 2월 11일"),
    ),
    "US_BANK_NUMBER": (
        ("en", "account number", "8050433321"),
        ("es", "número de cuenta", "8050433321"),
        ("fr", "numéro de compte", "8050433321"),
        ("de", "Kontonummer", "8050433321"),
        ("pt", "número da conta", "8050433321"),
        ("it", "numero di conto", "8050433321"),
        ("nl", "rekeningnummer", "8050433321"),
    ),
    "PASSPORT": (
        ("en", "passport", "XDA123456"),
        ("es", "pasaporte", "XDA123456"),
        ("fr", "passeport", "12AB34567"),
        ("de", "Reisepassnummer", "C01X00T47"),
        ("pt", "passaporte", "FD123456"),
        ("it", "passaporto", "YA1234567"),
        ("nl", "paspoortnummer", "NPR123456"),
    ),
    "CREDIT_CARD_EXPIRATION": (
        ("en", "valid thru", "04/27"),
        ("es", "caduca", "04/27"),
        ("fr", "expire fin", "04/27"),
        ("de", "gültig bis", "04/27"),
        ("pt", "validade", "04/27"),
        ("it", "scadenza", "04/27"),
        ("nl", "geldig tot", "04/27"),
    ),
    "AGE": (
        ("en", "Written when she was", "34"),
        ("es", "Tengo", "34"),
        ("fr", "j'ai", "34"),
        ("de", "ich bin", "34"),
        ("pt", "tenho", "34"),
        ("it", "ho", "34"),
        ("nl", "ik ben", "34"),
    ),
}
_AFTER = {"en": ".", "es": " años", "fr": " ans", "de": " Jahre alt", "pt": " anos", "it": " anni", "nl": " jaar oud"}


@pytest.mark.parametrize(
    ("kind", "words", "value", "after"),
    [
        pytest.param(kind, words, value, _AFTER[language] if kind == "AGE" else "", id=f"{kind}-{language}")
        for kind, rows in RAISED.items()
        for language, words, value in rows
    ],
)
def test_words_of_its_own_raise_confidence(kind: str, words: str, value: str, after: str) -> None:
    text = f"{words} {value}{after}"
    assert likely(text) == [(kind, value)]
    (alone,) = [f.confidence for f in findings_of(DETECTOR, value) if f.kind == kind] or [0.0]
    assert alone < next(f.confidence for f in findings_of(DETECTOR, text) if f.kind == kind)


LOWERED = (
    ("en", "order", "tracking number", "invoice"),
    ("es", "pedido número", "número de seguimiento", "factura"),
    ("fr", "commande", "numéro de suivi", "facture"),
    ("de", "Bestellnummer", "Sendungsnummer", "Rechnung"),
    ("pt", "encomenda", "código de rastreio", "fatura"),
    ("it", "ordine", "spedizione", "fattura"),
    ("nl", "bestelnummer", "zending", "factuur"),
)


@pytest.mark.parametrize("word", [word for _, *words in LOWERED for word in words])
@pytest.mark.parametrize(
    ("kind", "value"),
    [("PHONE_NUMBER", "(212) 555-0187"), ("CREDIT_CARD", "5285474151897412"), ("US_SSN", "512-48-2291")],
)
def test_words_of_other_things_lower_confidence(word: str, kind: str, value: str) -> None:
    def confidence(text: str) -> float:
        return max((f.confidence for f in findings_of(DETECTOR, text) if f.kind == kind), default=0.0)

    assert confidence(value) >= LIKELY > confidence(f"{word} {value}")


@pytest.mark.parametrize(
    "text",
    [
        "S3 bucket eks-cluster-1234567 in eu-west-1, EC2 i-0abcd1234ef567890",
        "arn:aws:s3:::bucket/123456789012",
        "msg_01XFDUDYJgAACzvnptvVoYEL and chatcmpl-9XyZ1234567890abcdef",
        "order #123-4567890-1234567",
        "2024-03-11T10:22:01.123+02:00 INFO started",
        "2024-03-11 10:22:01,123 INFO [main] c.e.App - started",
        "1710152521 1710152521123 1710152521123456",
        "node v18.17.1, python 3.11.7, 10.0.19045.3803",
        "ubuntu-22.04.3 kernel 5.15.0-91",
        "550e8400-e29b-41d4-a716-446655440000",
        "d41d8cd98f00b204e9800998ecf8427e",
        "sha512-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ==",
        "ISBN 978-3-16-148410-0, EAN 4006381333931, DOI 10.1000/182",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
        "3.14159265358979 and 2.718281828459045",
        "look at that dot in red",
        "meet at example.com",
        "hace 34 años",
        "when it was 85.",
    ],
)
def test_look_alikes_pass(text: str) -> None:
    assert likely(text) == []
