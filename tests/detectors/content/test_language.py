"""The language of a text."""

from __future__ import annotations

from typing import Any

import pytest
from evidence import findings_of, setting_for

from guardhouse.detectors.content.language import LanguageDetector, language_shares
from guardhouse.errors import InvalidInput

DETECTOR = LanguageDetector()
GERMAN = "Guten Tag, ich hätte gern eine Auskunft zu meiner Rechnung."
ENGLISH = "Hello, I would like to know more about my last invoice."


def codes(text: str, **options: Any) -> list[str]:
    return [
        item.value for item in findings_of(DETECTOR, text, setting=setting_for(DETECTOR, options=options), least=0.5)
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (GERMAN, "de"),
        ("HELLO, I WOULD LIKE TO KNOW MORE ABOUT MY LAST INVOICE", "en"),
        ("Bonjour, je voudrais en savoir plus sur ma facture.", "fr"),
        ("Buenos días, quisiera saber más sobre mi factura.", "es"),
        ("Здравствуйте, расскажите мне о моём счёте.", "ru"),
        ("こんにちは、請求書について教えてください", "ja"),
        ("今天天气怎么样？请告诉我。", "zh"),
        ("안녕하세요, 청구서에 대해 알고 싶습니다", "ko"),
        ("Καλημέρα, τι κάνεις;", "el"),
        ("สวัสดีครับ วันนี้อากาศเป็นอย่างไร", "th"),
        ("مرحبا كيف حالك اليوم يا صديقي", "ar"),
        ("Reach me at ann.lee@example.com, SSN 234-56-7890, and ping 190.28.74.251.", "en"),
        ("Guten\nTag,\nich\nhätte\ngern\neine\nAuskunft", "de"),
    ],
)
def test_languages_are_told(text: str, code: str) -> None:
    (finding,) = findings_of(DETECTOR, text)
    assert (finding.kind, finding.value, finding.span) == ("LANGUAGE", code, None)
    assert finding.confidence >= 0.5
    assert finding.evidence["language"] == code


@pytest.mark.parametrize("text", ["", "ok", "12345 67890", "https://example.com/a/b/c/d/e/f", "x = 1; y = 2", "日本"])
def test_too_little_text_says_nothing(text: str) -> None:
    assert findings_of(DETECTOR, text) == []


@pytest.mark.parametrize(
    ("options", "german", "english"),
    [
        ({}, ["de"], ["en"]),
        ({"languages": ["en"]}, [], ["en"]),
        ({"languages": ["EN-us"], "mode": "report"}, [], ["en"]),
        ({"languages": ["en"], "mode": "block"}, [], ["en"]),
        ({"languages": [], "mode": "block"}, [], []),
        ({"languages": ["en"], "mode": "deny"}, [], ["en"]),
        ({"languages": ["en"], "mode": "allow"}, ["de"], []),
        ({"languages": ["en", "de"], "mode": "allow"}, [], []),
        ({"languages": [], "mode": "allow"}, [], []),
    ],
    ids=repr,
)
def test_modes(options: dict[str, Any], german: list[str], english: list[str]) -> None:
    assert codes(GERMAN, **options) == german
    assert codes(ENGLISH, **options) == english


@pytest.mark.parametrize("options", [{"languages": "en"}, {"languages": [1]}, {"mode": "maybe"}], ids=repr)
def test_options_of_the_wrong_form_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        DETECTOR.needs(setting_for(DETECTOR, options=options))


def test_arguments_of_tools_have_no_language() -> None:
    call = {"id": "c", "function": {"name": "mail", "arguments": f'{{"body": "{ENGLISH}"}}'}}
    assert findings_of(DETECTOR, [{"role": "assistant", "content": "", "tool_calls": [call]}]) == []


def test_shares_are_probabilities() -> None:
    shares = language_shares(ENGLISH)
    assert next(iter(shares)) == "en"
    assert all(0.0 <= share <= 1.0 for share in shares.values())
