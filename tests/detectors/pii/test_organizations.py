"""Names of organizations are looked for only where a recipe or a request names their kind."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from evidence import findings_of, setting_for

from guardhouse import Guard
from guardhouse.classifier.base import ClassifierInput, HeadReading, Reading, Tag
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.model.finding import Span
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction

DETECTOR = PiiDetector()
REPORT, DISABLED = Rule(RuleAction.REPORT), Rule(RuleAction.DISABLED)
TEXT = "The contract between Acme and Globex was signed by Maria Fischer."
COMPANIES = {("ORGANIZATION", "Acme"), ("ORGANIZATION", "Globex")}
PERSON = ("PERSON", "Maria Fischer")


class TagsNames:
    """A classifier that knows the names of `TEXT` by heart."""

    name = "by-heart 1"
    heads = frozenset({"person", "organization", "location", "address"})

    def classify(self, inputs: Sequence[ClassifierInput], *, deadline: float | None = None) -> list[Reading]:
        return [Reading(dict.fromkeys(self.heads, HeadReading(0.0)), tuple(self._tags(item.text))) for item in inputs]

    def _tags(self, text: str) -> list[Tag]:
        found = re.finditer("(?P<person>Maria Fischer)|(?P<organization>Acme|Globex)", text)
        return [Tag(str(match.lastgroup), Span(*match.span()), 0.9) for match in found]


def setting_of(default: Rule, **rules: Rule) -> DetectorSetting:
    return DetectorSetting("pii", default, rules=rules)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param(setting_for(DETECTOR), {PERSON}, id="everything-is-reported"),
        pytest.param(setting_of(REPORT, PERSON=REPORT), {PERSON}, id="other-kinds-are-named"),
        pytest.param(setting_of(REPORT, ORGANIZATION=REPORT), {PERSON, *COMPANIES}, id="named-beside-everything"),
        pytest.param(setting_of(DISABLED, ORGANIZATION=REPORT), COMPANIES, id="named-alone"),
        pytest.param(setting_of(REPORT, ORGANIZATION=DISABLED), {PERSON}, id="disabled"),
    ],
)
def test_organizations_are_found_only_where_they_are_named(
    setting: DetectorSetting, expected: set[tuple[str, str]]
) -> None:
    findings = findings_of(DETECTOR, TEXT, setting=setting, classifier=TagsNames())
    assert {(finding.kind, finding.value) for finding in findings} == expected
    assert all(finding.span and TEXT[finding.span.start : finding.span.end] == finding.value for finding in findings)


def test_the_kind_can_be_asked_of_a_redaction() -> None:
    guard = Guard(detectors=[DETECTOR], classifier=TagsNames())
    hidden = guard.redact(TEXT, kinds=["organization"])
    assert hidden.content == TEXT.replace("Acme", "<ORGANIZATION>").replace("Globex", "<ORGANIZATION>")
