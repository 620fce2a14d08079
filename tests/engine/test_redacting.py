"""Redaction by itself: what is edited, what comes back, and that half a redaction is none."""

import pytest

from guardhouse.engine.guard import Guard
from guardhouse.errors import DetectorFailed, InvalidContext, InvalidInput, UnknownName
from guardhouse.settings import Settings
from guardhouse.testing import FakeDetector

SSN = "234-56-7890"
TEXT = f"SSN {SSN} of Ann"
PII = FakeDetector("pii", {SSN: ("US_SSN", 0.9), "Ann": ("PERSON", 0.9)})


def make_guard(*detectors):
    return Guard(detectors=detectors or (PII,), settings=Settings(plugins=False), redaction_key=bytes(32))


def test_texts_and_messages_come_back_in_their_form():
    guard = make_guard()
    assert guard.redact(TEXT, action="mask", kinds=["PERSON"]).content == f"SSN {SSN} of ***"
    messages = [{"role": "user", "content": TEXT, "x": 1}, {"role": "user", "content": "hello"}]
    hidden = guard.redact(messages, action="fpe", kinds=["US_SSN", "PERSON"], service="shop")
    assert hidden.count == 2
    assert SSN not in str(hidden.content)
    assert guard.unredact(hidden.content, hidden.fpe_context, service="shop") == messages
    with pytest.raises(InvalidContext):
        guard.unredact(hidden.content, hidden.fpe_context)


def test_a_detector_that_fails_gives_nothing_back():
    with pytest.raises(DetectorFailed, match="pii"):
        make_guard(FakeDetector("pii", PII.words, error=ValueError("x"))).redact(TEXT, kinds=["US_SSN"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"action": "report"}, InvalidInput),
        ({"parameters": {"value": "x"}}, InvalidInput),
        ({"kinds": ["NOTHING"]}, UnknownName),
        ({"action": "fpe", "kinds": ["PERSON"], "fpe_context": "x"}, InvalidContext),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, error):
    with pytest.raises(error):
        make_guard().redact(TEXT, **options)
