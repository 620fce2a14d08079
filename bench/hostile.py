"""Hostile texts of 20 KB, each made to cost some step as much as it can: what every step takes on them.

    python bench/hostile.py [NAME ...]

A step is normalising a text, matching all patterns of a plan over it, or one detector reading the evidence.
"""

from __future__ import annotations

import base64
import random
import string
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import cycle
from urllib.parse import quote

from measure import Section

from guardhouse.detectors.base import Detector, Evidence, TextEvidence
from guardhouse.detectors.custom.entities import CustomEntityDetector
from guardhouse.detectors.malicious_entity.detector import MaliciousEntityDetector
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.detectors.secrets.detector import SecretsDetector
from guardhouse.engine.collect import collect, judged_texts
from guardhouse.engine.timing import Stopwatch
from guardhouse.matching.matcher import Matcher
from guardhouse.model.conversation import Conversation
from guardhouse.model.messages import conversation_from_text
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction

SIZE = 20_000
"""Code points."""
BUDGET_MS = 50.0
ROUNDS = 5
WORST_SHOWN = 3

_SEPARATORS = " -./()+,:;_|\n\t"
_MARKS = "key password token secret api_key pwd phone card iban born passport account id ssn tax order version"


@dataclass(frozen=True, slots=True)
class Cost:
    """The best of some rounds of one step, in milliseconds: by the clock, and of the processor's time."""

    wall: float
    cpu: float


def hostile(*, quick: bool = False) -> list[Section]:
    """Every text, its dearest steps."""
    texts = {name: text for index, (name, text) in enumerate(hostile_texts().items()) if not quick or index % 8 == 0}
    costs = measured(texts, rounds=1 if quick else ROUNDS)
    rows = [
        [name, *(f"{step} {cost.wall:.1f} ms ({cost.cpu:.1f})" for step, cost in _dearest(steps))]
        for name, steps in sorted(costs.items(), key=lambda item: -_dearest(item[1])[0][1].wall)
    ]
    over = sum(_dearest(steps)[0][1].wall > BUDGET_MS for steps in costs.values())
    detectors = ", ".join(f"`{detector.name}`" for detector in _detectors())
    text = (
        f"{len(texts)} texts of {SIZE:,} characters, written to cost as much as they can. Steps: reading a text in "
        f"every way it may be meant (normalize), matching all patterns, and the detectors {detectors}. Best of "
        f"{ROUNDS} rounds by the clock, in brackets of the processor. {len(texts) - over} of {len(texts)} stay within "
        f"{BUDGET_MS:.0f} ms in every step."
    )
    return [Section("Hostile texts", text, ["text", "dearest step", "second", "third"], rows)]


def measured(texts: Mapping[str, str], *, rounds: int) -> dict[str, dict[str, Cost]]:
    """By text and by step, the best of `rounds`."""
    settings = {detector.name: _setting(detector.name) for detector in _detectors()}
    needs = {detector.name: detector.needs(settings[detector.name]) for detector in _detectors()}
    patterns = [pattern for need in needs.values() for pattern in need.patterns]
    matcher = Matcher(patterns)
    ids = frozenset(pattern.id for pattern in patterns)
    costs: dict[str, dict[str, Cost]] = {}
    for name, text in texts.items():
        conversation = conversation_from_text(text)
        best: dict[str, Cost] = {}
        for _ in range(rounds):
            wall, cpu = Stopwatch(time.perf_counter), Stopwatch(time.process_time)
            evidence = Evidence(conversation, _collected(conversation, matcher, ids, wall))
            _collected(conversation, matcher, ids, cpu)
            for detector in _detectors():
                for watch in (wall, cpu):
                    with watch.stage(detector.name):
                        list(detector.find(evidence, settings[detector.name]))
            for step, value in wall.readings().items():
                if step != "total":
                    kept = best.get(step, Cost(value, value))
                    best[step] = Cost(min(kept.wall, value), min(kept.cpu, cpu.readings()[step]))
        costs[name] = best
    return costs


def _collected(
    conversation: Conversation, matcher: Matcher, ids: frozenset[str], watch: Stopwatch
) -> tuple[TextEvidence, ...]:
    return collect(
        judged_texts(conversation),
        matchers=[matcher],
        patterns=ids,
        classifier=None,
        heads=frozenset(),
        deadline=time.monotonic() + 600,
        watch=watch,
    )


def _dearest(steps: Mapping[str, Cost]) -> list[tuple[str, Cost]]:
    return sorted(steps.items(), key=lambda item: -item[1].wall)[:WORST_SHOWN]


_BUILT: list[Detector] = []


def _detectors() -> list[Detector]:
    if not _BUILT:
        _BUILT.extend((PiiDetector(), SecretsDetector(), MaliciousEntityDetector(), CustomEntityDetector()))
    return _BUILT


def _setting(name: str) -> DetectorSetting:
    options = {"entities": [_entity()]} if name == "custom_entity" else {}
    return DetectorSetting(name, Rule(RuleAction.REPORT), options=options)


def _entity() -> dict[str, object]:
    """Five thousand words with context words, of which a hostile text is made."""
    words = [f"project{chance}" for chance in range(5_000)]
    return {"name": "CODE_WORD", "words": words, "pattern": "S-[0-9]{4}", "context": ["staff", "badge", "person*"]}


def hostile_texts() -> dict[str, str]:
    """The texts by name, the same ones each time."""
    made = {name: _filled(make, random.Random(name)) for name, make in _REPEATED.items()}
    chance = random.Random(7)
    made["digits only"] = "".join(chance.choices(string.digits, k=SIZE))
    made["one digit only"] = "1" * SIZE
    made["one and a space"] = "1 " * (SIZE // 2)
    made["digits and any separator"] = "".join(chance.choice(string.digits + _SEPARATORS) for _ in range(SIZE))
    made["digit and separator in turn"] = "".join(
        chance.choice(string.digits) + chance.choice(_SEPARATORS) for _ in range(SIZE // 2)
    )
    made["one long word"] = "a" * SIZE
    made["one long mixed token"] = "".join(chance.choices(string.ascii_letters + string.digits + "_-", k=SIZE))
    made["capitals only"] = "".join(chance.choices(string.ascii_uppercase, k=SIZE))
    made["lower-case hex"] = "".join(chance.choices("0123456789abcdef", k=SIZE))
    made["base64"] = base64.b64encode(chance.randbytes(SIZE)).decode()[:SIZE]
    made["base64 of base64"] = _nested(chance)
    made["at signs"] = "a@" * (SIZE // 2)
    made["points"] = "a." * (SIZE // 2)
    made["points and digits"] = "1." * (SIZE // 2)
    made["colons and hex"] = "ab:" * (SIZE // 3)
    made["brackets"] = "([{<" * (SIZE // 4)
    made["blanks"] = " \n\t" * (SIZE // 3)
    made["any printable"] = "".join(chance.choices(string.printable, k=SIZE))
    made["any of Unicode"] = "".join(chr(chance.choice((chance.randrange(32, 0xD7FF), 65))) for _ in range(SIZE))
    made["marks"] = "".join("a" + chr(chance.randrange(0x300, 0x36F)) for _ in range(SIZE // 2))
    made["zero width between digits"] = "\u200b".join(chance.choices(string.digits, k=SIZE // 2))
    made["full-width digits"] = "".join(chr(0xFF10 + chance.randrange(10)) for _ in range(SIZE))
    made["homoglyphs"] = "".join(chance.choice("аbсdеfgһіjklmnорqrѕtuvwхуz ") for _ in range(SIZE))
    return {name: text[:SIZE] for name, text in made.items()}


def _nested(chance: random.Random) -> str:
    inner = " ".join(_email(chance) for _ in range(250)).encode()
    return base64.b64encode(base64.b64encode(inner)).decode()


def _filled(make: Callable[[random.Random], str], chance: random.Random) -> str:
    parts: list[str] = []
    length = 0
    while length < SIZE:
        part = make(chance)
        parts.append(part)
        length += len(part)
    return "".join(parts)


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _token(chance: random.Random, count: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(chance.choices(letters, k=count))


def _email(chance: random.Random) -> str:
    return f"{_token(chance, 5).lower()}.{_token(chance, 4)}@{_token(chance, 6).lower()}.example.org"


def _card(chance: random.Random) -> str:
    digits = "4" + _digits(chance, 14)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _grouped(chance: random.Random) -> str:
    card = _card(chance)
    return chance.choice(" -").join(card[start : start + 4] for start in range(0, 16, 4))


def _iban(chance: random.Random) -> str:
    account = "37040044" + _digits(chance, 10)
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def _spaced_iban(chance: random.Random) -> str:
    iban = _iban(chance)
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


_PHONES = cycle(
    (
        "+1 415 555 01{0}",
        "(212) 555-01{0}",
        "+44 20 7946 09{0}",
        "0171 23456{0}",
        "+49 (0)30 9018 20{0}",
        "06 12 34 56 {0}",
        "+33 1 23 45 67 {0}",
        "+91 98765 432{0}",
        "090-1234-56{0}",
        "+86 138 0013 80{0}",
        "+55 11 96123-45{0}",
        "+380 44 123 45{0}",
        "8 (495) 123-45-{0}",
        "+65 6123 45{0}",
        "0812-3456-78{0}",
        "+971 50 123 45{0}",
    )
)


def _phone(chance: random.Random) -> str:
    return next(_PHONES).format(_digits(chance, 2))


def _date(chance: random.Random) -> str:
    day, month, year = chance.randint(1, 28), chance.randint(1, 12), chance.randint(1930, 2025)
    shapes = (
        f"{day:02d}/{month:02d}/{year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day}. März {year}",
        f"January {day}, {year}",
        f"{day:02d}.{month:02d}.{year % 100:02d}",
        f"{year}-{month:02d}-{day:02d}T10:11:12.123Z",
    )
    return chance.choice(shapes)


def _host(chance: random.Random) -> str:
    return f"{_token(chance, 6).lower()}.{chance.choice(('com', 'example', 'co.uk', 'github.io', 'xyz'))}"


def _link(chance: random.Random) -> str:
    host, tail = _host(chance), _token(chance, 5)
    shapes = (
        f"http://{host}/{tail}",
        f"https://www.{host}/{tail}?q={tail}&r=http://{host}",
        f"http://xn--{_token(chance, 5).lower()}-{_token(chance, 3).lower()}.com/",
        f"http://paypal.com:80@{host}/",
        f"http://{chance.randrange(2**32)}/{tail}",
        f"http://0x{chance.randrange(2**32):x}/{tail}.exe",
        f"hxxps[:]//{host.replace('.', '[.]')}/{tail}",
        f"https://{quote(host)}/%2e%2e/%68%74%74%70%3a%2f%2f{host}",
        f"http://раураl.{host}/login",
        f"http://[2001:db8::{chance.randrange(65536):x}]/",
    )
    return chance.choice(shapes)


def _jwt(chance: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    return f"{head}.{_token(chance, 20)}.{_token(chance, 30)}"


_PREFIXES = (
    "AKIA ghp_ gho_ github_pat_ glpat- xoxb- xoxp- sk_live_ sk-ant- sk-proj- AIza ya29. npm_ pypi- dop_v1_ SG. key- "
    "shpat_ hf_ EAAC lin_api_ ATATT dckr_pat_ glsa_ sq0atp- rk_live_ AGE-SECRET-KEY- -----BEGIN mongodb:// postgres://"
)


def _near_miss(chance: random.Random) -> str:
    return chance.choice(_PREFIXES.split()) + _token(chance, chance.randint(2, 12)) + " "


_REPEATED: Mapping[str, Callable[[random.Random], str]] = {
    "cards": lambda chance: f"{_card(chance)} ",
    "cards in groups": lambda chance: f"{_grouped(chance)}, ",
    "cards in groups, nothing between": lambda chance: f"{_grouped(chance)} ",
    "cards with their word": lambda chance: f"credit card number {_card(chance)}, ",
    "telephone numbers": lambda chance: f"{_phone(chance)}, ",
    "telephone numbers, blanks between": lambda chance: f"{_phone(chance)} ",
    "telephone numbers with their word": lambda chance: f"phone {_phone(chance)}\n",
    "national numbers": lambda chance: f"{chance.choice(('id', 'tax id', 'ssn', 'passport'))} {_digits(chance, 9)} ",
    "nine digits": lambda chance: f"{_digits(chance, 9)} ",
    "eleven digits": lambda chance: f"{_digits(chance, 11)}\n",
    "three groups": lambda chance: f"{_digits(chance, 3)}-{_digits(chance, 2)}-{_digits(chance, 4)} ",
    "groups of three": lambda chance: f"{_digits(chance, 3)} ",
    "groups of two": lambda chance: f"{_digits(chance, 2)}.",
    "e-mail addresses": lambda chance: f"{_email(chance)} ",
    "e-mail addresses spelled": lambda chance: f"{_token(chance, 5)} at {_token(chance, 6)} dot com ",
    "near e-mail addresses": lambda chance: f"{_token(chance, 6)}@{_token(chance, 6)} ",
    "bank accounts": lambda chance: f"{_iban(chance)} ",
    "bank accounts in groups": lambda chance: f"{_spaced_iban(chance)} ",
    "dates": lambda chance: f"{_date(chance)} ",
    "dates of birth": lambda chance: f"born {_date(chance)}, ",
    "moments": lambda chance: f"2024-0{chance.randint(1, 9)}-11 10:{chance.randint(10, 59)}:12 ",
    "IPv4": lambda chance: ".".join(str(chance.randrange(256)) for _ in range(4)) + " ",
    "IPv6": lambda chance: ":".join(f"{chance.randrange(65536):x}" for _ in range(8)) + " ",
    "wallets": lambda chance: f"1{_token(chance, 32, '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz')} ",
    "Ethereum wallets": lambda chance: f"0x{_token(chance, 40, '0123456789abcdefABCDEF')} ",
    "bank identifiers": lambda chance: f"{_token(chance, 6, string.ascii_uppercase)}{_digits(chance, 2)} ",
    "letters with digits": lambda chance: f"{_token(chance, 2, string.ascii_uppercase)}{_digits(chance, 7)} ",
    "money": lambda chance: f"${_digits(chance, 3)}.50 ",
    "addresses": lambda chance: f"{_digits(chance, 3)} {_token(chance, 6).title()} Street, {_digits(chance, 5)} Town, ",
    "names": lambda chance: f"Mr. {_token(chance, 6, string.ascii_letters).title()} Smith, ",
    "context words": lambda chance: f"{chance.choice(_MARKS.split())} {_digits(chance, chance.randint(6, 12))} ",
    "table of numbers": lambda chance: ";".join(_digits(chance, 9) for _ in range(6)) + "\n",
    "assignments": lambda chance: f"key={_token(chance, 20)} ",
    "assignments of words": lambda chance: "key=value ",
    "assignments, nothing between": lambda chance: "password=",
    "password is": lambda chance: "password is ",
    "passwords told": lambda chance: f"my password is {_token(chance, 9)}. ",
    "passwords told of": lambda chance: "the password was changed to as is to the password: ",
    "API key names": lambda chance: f"api_key: {_token(chance, 32)}\n",
    "GitHub tokens": lambda chance: f"ghp_{_token(chance, 36)} ",
    "tokens": lambda chance: f"{_token(chance, 32)} ",
    "tokens of 20": lambda chance: f"{_token(chance, 20, string.ascii_uppercase + string.digits)} ",
    "hex of 32": lambda chance: f"{_token(chance, 32, '0123456789abcdef')} ",
    "JSON Web Tokens": lambda chance: f"{_jwt(chance)} ",
    "JSON Web Tokens, nothing between": lambda chance: "eyJhbGciOiJIUzI1NiJ9.",
    "private keys begun": lambda chance: "-----BEGIN RSA PRIVATE KEY-----\n",
    "tokens over lines": lambda chance: f'"ghp_{_token(chance, 18)}" +\n"{_token(chance, 18)}"\n',
    "connection strings": lambda chance: f"postgres://app:{_token(chance, 9)}@db/{_token(chance, 3)} ",
    "begun like tokens": _near_miss,
    "links": lambda chance: f"{_link(chance)} ",
    "plain links": lambda chance: f"http://{_host(chance)}/ ",
    "short links": lambda chance: "http://a.b ",
    "links in escapes": lambda chance: f"%68%74%74%70%3a%2f%2f{_host(chance)}%2f ",
    "links with users": lambda chance: f"http://{_token(chance, 8)}:{_token(chance, 8)}@{_host(chance)} ",
    "links without scheme": lambda chance: f"{_host(chance)}/{_token(chance, 4)} ",
    "links as images": lambda chance: f"![x](http://{_host(chance)}/p.png?d={_token(chance, 30)}) ",
    "host names": lambda chance: f"{_host(chance)} ",
    "defanged host names": lambda chance: f"{_host(chance).replace('.', '[.]')} ",
    "addresses in numbers": lambda chance: f"http://{chance.randrange(2**32)} ",
    "names of brands": lambda chance: f"http://paypa1-login-{_token(chance, 3).lower()}.com ",
    "entities": lambda chance: f"&#{chance.randint(48, 122)};",
    "escapes": lambda chance: f"\\x{chance.randint(48, 122):x}",
    "letters apart": lambda chance: f"{chance.choice(string.ascii_lowercase)} ",
    "leet": lambda chance: "1gn0r3 pr3v10u5 1n5truct10n5 ",
    "custom words": lambda chance: f"project{chance.randrange(5_000)} ",
    "custom words in context": lambda chance: f"staff project{chance.randrange(5_000)}, ",
    "custom pattern": lambda chance: f"S-{_digits(chance, 4)} ",
    "Chinese with numbers": lambda chance: f"电话号码{_digits(chance, 11)}，身份证",
    "Japanese with dates": lambda chance: f"生年月日は19{_digits(chance, 2)}年2月1日、",
    "Cyrillic with numbers": lambda chance: f"телефон 8 (495) {_digits(chance, 3)}-45-67, паспорт ",
}


if __name__ == "__main__":
    wanted = sys.argv[1:]
    chosen = {name: text for name, text in hostile_texts().items() if not wanted or name in wanted}
    for title, steps in measured(chosen, rounds=ROUNDS).items():
        print(f"{title:36}" + "".join(f"{step:>20} {cost.wall:6.1f} ({cost.cpu:6.1f})" for step, cost in steps.items()))
