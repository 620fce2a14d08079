"""Beside others: the parts that Guardhouse shares with them, on the same texts, in one run, one after the other."""

from __future__ import annotations

import json
import random
import string
import subprocess
import time
from pathlib import Path

from measure import ROOT, Section
from texts import planted_texts, texts

from guardhouse import Guard
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction

PYTHON = ROOT / ".clients" / "peers" / "bin" / "python"
LIMIT_S = 12.0
SIZE = 1_000


def peers(*, quick: bool = False) -> list[Section]:
    """Personal data beside Presidio and LiteLLM; secrets beside detect-secrets, CredSweeper, LiteLLM."""
    count = 60 if quick else 3_000
    guard = Guard()
    guard.load()
    return [_personal_data(guard, count, quick), _secrets(guard, count, quick)]


def _personal_data(guard: Guard, count: int, quick: bool) -> Section:
    speed = _first(texts(SIZE, seed=31), count)
    planted = planted_texts(10 if quick else 100, seed=32)
    rows = _rows(guard, "pii", speed, planted, (("presidio", []), ("litellm", ["--pii"])))
    text = (
        f"Texts of {SIZE:,} bytes, each scanned once. Found: planted values (e-mail, card, SSN, IBAN, IP address, each "
        "in a plain sentence) that were found whole; these are easy on purpose and say only that all do the same work. "
        "Names and places, which need a model, are off on all sides."
    )
    return Section("Personal data, beside others", text, HEADER, rows)


def _secrets(guard: Guard, count: int, quick: bool) -> Section:
    chance = random.Random(41)
    planted = []
    for text in _first(texts(SIZE - 100, seed=42, planted=False), 10 if quick else 100):
        value = f"ghp_{_github_body(chance)}"
        planted.append((f"{text} token = {value} and so on.", [("GITHUB_TOKEN", value)]))
    speed = _first(texts(SIZE, seed=43), count)
    rows = _rows(guard, "secrets", speed, planted, (("detect_secrets", []), ("credsweeper", []), ("litellm", [])))
    text = f"Prose of {SIZE:,} bytes, each scanned once. Found: planted GitHub tokens that were found whole."
    return Section("Secrets, beside others", text, HEADER, rows)


READ_BY_THE_NETWORK = ("PERSON", "LOCATION")
"""Kinds that the others here do not have either: Presidio without a language model, patterns."""
HEADER = ["", "per text", "throughput", "Guardhouse is", "found"]


def _rows(
    guard: Guard,
    detector: str,
    speed: list[str],
    planted: list[tuple[str, list[tuple[str, str]]]],
    others: tuple[tuple[str, list[str]], ...],
) -> list[list[str]]:
    total = sum(len(values) for _, values in planted)
    own_seconds, own_bytes, whole = _own(guard, detector, speed, planted)
    own_speed = own_bytes / own_seconds / 1e6
    per_text = own_seconds / (own_bytes / SIZE) * 1000
    patterns = len(guard.detectors[detector].needs(DetectorSetting(detector, Rule(RuleAction.REPORT))).patterns)
    rows = [
        [
            f"Guardhouse, `{detector}` alone, {patterns} patterns",
            f"{per_text:.2f} ms",
            f"{own_speed:.2f} MB/s",
            "1",
            f"{whole}/{total}",
        ]
    ]
    for name, flags in others:
        outcome = _other(name, flags, speed, planted)
        if isinstance(outcome, str):
            rows.append([name, "-", "-", "-", outcome])
            continue
        their_speed = outcome["bytes"] / outcome["seconds"] / 1e6
        rows.append(
            [
                str(outcome["name"]),
                f"{outcome['seconds'] / outcome['count'] * 1000:.2f} ms",
                f"{their_speed:.3f} MB/s" if their_speed < 0.1 else f"{their_speed:.2f} MB/s",
                f"{own_speed / their_speed:.1f} x as fast",
                f"{outcome['whole']}/{total}",
            ]
        )
    return rows


def _own(
    guard: Guard, detector: str, speed: list[str], planted: list[tuple[str, list[tuple[str, str]]]]
) -> tuple[float, int, int]:
    setting: dict[str, object] = {"action": "report"}
    if detector == "pii":
        setting["rules"] = dict.fromkeys(READ_BY_THE_NETWORK, "disabled")
    only = {"ignore_recipe": True, "detectors": {detector: setting}}
    for text in speed[:2]:
        guard.evaluate(text, overrides=only)
    done = 0
    began = time.perf_counter()
    for text in speed[2:]:
        guard.evaluate(text, overrides=only)
        done += len(text)
        if time.perf_counter() - began > LIMIT_S:
            break
    seconds = time.perf_counter() - began
    whole = 0
    for text, values in planted:
        report = guard.evaluate(text, overrides=only).report(detector)
        found = {
            text[applied.finding.span.start : applied.finding.span.end]
            for applied in (report.findings if report else ())
            if applied.finding.span
        }
        whole += sum(value in found for _, value in values)
    return seconds, done, whole


def _other(
    name: str, flags: list[str], speed: list[str], planted: list[tuple[str, list[tuple[str, str]]]]
) -> dict[str, float] | str:
    """What the worker measured, or why there is nothing to show."""
    if not PYTHON.is_file():
        return "not installed (`make peers`)"
    asked = json.dumps({"speed": speed, "planted": planted, "limit_s": LIMIT_S})
    worker = Path(__file__).parent / "peer_worker.py"
    try:
        run = subprocess.run(
            [PYTHON, worker, name, *flags], input=asked, capture_output=True, text=True, check=True, timeout=180
        )
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"could not run: {last[0][:120]}"
    except subprocess.TimeoutExpired:
        return "did not finish in 180 s"
    return dict(json.loads(run.stdout.splitlines()[-1]))


def _first(source: object, count: int) -> list[str]:
    return [next(source) for _ in range(count)]  # type: ignore[call-overload]


def _github_body(chance: random.Random) -> str:
    """30 random characters and the checksum that such a token ends in."""
    import zlib

    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    body = "".join(chance.choices(alphabet, k=30))
    number = zlib.crc32(body.encode())
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = alphabet[rest] + digits
    return body + digits.rjust(6, "0")
