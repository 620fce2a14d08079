"""Random redactions and their way back: how many come back exactly, as a whole, quoted and streamed.

    python bench/redaction.py [--trips 1000000] [--guard 5000] [--processes 2] [--first 0]

A trip is one chat, text or tool call with values at random places (all planes of Unicode, lone surrogates, JSON, values
within values, names and encryptions that stand in the text already), redacted under a mixture of the reversible
operators with findings that are given. It is exact when the redacted document gives the original, an answer that quotes
the replacements quotes the originals, and both do so too in pieces cut at random. A trip is made by its number alone,
so a failure is repeated by `--first NUMBER --trips 1`. `--guard` trips go through the whole guard, detectors included.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from measure import Section

from guardhouse.engine.guard import Guard
from guardhouse.model.conversation import Channel, Path, SourceText, TextForm
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import Rule, RuleAction
from guardhouse.redaction import guardhouse_operators
from guardhouse.redaction.context import Context, merge_contexts, read_context
from guardhouse.redaction.keys import KeyRing
from guardhouse.redaction.redact import Target, redact
from guardhouse.redaction.session import Session
from guardhouse.redaction.unredact import Restorer, Unredactor
from guardhouse.settings import Settings

OPERATORS = {operator.action: operator for operator in guardhouse_operators()}
RING = KeyRing({1: bytes(range(32)), 2: bytes(range(32, 64))})
REVERSIBLE = (
    Rule(RuleAction.FPE),
    Rule(RuleAction.FPE, {"tweak": "abcdefg"}),
    Rule(RuleAction.FPE, {"alphabet": "alphanumeric"}),
    Rule(RuleAction.REPLACE, {"reversible": True}),
    Rule(RuleAction.SURROGATE, {"reversible": True}),
)
KINDS = ("PERSON", "EMAIL_ADDRESS", "US_SSN", "CREDIT_CARD", "PHONE_NUMBER", "LOCATION", "IP_ADDRESS", "X")
PLANES = ((0x20, 0x7F), (0xA0, 0x2FF), (0x370, 0x7FF), (0x3040, 0x30FF), (0x4E00, 0x9FFF), (0xE000, 0xFFFD))
QUIET = "\u2400\u2401\u2402\u2403\u2404\u2405\u2406\u2407"
"""Letters of what stands between quotes; those that a replacement holds are not used."""
BATCH = 500


@dataclass(frozen=True, slots=True)
class Trip:
    """What went wrong with one: nothing, or the name of the way that was not exact."""

    number: int
    wrong: str = ""
    values: int = 0


# --- texts -----------------------------------------------------------------------------------------------------------


def character(chance: random.Random) -> str:
    """Any code point there is, the common ones more often."""
    drawn = chance.random()
    if drawn < 0.5:
        return chance.choice(string.printable)
    if drawn < 0.8:
        return chr(chance.randrange(*chance.choice(PLANES)))
    if drawn < 0.97:
        return chr(chance.randrange(0x11_0000))
    return chr(chance.randrange(0xD800, 0xE000))


def any_text(chance: random.Random, most: int) -> str:
    return "".join(character(chance) for _ in range(chance.randrange(most + 1)))


def digits(chance: random.Random, form: str) -> str:
    return "".join(str(chance.randrange(10)) if char == "#" else char for char in form)


VALUES: Sequence[Callable[[random.Random], str]] = (
    lambda chance: any_text(chance, 11) or "x",
    lambda chance: digits(chance, "###-##-####"),
    lambda chance: digits(chance, "4### #### #### ####"),
    lambda chance: digits(chance, "#" * chance.randrange(1, 20)),
    lambda chance: f"{any_word(chance)}.{any_word(chance)}@{any_word(chance)}.org",
    lambda chance: f"{any_word(chance).title()} {any_word(chance).title()}",
    lambda chance: chance.choice(
        ("<X_1>", "<PERSON_1>", "<PERSON_2>", '"', "\\", "{}", "[1]", "null", "\u202e", "1e5")
    ),
    lambda chance: f"-----BEGIN KEY-----\n{any_word(chance)}\\n{any_word(chance)}\n-----END KEY-----",
)


def any_word(chance: random.Random) -> str:
    return "".join(chance.choice(string.ascii_lowercase) for _ in range(chance.randrange(1, 9)))


def made_values(chance: random.Random) -> list[str]:
    """A few values, some of them parts of one another."""
    values = [chance.choice(VALUES)(chance) for _ in range(chance.randrange(1, 5))]
    if chance.random() < 0.3:
        one = chance.choice(values)
        values.append(one + chance.choice(values))
        if len(one) > 2:
            values.append(one[: chance.randrange(1, len(one))])
    return values


def prose(chance: random.Random, values: Sequence[str], planted: Sequence[str]) -> str:
    """Values, what was planted and noise in some order, with and without blanks between."""
    pieces: list[str] = []
    for _ in range(chance.randrange(1, 7)):
        drawn = chance.random()
        pieces.append(
            chance.choice(values)
            if drawn < 0.6
            else chance.choice(planted)
            if planted and drawn < 0.75
            else any_text(chance, 12)
        )
        pieces.append(chance.choice((" ", " ", "", "\n", ", ")))
    text = "".join(pieces)
    return json.dumps(text) if chance.random() < 0.05 else text


def arguments(chance: random.Random, values: Sequence[str], planted: Sequence[str]) -> str:
    """JSON with values as strings, names of members and numbers, in one of the ways of writing it."""
    members: dict[str, object] = {}
    for _ in range(chance.randrange(1, 5)):
        name = chance.choice(values) if chance.random() < 0.1 else any_word(chance)
        drawn = chance.random()
        members[name] = (
            prose(chance, values, planted)
            if drawn < 0.6
            else [chance.choice(values), chance.randrange(10**16), chance.random(), None, True]
            if drawn < 0.8
            else int(digits(chance, "4" + "#" * 15))
        )
    indent = chance.choice((None, None, 2))
    written = json.dumps(members, ensure_ascii=chance.random() < 0.5, indent=indent)
    return written.replace("/", "\\/") if chance.random() < 0.1 else written


# --- one trip --------------------------------------------------------------------------------------------------------


def sources_of(chance: random.Random, values: Sequence[str], planted: Sequence[str]) -> list[SourceText]:
    """A text, or a chat with texts and tool calls."""
    found: list[SourceText] = []
    for index in range(1 if chance.random() < 0.5 else chance.randrange(2, 5)):
        is_call = chance.random() < 0.4
        form = TextForm.ARGUMENTS if is_call else TextForm.CONTENT
        path: Path = ("messages", index, *(("tool_calls", 0, "function", "arguments") if is_call else ("content",)))
        text = (arguments if is_call else prose)(chance, values, planted)
        found.append(SourceText(text, path, Channel.USER, index, form))
    return found


def targets_of(chance: random.Random, sources: Sequence[SourceText], values: Sequence[str]) -> list[Target]:
    """Every place of most values, and now and then any range: findings may overlap, touch and cross structure."""
    rules = {kind: chance.choice(REVERSIBLE) for kind in KINDS}
    one_rule = chance.choice(REVERSIBLE) if chance.random() < 0.5 else None
    targets: list[Target] = []

    def add(source: SourceText, start: int, end: int, kind: str) -> None:
        finding = Finding("pii", kind, 0.9, source.path, Span(start, end))
        targets.append(Target(finding, one_rule or rules[kind]))

    for value in values:
        if chance.random() < 0.1:
            continue
        kind = chance.choice(KINDS)
        spellings = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
        for source in sources:
            for spelling in spellings:
                start = source.value.find(spelling) if spelling else -1
                while start >= 0:
                    add(source, start, start + len(spelling), kind)
                    start = source.value.find(spelling, start + len(spelling))
    for source in sources:
        if source.value and chance.random() < 0.2:
            start = chance.randrange(len(source.value))
            add(source, start, min(len(source.value), start + chance.randrange(1, 25)), chance.choice(KINDS))
    chance.shuffle(targets)
    return targets


def trip(number: int) -> Trip:
    """One round trip, made by its number."""
    chance = random.Random(number)
    values = made_values(chance)
    tenant = chance.choice(("", "shop"))
    keys = RING.tenant(tenant, version=chance.choice((1, 2)))
    if keys is None:
        raise AssertionError("both versions are in the ring")
    conversation = chance.choice(("", f"c-{number}"))
    earlier: str | None = None
    planted: list[str] = ["<PERSON_1>", "<X_2>"]
    documents: list[SourceText] = []
    written: str | None = None
    before: str | None = None
    redacted: dict[Path, str] = {}
    for turn in range(1 if chance.random() < 0.7 else 2):
        sources = sources_of(chance, values, planted)
        session = Session(
            keys,
            conversation_id=conversation,
            earlier=None if earlier is None else read_context(earlier, RING, tenant),
            texts=[source.value for source in sources],
        )
        result = redact(sources, targets_of(chance, sources, values), operators=OPERATORS, session=session)
        before, written = earlier, result.context
        redacted = {source.path: result.texts.get(source.path, source.value) for source in sources}
        documents = sources
        put = [done.replacement for done in result.done if done is not None]
        if turn == 0:
            earlier = result.context if chance.random() < 0.7 else None
            # The next text holds what was put before; under one context it would rightly become the original.
            planted = [*planted, *put[:3]] if earlier is None else ["(none)"]
            values = values if chance.random() < 0.5 else [*values, *made_values(chance)]
    if written is None:
        is_kept = all(redacted[source.path] == source.value for source in documents)
        return Trip(number, "" if is_kept else "no context")
    put_before = [] if before is None else [entry.text for entry in read_context(before, RING, tenant).entries]
    wrong = _wrong(chance, written, tenant, documents, redacted, put_before)
    return Trip(number, wrong, len(read_context(written, RING, tenant).entries))


def _wrong(
    chance: random.Random,
    written: str,
    tenant: str,
    sources: Sequence[SourceText],
    redacted: dict[Path, str],
    earlier: Collection[str],
) -> str:
    """The first way back that is not exact. `earlier` was put by the turn before: a text that quotes it may change."""
    context = read_context(written, RING, tenant)
    restorer = Restorer(context)
    document = {"[content]": [redacted[source.path] for source in sources], "[n]": [1, None, True]}
    expected = {"[content]": [source.value for source in sources], "[n]": [1, None, True]}
    quotes_earlier = any(text in source.value for text in earlier for source in sources)
    if not quotes_earlier and restorer.document(document) != expected:
        return "whole"
    for source in sources:
        if source.form is TextForm.CONTENT:
            text = redacted[source.path]
            streamed = _streamed(chance, Unredactor(read_context(written, RING, tenant)), text)
            if streamed != restorer.prose(text):
                return "streamed"
    answer, answered = _quoting(chance, context)
    if restorer.prose(answer) != answered:
        return "quoted"
    unredactor = Unredactor(merge_contexts([read_context(written, RING, tenant)]))
    return "" if _streamed(chance, unredactor, answer) == answered else "quoted, streamed"


def _quoting(chance: random.Random, context: Context) -> tuple[str, str]:
    """An answer that quotes some replacements, and what it is to become."""
    entries = [entry for entry in context.entries if entry.is_restorable]
    letters = [letter for letter in QUIET if not any(letter in entry.text for entry in entries)]
    answer: list[str] = []
    expected: list[str] = []
    for _ in range(chance.randrange(1, 6)):
        between = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 6)))
        entry = chance.choice(entries) if entries else None
        answer += (between, entry.text if entry else "")
        expected += (between, context.original(entry) if entry else "")
    return "".join(answer), "".join(expected)


def _streamed(chance: random.Random, unredactor: Unredactor, text: str) -> str:
    out: list[str] = []
    position = 0
    while position < len(text):
        size = chance.choice((1, 1, 2, 3, 5, 8, 40))
        out.append(unredactor.feed(text[position : position + size]))
        position += size
    return "".join([*out, unredactor.finish()])


# --- the whole guard -------------------------------------------------------------------------------------------------

GUARD_KINDS = ("EMAIL_ADDRESS", "US_SSN", "CREDIT_CARD", "PHONE_NUMBER", "IP_ADDRESS", "IBAN_CODE", "PASSWORD")
_SHOWN: Sequence[Callable[[random.Random], str]] = (
    lambda chance: f"SSN {digits(chance, '5##-4#-1###')}",
    lambda chance: f"mail {any_word(chance)}x.y{any_word(chance)}@{any_word(chance)}ab.org",
    lambda chance: f"card {chance.choice(('4111 1111 1111 1111', '5555-5555-5555-4444', '378282246310005'))}",
    lambda chance: f"call +1 {digits(chance, '2#2-555-01##')}",
    lambda chance: f"host 203.0.113.{chance.randrange(256)}",
    lambda chance: f"password: {any_word(chance)}Q7!{any_word(chance)}z",
    lambda chance: any_text(chance, 20),
)
_ACTIONS: Sequence[tuple[str, dict[str, object] | None]] = (
    ("fpe", None),
    ("replace", {"reversible": True}),
    ("surrogate", {"reversible": True}),
)


def guard_trip(guard: Guard, number: int) -> Trip:
    """The same with a guard that finds the values itself."""
    chance = random.Random(-1 - number)
    lines = [chance.choice(_SHOWN)(chance) for _ in range(chance.randrange(1, 8))]
    text = chance.choice((" ", "\n", "; ")).join(lines)
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"a": lines, "b": text})}}
    messages = [{"role": "user", "content": text}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    content: str | list[dict[str, object]] = text if chance.random() < 0.5 else messages
    action, parameters = chance.choice(_ACTIONS)
    hidden = guard.redact(content, action=action, parameters=parameters, kinds=GUARD_KINDS)
    if hidden.fpe_context is None:
        return Trip(number, "" if hidden.content == content else "nothing found, but changed")
    if guard.unredact(hidden.content, hidden.fpe_context) != content:
        return Trip(number, "guard, whole")
    if isinstance(content, str):
        streamed = _streamed(chance, guard.unredactor(hidden.fpe_context), hidden.content)
        if streamed != content:
            return Trip(number, "guard, streamed")
    return Trip(number, values=hidden.count)


# --- many ------------------------------------------------------------------------------------------------------------


def _batch(first: int, count: int, *, is_guard: bool = False) -> tuple[int, int, list[Trip]]:
    """How many trips, how many values, and what went wrong."""
    guard = _guard() if is_guard else None
    values, wrong = 0, []
    for number in range(first, first + count):
        made = trip(number) if guard is None else guard_trip(guard, number)
        values += made.values
        wrong += [made] if made.wrong else []
    return count, values, wrong


_GUARDS: list[Guard] = []


def _guard() -> Guard:
    if not _GUARDS:
        _GUARDS.append(Guard(settings=Settings(plugins=False), redaction_key=RING))
    return _GUARDS[0]


def _guard_batch(first: int, count: int) -> tuple[int, int, list[Trip]]:
    return _batch(first, count, is_guard=True)


def run(first: int, trips: int, *, processes: int, is_guard: bool = False) -> Iterator[tuple[int, int, list[Trip]]]:
    """The batches as they are done."""
    starts: Iterable[int] = range(first, first + trips, BATCH)
    counts = [min(BATCH, first + trips - start) for start in starts]
    work = _guard_batch if is_guard else _batch
    if processes <= 1:
        yield from map(work, starts, counts)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(work, starts, counts)


def redaction(*, quick: bool = False) -> list[Section]:
    """The section of the report; a million trips are run by hand (see above)."""
    rows = []
    for name, trips, is_guard in (("given findings", 50_000, False), ("whole guard", 2_000, True)):
        trips //= 10 if quick else 1
        began = time.perf_counter()
        done = list(run(0, trips, processes=1, is_guard=is_guard))
        wrong = [failed for _, _, failures in done for failed in failures]
        row = (name, trips, sum(values for _, values, _ in done), trips - len(wrong))
        rows.append((*map(str, row), f"{time.perf_counter() - began:.0f} s"))
    text = (
        "Random chats, texts and tool calls (all planes of Unicode), redacted under mixtures of `fpe`, reversible "
        "`replace` and `surrogate`, and restored whole, quoted and streamed. A million: "
        "`python bench/redaction.py --trips 1000000`."
    )
    return [Section("Round trips of redaction", text, ("findings", "trips", "values", "exact", "time"), rows)]


def main() -> None:
    """Run what the command line asks for and tell of every failure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trips", type=int, default=100_000)
    parser.add_argument("--guard", type=int, default=0, help="trips through the whole guard, instead")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first trip")
    options = parser.parse_args()
    began = time.perf_counter()
    total = values = 0
    ways: Counter[str] = Counter()
    trips = options.guard or options.trips
    for count, held, failures in run(options.first, trips, processes=options.processes, is_guard=bool(options.guard)):
        total, values = total + count, values + held
        for failed in failures:
            ways[failed.wrong] += 1
            if ways.total() <= 50:
                print(f"trip {failed.number}: {failed.wrong}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - began
    print(f"{total} trips, {values} values, {total - ways.total()} exact, {seconds:.0f} s ({total / seconds:.0f}/s)")
    for way, count in ways.most_common():
        print(f"  not exact, {way}: {count}")


if __name__ == "__main__":
    main()
