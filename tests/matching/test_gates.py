"""Gates of patterns: a text in which the pattern matches never has its gate shut."""

from __future__ import annotations

import re
from importlib import resources

import pytest
import re2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardhouse.errors import InvalidPattern
from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pack import PackEntry, read_pack
from guardhouse.matching.pattern import Pattern
from guardhouse.matching.prefilter import _SENTINEL, Gates
from guardhouse.text.normalize import normalize

PACKAGES = ("pii", "secrets", "malicious_entity")
PYTHON = {
    r"\p{Lu}": "[A-ZÀ-Þ]",
    r"\p{L}": "a-zA-Zà-þ",
    r"\pL": "a-zA-Zà-þ",
    r"\p{N}": "0-9",
    r"\pN": "0-9",
    r"\z": r"\Z",
}
"""RE2's notation in Python's, for as much of it as texts are made of here."""


def gated() -> list[PackEntry]:
    entries = []
    for name in PACKAGES:
        package = f"guardhouse.detectors.{name}"
        for file in sorted(resources.files(package).iterdir(), key=str):
            if file.name.startswith("pack") and file.name.endswith(".toml"):
                entries += [entry for entry in read_pack(package, file.name) if entry.pattern.gate]
    return entries


def in_python(pattern: Pattern) -> re.Pattern[str]:
    """The expression as Python reads it; letters stand for all scripts, what stands around the value is left out."""
    source = re.sub(r"\\x\{([0-9a-fA-F]+)\}", lambda found: f"\\U{int(found[1], 16):08x}", pattern.regex)
    for theirs, ours in PYTHON.items():
        if ours[0] != "[":
            source = re.sub(rf"(?<!\[){re.escape(theirs)}(?![^\[\]]*\])", lambda _, ours=ours: f"[{ours}]", source)
        source = source.replace(theirs, ours)
    source = source.replace("(?m:^)", "").replace("(?m:$)", "").replace(r"\b", "")
    flags = re.IGNORECASE if pattern.ignore_case or source.startswith("(?i)") else 0
    return re.compile(source.removeprefix("(?i)"), flags | re.ASCII)


@pytest.mark.parametrize("entry", gated(), ids=lambda entry: entry.pattern.id)
def test_every_example_opens_its_gate(entry: PackEntry) -> None:
    found = [text for text in entry.examples if Matcher((entry.pattern,)).scan(normalize(text))]
    assert found == list(entry.examples)


@pytest.mark.parametrize("entry", gated(), ids=lambda entry: entry.pattern.id)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_the_pattern_matches_opens_the_gate(entry: PackEntry, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(in_python(entry.pattern), fullmatch=True))
    options = re2.Options()
    options.case_sensitive = not entry.pattern.ignore_case
    if re2.compile(entry.pattern.regex, options).search(text) is None:
        return  # made by Python's notion of the expression, which differs at word edges
    assert Gates([entry.pattern]).shut(text.encode("utf-8", "replace") + _SENTINEL) == frozenset()


def test_a_text_without_it_shuts_the_gate_for_its_patterns_only() -> None:
    patterns = [Pattern("a", "[0-9]+x", gate="[0-9]"), Pattern("b", "x+"), Pattern("c", "[0-9]+y", gate="[0-9]")]
    gates = Gates(patterns)
    assert gates.shut(b"none here" + _SENTINEL) == {0, 2}
    assert gates.shut(b"1 here" + _SENTINEL) == frozenset()


def test_an_automaton_that_reports_nothing_shuts_no_gate() -> None:
    assert Gates([Pattern("a", "[0-9]+", gate="[0-9]")]).shut(b"no sentinel behind it") == frozenset()


def test_a_gate_that_is_no_expression_is_refused() -> None:
    with pytest.raises(InvalidPattern, match="gate of pattern 'a'"):
        Gates([Pattern("a", "a", gate="(")])
