"""Every rule's own proofs, end to end: what it must report as its kind, and what it must not."""

from __future__ import annotations

import pytest
from evidence import findings_of

from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.detectors.pii.rules import Rule, rule_table

RULES = rule_table().rules
LIKELY = 0.5


def label(rule: Rule) -> str:
    return f"{rule.kind}-{rule.shape.removeprefix('pii.')}"


@pytest.mark.parametrize("rule", RULES, ids=label)
def test_rule_proofs(rule: Rule) -> None:
    detector = PiiDetector()
    assert rule.found
    assert rule.passed
    for text in rule.found:
        kinds = [finding.kind for finding in findings_of(detector, text, least=LIKELY)]
        assert rule.kind in kinds, (text, findings_of(detector, text))
    for text in rule.passed:
        kinds = [finding.kind for finding in findings_of(detector, text, least=LIKELY)]
        assert rule.kind not in kinds, (text, findings_of(detector, text))
