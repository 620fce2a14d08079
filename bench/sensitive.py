"""Precision, recall, F1 and F2 of the detectors of personal data and secrets on labelled sets.

    python bench/sensitive.py [DATA_FOLDER] [--split dev|train] [--misses N]

A labelled span counts as found when a finding of a fitting kind at 0.5 or more overlaps it; a finding counts as right
when it overlaps a label of a fitting type. `exact` is the share of found labels whose offsets agree to the character.
Findings of kinds that no label type stands for (a URL in a set without URLs) are not counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guardhouse.classifier.load import load_classifier
from guardhouse.detectors.base import Detector, Evidence
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.detectors.secrets.detector import SecretsDetector
from guardhouse.engine.collect import collect, judged_texts
from guardhouse.engine.timing import Stopwatch
from guardhouse.matching.matcher import Matcher
from guardhouse.model.finding import Finding
from guardhouse.model.messages import conversation_from_text
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction

DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PATTERN_TYPES = ("EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "IP_ADDRESS", "US_SSN", "CRYPTO_WALLET")
"""The seven types that have a shape of their own."""

PII_KINDS: Mapping[str, tuple[str, ...]] = {
    "EMAIL": ("EMAIL_ADDRESS",),
    "PHONE": ("PHONE_NUMBER",),
    "CREDIT_CARD": ("CREDIT_CARD",),
    "IBAN": ("IBAN_CODE",),
    "IP_ADDRESS": ("IP_ADDRESS",),
    "US_SSN": ("US_SSN", "US_ITIN"),
    "CRYPTO_WALLET": ("CRYPTO",),
    "MAC_ADDRESS": ("MAC_ADDRESS",),
    "URL": ("URL",),
    "DEVICE_ID": ("IMEI",),
    "BANK_ACCOUNT": ("US_BANK_NUMBER", "UK_BANK_ACCOUNT", "ABA_ROUTING_NUMBER"),
    "DRIVER_LICENSE": ("US_DRIVERS_LICENSE",),
    "PASSPORT": ("US_PASSPORT", "PASSPORT", "INDIA_PASSPORT", "AUSTRALIA_PASSPORT"),
    "MEDICAL_ID": ("MEDICAL_RECORD_NUMBER",),
    "DATE_OF_BIRTH": ("DATE_OF_BIRTH", "DATE_TIME"),
    "DATE_TIME": ("DATE_TIME", "DATE_OF_BIRTH"),
    "USERNAME": ("USERNAME",),
    "AGE": ("AGE",),
    "LICENSE_PLATE": ("LICENSE_PLATE",),
    "PERSON": ("PERSON",),
    "ADDRESS": ("LOCATION",),
    "LOCATION": ("LOCATION",),
    "NATIONAL_ID": (),
}
"""Kinds by label type; `NATIONAL_ID` stands for every kind that is not named here."""

NOT_NATIONAL = frozenset(kind for kinds in PII_KINDS.values() for kind in kinds) | {
    "MONEY",
    "NRP",
    "GEO_COORDINATES",
    "SWIFT_BIC",
    "CREDIT_CARD_CVV",
    "CREDIT_CARD_EXPIRATION",
}


@dataclass
class Tally:
    """Counts of one label type."""

    found: int = 0
    missed: int = 0
    exact: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.found += other.found
        self.missed += other.missed
        self.exact += other.exact
        self.wrong += other.wrong

    def line(self, name: str) -> str:
        precision = self.found / max(1, self.found + self.wrong)
        recall = self.found / max(1, self.found + self.missed)
        f1, f2 = (f_score(precision, recall, beta) for beta in (1, 2))
        return (
            f"{name:<26}{self.found + self.missed:>7}{precision:>10.3f}{recall:>8.3f}{f1:>8.3f}{f2:>8.3f}"
            f"{self.exact / max(1, self.found):>8.3f}{self.wrong:>7}"
        )


def f_score(precision: float, recall: float, beta: float) -> float:
    """The F measure that holds recall `beta` times as dear as precision."""
    bottom = beta * beta * precision + recall
    return (1 + beta * beta) * precision * recall / bottom if bottom else 0.0


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


class Scanner:
    """One detector over single texts, with everything reported."""

    def __init__(self, detector: Detector, *, classifier: bool = True) -> None:
        self.detector = detector
        self.setting = DetectorSetting(detector.name, default=Rule(RuleAction.REPORT))
        self.needs = detector.needs(self.setting)
        self.matcher = Matcher(self.needs.patterns)
        self.patterns = frozenset(pattern.id for pattern in self.needs.patterns)
        self.classifier = load_classifier(cache_entries=1) if self.needs.heads and classifier else None

    def __call__(self, text: str) -> list[Finding]:
        conversation = conversation_from_text(text)
        texts = collect(
            judged_texts(conversation),
            matchers=[self.matcher],
            patterns=self.patterns,
            classifier=self.classifier,
            heads=self.needs.heads if self.classifier else frozenset(),
            deadline=float("inf"),
            watch=Stopwatch(time.monotonic),
        )
        whole = Evidence(conversation, texts)
        return [finding for finding in self.detector.find(whole, self.setting) if finding.confidence >= 0.5]


def type_fits(label: str, kind: str) -> bool:
    """True where a finding of `kind` answers a label of that type."""
    if label == "NATIONAL_ID":
        return kind not in NOT_NATIONAL or kind == "US_SSN"
    return kind in PII_KINDS.get(label, ())


def type_of(kind: str) -> str:
    """The label type that a false finding of `kind` is charged to."""
    for label, kinds in PII_KINDS.items():
        if kind in kinds:
            return label
    return "" if kind in NOT_NATIONAL else "NATIONAL_ID"


def judge_pii(scan: Scanner, path: Path, misses: int) -> dict[str, Tally]:
    """Tallies by label type on one file."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for row in rows(path):
        spans = [(s["start"], s["end"], s["type"]) for s in row["spans"]]
        findings = scan(row["text"])
        used: set[int] = set()
        for start, end, label in spans:
            if label not in PII_KINDS:
                continue
            hits = [
                i
                for i, f in enumerate(findings)
                if f.span and f.span.start < end and start < f.span.end and type_fits(label, f.kind)
            ]
            used.update(hits)
            tally = tallies[label]
            if hits:
                tally.found += 1
                tally.exact += any((findings[i].span.start, findings[i].span.end) == (start, end) for i in hits)
            else:
                tally.missed += 1
                if len(tally.examples) < misses:
                    tally.examples.append("missed " + shown(row["text"], start, end))
        for i, finding in enumerate(findings):
            label = type_of(finding.kind)
            if i in used or not label or finding.span is None:
                continue
            tallies[label].wrong += 1
            if misses and sum(e.startswith("wrong") for e in tallies[label].examples) < misses:
                mark = f"wrong {finding.kind} {finding.confidence:.2f} "
                tallies[label].examples.append(mark + shown(row["text"], finding.span.start, finding.span.end))
    return tallies


def judge_secrets(scan: Scanner, path: Path, misses: int) -> tuple[dict[str, Tally], Counter[str], Counter[str]]:
    """Tallies by label type, and by kind of look-alike how many rows raised a false alarm, of how many."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    alarms: Counter[str] = Counter()
    harmless: Counter[str] = Counter()
    for row in rows(path):
        findings = scan(row["text"])
        used: set[int] = set()
        for span in row["spans"]:
            start, end, label = span["start"], span["end"], span["type"]
            hits = [i for i, f in enumerate(findings) if f.span and f.span.start < end and start < f.span.end]
            used.update(hits)
            tally = tallies[label]
            if hits:
                tally.found += 1
                tally.exact += any((findings[i].span.start, findings[i].span.end) == (start, end) for i in hits)
            else:
                tally.missed += 1
                if len(tally.examples) < misses:
                    tally.examples.append("missed " + shown(row["text"], start, end))
        wrong = [f for i, f in enumerate(findings) if i not in used]
        name = "beside a secret" if row["spans"] else row["kind"]
        harmless[name] += 1
        alarms[name] += bool(wrong)
        for finding in wrong:
            tallies[name].wrong += 1
            if len(tallies[name].examples) < misses and finding.span:
                mark = f"wrong {finding.kind} {finding.confidence:.2f} "
                tallies[name].examples.append(mark + shown(row["text"], finding.span.start, finding.span.end))
    return tallies, alarms, harmless


def shown(text: str, start: int, end: int) -> str:
    """The place with a little text around it, for tuning on training data."""
    return repr(f"{text[max(0, start - 45) : start]}«{text[start:end][:90]}»{text[end : end + 25]}")


def print_tallies(title: str, tallies: Mapping[str, Tally], groups: Mapping[str, Sequence[str]]) -> None:
    """One line a type, then one a group of types."""
    print(
        f"\n{title}\n{'type':<26}{'labels':>7}{'precision':>10}{'recall':>8}{'F1':>8}{'F2':>8}{'exact':>8}{'wrong':>7}"
    )
    for name in sorted(tallies):
        print(tallies[name].line(name))
    for name, members in groups.items():
        total = Tally()
        for member in members:
            total.add(tallies.get(member, Tally()))
        print(total.line(name))
    for name in sorted(tallies):
        for example in tallies[name].examples:
            print(f"  {name}: {example}")


def main() -> None:
    """Reads the command line and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=DEFAULT_DATA, help="folder with pii/ and secrets/")
    parser.add_argument("--split", choices=("dev", "train"), default="dev")
    parser.add_argument("--misses", type=int, default=0, help="show so many errors of each type; for train only")
    parser.add_argument("--only", choices=("pii", "secrets"))
    arguments = parser.parse_args()
    if arguments.misses and arguments.split != "train":
        parser.error("errors are shown for the train split only, so that nobody tunes on dev")
    if arguments.only != "secrets":
        started = time.perf_counter()
        tallies = judge_pii(
            Scanner(PiiDetector()), arguments.data / "pii" / f"{arguments.split}.jsonl.gz", arguments.misses
        )
        groups = {
            "seven pattern types": PATTERN_TYPES,
            "all but names, places": [name for name in tallies if name not in ("PERSON", "LOCATION", "ADDRESS")],
            "all": list(tallies),
        }
        print_tallies(f"pii, {arguments.split} ({time.perf_counter() - started:.1f} s)", tallies, groups)
    if arguments.only != "pii":
        started = time.perf_counter()
        path = arguments.data / "secrets" / f"{arguments.split}.jsonl.gz"
        found, alarms, harmless = judge_secrets(Scanner(SecretsDetector()), path, arguments.misses)
        title = f"secrets, {arguments.split} ({time.perf_counter() - started:.1f} s)"
        print_tallies(title, found, {"all": list(found)})
        print("\nrows with a false alarm, by kind of look-alike")
        for name, count in harmless.items():
            print(f"{name:<26}{alarms[name]:>7} of {count}")


if __name__ == "__main__":
    main()
