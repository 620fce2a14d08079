"""The aims that `sensitive.py`'s tables do not show, each beside its figure.

    python bench/sensitive_aims.py [DATA_FOLDER]

Passwords in prose, secrets planted in chat beside the false flags of harmless chat, false alarms of `malicious_entity`
over the harmless texts of the dev sets, and offsets in random Unicode as code points, UTF-16 units and UTF-8 bytes.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from pathlib import Path

from sensitive import DEFAULT_DATA, Scanner, rows

from guardhouse.detectors.malicious_entity.detector import MaliciousEntityDetector
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.detectors.secrets.detector import SecretsDetector
from redaction import any_text, digits

HARMLESS_MESSAGES = 1_310
RANDOM_STRINGS = 10_000
_ASSIGNED = re.compile(r"[=:][\s\"'`]*$")
"""What stands before a password that is no prose: an assignment, a member of JSON or YAML, a URL's credentials."""
_CHAT = (
    "hi, can you help me set this up? I was given the {} {} and it does not work",
    "here is my {}: {} - please check the config below",
    "My colleague sent me {} {} yesterday. What do I do with it?",
    "why does it say unauthorized? the {} is {}",
)


def passwords_in_prose(data: Path, scan: Scanner) -> str:
    """Found of those labelled passwords that a sentence tells."""
    found = total = 0
    for row in rows(data / "secrets" / "dev.jsonl.gz"):
        spans = [s for s in row["spans"] if s["type"] == "password"]
        told = [s for s in spans if not _ASSIGNED.search(row["text"][: s["start"]])]
        findings = scan(row["text"]) if told else []
        total += len(told)
        found += sum(
            any(f.span and f.span.start < s["end"] and s["start"] < f.span.end for f in findings) for s in told
        )
    return f"{found} of {total} ({found / max(1, total):.0%})"


def planted_in_chat(data: Path, scan: Scanner) -> tuple[str, str]:
    """Labelled secrets found in a chat message that says what they are, and harmless messages with a flag."""
    chance = random.Random(7)
    found = total = 0
    for row in rows(data / "secrets" / "dev.jsonl.gz"):
        for span in row["spans"]:
            if span["type"] in ("password", "private_key", "connection_string"):
                continue
            value = row["text"][span["start"] : span["end"]]
            text = chance.choice(_CHAT).format(span["type"].replace("_", " "), value)
            start = text.index(value)
            total += 1
            found += any(f.span and f.span.start < start + len(value) and start < f.span.end for f in scan(text))
    messages = harmless(data / "prompt_attacks" / "dev.jsonl.gz", HARMLESS_MESSAGES, channel="user")
    flagged = count = 0
    for message in messages:
        count += 1
        flagged += bool(scan(message))
    return f"{found} of {total} ({found / max(1, total):.0%})", f"{flagged} of {count}"


def harmless(path: Path, most: int, *, channel: str = "") -> Iterator[str]:
    """Harmless texts of one set, at most so many."""
    for row in rows(path):
        if most <= 0:
            return
        if row.get("label", "benign") == "benign" and channel in ("", row.get("channel")):
            texts = [row["text"]] if "text" in row else [m["content"] for m in row["messages"]]
            most -= 1
            yield "\n".join(text for text in texts if isinstance(text, str))


def malicious_alarms(data: Path) -> Iterator[tuple[str, str]]:
    """Harmless texts with a malicious entity in them, by set."""
    scan = Scanner(MaliciousEntityDetector())
    for name in ("prompt_attacks", "pii", "agent"):
        texts = list(harmless(data / name / "dev.jsonl.gz", 2_000))
        yield name, f"{sum(bool(scan(text)) for text in texts)} of {len(texts)}"


def offsets(scan: Scanner, count: int) -> str:
    """Random strings whose value stands at the right place, in code points, UTF-16 units and UTF-8 bytes."""
    exact = total = 0
    for number in range(count):
        chance = random.Random(number)
        value = digits(chance, "u####.v###@example.org")
        before, behind = (any_text(chance, 40).encode("utf-8", "replace").decode() for _ in range(2))
        text = f"{before} {value} {behind}"
        start = len(before) + 1
        found = [f.span for f in scan(text) if f.span and f.kind == "EMAIL_ADDRESS" and f.value == value]
        total += 1
        exact += any(
            span.start == start
            and text[span.start : span.end] == value
            and text.encode("utf-16-le")[2 * _units(text, span.start) : 2 * _units(text, span.end)].decode("utf-16-le")
            == value
            and text.encode()[_bytes(text, span.start) : _bytes(text, span.end)].decode() == value
            for span in found
        )
    return f"{exact} of {total}"


def _units(text: str, at: int) -> int:
    """UTF-16 code units before a code point: what JavaScript and Java count."""
    return at + sum(ord(char) > 0xFFFF for char in text[:at])


def _bytes(text: str, at: int) -> int:
    return len(text[:at].encode())


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=DEFAULT_DATA, help="folder with secrets/, pii/, ...")
    options = parser.parse_args()
    secrets = Scanner(SecretsDetector())
    planted, flagged = planted_in_chat(options.data, secrets)
    print("| figure | measured | aim |\n|---|---|---|")
    print(f"| passwords in prose found | {passwords_in_prose(options.data, secrets)} | at least 90% |")
    print(f"| secrets planted in chat found | {planted} | |")
    print(f"| harmless chat messages flagged as secrets | {flagged} | at most 1 of {HARMLESS_MESSAGES:,} |")
    for name, alarms in malicious_alarms(options.data):
        print(f"| harmless texts of {name} with a malicious entity | {alarms} | 0 |")
    pii = Scanner(PiiDetector(), classifier=False)
    print(f"| random strings with exact offsets | {offsets(pii, RANDOM_STRINGS)} | all |", flush=True)


if __name__ == "__main__":
    main()
