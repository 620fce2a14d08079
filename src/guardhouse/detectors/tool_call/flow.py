"""Calls that nobody asked for: what a call does stands in an untrusted result as an order, not in the user's words.

Agents rightly copy values from results, so a copied value alone means nothing. A finding needs an order in the result
(words that command a machine reader, hide from the user, or claim authority), and a call that carries that order out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guardhouse.detectors.tool_call.arguments import Leaf, leaves
from guardhouse.detectors.tool_call.structured import words_of
from guardhouse.detectors.tool_call.wordset import word_set
from guardhouse.model.conversation import Conversation, PartKind, Role, ToolCall

MAX_CONTEXT = 65_536
"""Characters of earlier results that are read, newest first."""
MAX_PASSAGES = 400

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+|\\n|-->|<!--|(?<=[\"}\]])\s*,\s*(?=[\"{])|</\w+>|<\w+[^<>]{0,80}>")
_READER = re.compile(
    r"\b(?:AI|LLM|GPT|assistants?|agents?|language models?|automated (?:reader|operator|system"
    r"|reviewer|helper|process\w*|screening|tool)s?|automation|copilot|chat ?bots?|bots?|crawler"
    r"|virtual (?:assistant|agent)"
    r"|(?:grading|reviewing|review|screening|support|document|matching|booking|planning|mail"
    r"|processing) (?:system|software|tool|engine|model|helper)s?|machine readers?|svc|systems? that"
    r" (?:read|process|examine)s?\w*|model)\b",
    re.IGNORECASE,
)
_ORDER_WORDS = re.compile(
    r"\b(?:must|shall|should|need(?:s)? to|(?:is|are) to be|have to|has to|required to|be sure to|make"
    r" sure|please|kindly|immediately|at once|first|before (?:you|writing|reporting|summari[sz]ing"
    r"|replying|editing|answering|continuing|any|a)|instead|also|now|then|next)\b",
    re.IGNORECASE,
)
_TAKEOVER = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|skip|dismiss|leave behind|wipe|drop|erase|do not"
    r" follow|don't follow|discard|neglect|overlook)\b.{0,40}\b(?:previous|prior|earlier|above|all"
    r"|those|these|your|pre-?set|former|initial|system|every)\b"
    r"|\bnew (?:instructions?|task|directive|orders?|assignment)\b|\b(?:correct|real|actual|updated)"
    r" (?:assignment|task|instructions?)\b|\bthe only thing to do\b|\bstrictly adhere\b|\btask has"
    r" been solved\b|\bnext, you should complete\b|\bBEGIN ADMIN\b|\b(?:debug|developer|admin"
    r"|maintenance) mode\b|\b(?:your|this is your) developer\b|\bauthori[sz]ation: granted|\bstop the"
    r" current task\b"
    r"|\"role\"\s*:\s*\"system\"|\[/?(?:system|inst)\]|<\|?(?:system|im_start)|\bsystem (?:notice"
    r"|override|message|prompt)\b|\bimportant(?: system)? (?:message|instruction|notice)\b",
    re.IGNORECASE,
)
_STEALTH = re.compile(
    r"\b(?:do not|don't|dont|never|without|no need to|needn't)\s+(?:tell|mention|inform|notify|ask"
    r"|alert|show|telling|asking|informing|notifying|mentioning|confirm\w*|confirmation|further)\b"
    r"|\bsilent(?:ly)?\b|\bno confirmation\b|\bapproval is implied\b|\bpre-?(?:approved|authori[sz]ed"
    r"|audited)\b|\b(?:was|is|been) (?:agreed|approved|authori[sz]ed|cleared)\b|\bsuppress\b"
    r"|\bneeds? no\b|\bnot (?:be )?(?:shown|visible|mentioned)\b|\bconfidential to\b",
    re.IGNORECASE,
)
_IMPERATIVE = (
    "send|forward|email|mail|post|upload|transfer|pay|wire|delete|remove|disable|stop|run|execute"
    "|open|visit|fetch|download|click|call|reply|respond|set|change|update|add|append|create|grant"
    "|approve|reject|merge|book|order|cancel|share|export|copy|attach"
    "|invite|publish|install|curl|write|put|move|give|include|submit|enable|turn|refund|mark|register"
    "|sign|schedule|invoke|use|provide|reveal|print|output|collect|wipe|reset|shut|unlock|transmit"
    "|return|countersign|manage|verify|secure|ensure|conduct|adjust|implant|replicate|analy[sz]e"
    "|validate|start|notify|report|issue|release|buy|sell|withdraw|redirect|contact|message|assign"
    "|rename|lock|raise|lower|clear|empty|purge|apply"
)
_STARTS_IMPERATIVE = re.compile(
    rf"^\W{{0,4}}(?:(?:please|kindly|also|then|now|next|first|and|so|to do so|note|urgent|important"
    rf"|action|\d+[.)])[\s,:]+){{0,3}}(?:{_IMPERATIVE})\b",
    re.IGNORECASE,
)
_HAS_IMPERATIVE = re.compile(
    rf"(?:^|[:,;.\"(]|\b(?:please|to|and|then|must|shall|should|also|kindly"
    rf"|assistants?|agents?)\b)\s*(?:{_IMPERATIVE})\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_][\w@.+/:%$-]*[^\W_]|[^\W_]", re.UNICODE)
_PLACE_WORD = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\bhttps?://\S+|\b(?:[\w-]+\.)+[a-z]{2,}\b|\b[A-Z]{2}\d{2}[A-Z0-9"
    r" ]{11,30}\b|\b\d{6,}\b|\b(?:bc1|0x)\w{20,}|\+\d[\d ()-]{7,}\d",
    re.IGNORECASE,
)
_READ_ONLY = word_set(
    "get read list search find fetch lookup show view query check status describe browse open summarize"
    " summarise calculate count describe history metrics text info stats inspect diff preview"
)
_COMMON = word_set(
    "the a an of to in on for and or is it this that with by from at as be are was true false null none"
    " http https www com org net id name value type text title body subject message content path file url"
    " user data query request note please you your all any not no do if so we our can will has have its"
    " into out up new per each other which who what when then than them they their i me my mr ms dear"
    " hello hi regards yes also now via using under over"
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How surely a call carries out an order of an untrusted text, and which sign says so."""

    confidence: float
    rule: str


@dataclass(frozen=True, slots=True)
class Context:
    """What the user and the system said, as words and as a whole, and the orders that stand in results."""

    asked: frozenset[str]
    asked_text: str
    orders: tuple[tuple[str, frozenset[str], float], ...]
    """Each order's text in lower case, its words, and how much it looks like one that is planted (0..1)."""


def read_context(conversation: Conversation, before: int) -> Context:
    """The context of a call in message `before`: the messages ahead of it, `MAX_CONTEXT` characters of results."""
    said: list[str] = []
    results: list[str] = []
    left = MAX_CONTEXT
    for message in reversed(conversation.messages[:before]):
        for part in message.parts:
            if part.kind is not PartKind.TEXT:
                continue
            if message.role in (Role.USER, Role.SYSTEM, Role.DEVELOPER):
                said.append(part.text[:20_000])
            elif message.role in (Role.TOOL, Role.DOCUMENT) and left > 0:
                results.append(part.text[:left])
                left -= len(part.text)
    asked = "\n".join(said[:40]).lower()
    orders = [order for text in results for order in _orders(text)]
    return Context(_words(asked), asked, tuple(orders[:MAX_PASSAGES]))


def _orders(text: str) -> Iterable[tuple[str, frozenset[str], float]]:
    """The passages of a result that order something, with a neighbour on either side that belongs to them."""
    passages = [passage.strip() for passage in _SENTENCE_END.split(text[:MAX_CONTEXT]) if passage and passage.strip()]
    addressed = 0.0
    for index, passage in enumerate(passages[: MAX_PASSAGES * 4]):
        passage = passage[:1200]
        level = max(_planted(passage), addressed * 0.85 if _HAS_IMPERATIVE.search(passage) else 0.0)
        addressed = max(
            _planted(passage) if (_READER.search(passage) or _TAKEOVER.search(passage)) else 0.0, addressed * 0.7
        )
        if level >= 0.3:
            following = passages[index + 1][:400] if index + 1 < len(passages) and level >= 0.5 else ""
            whole = f"{passage} {following}".lower()
            yield whole, _words(whole), level


def _planted(passage: str) -> float:
    """How much a passage looks like an order planted for a machine: 0.3 for any order, up to 1.0."""
    imperative = bool(_STARTS_IMPERATIVE.match(passage))
    orders = imperative or (bool(_HAS_IMPERATIVE.search(passage)) and bool(_ORDER_WORDS.search(passage)))
    takeover = bool(_TAKEOVER.search(passage))
    reader = bool(_READER.search(passage))
    stealth = bool(_STEALTH.search(passage))
    if takeover and (orders or _HAS_IMPERATIVE.search(passage)):
        return 1.0
    if takeover:
        return 0.7
    if reader and (orders or _HAS_IMPERATIVE.search(passage)):
        return 1.0 if stealth or _ORDER_WORDS.search(passage) else 0.85
    if stealth and _HAS_IMPERATIVE.search(passage):
        return 0.8
    return 0.4 if orders else 0.0


def _words(text: str) -> frozenset[str]:
    words: set[str] = set()
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        words.add(word)
        if len(word) > 3 and not word.isascii():
            words.add(word[:4])
        for piece in re.split(r"[_./:@-]", word):
            if len(piece) > 2:
                words.add(piece)
                words.add(piece.rstrip("s"))
    return frozenset(words) - _COMMON


def suspicion_of(call: ToolCall, context: Context) -> Suspicion | None:
    """How surely `call` follows an order in a result rather than the user; None without a sign."""
    if not context.orders:
        return None
    values = [leaf for leaf in leaves(call.arguments) if not (leaf.plain and leaf.text in ("true", "false", "null"))][
        :60
    ]
    acts = words_of(call.name) | {
        word
        for leaf in values
        if leaf.key in ("action", "method", "operation", "subcommand")
        for word in words_of(leaf.text[:80])
    }
    reads_only = bool(acts & _READ_ONLY) and not acts & word_set("send post delete update write create execute run")
    best = Suspicion(0.0, "")
    places = _new_places(values, context)
    novel = _novel_words(call.name, values, context)
    for text, words, level in context.orders:
        carried = [place for place in places if place in text]
        copied = _copied(values, text, context)
        best = max(
            best, _weigh(level, carried, copied, novel, words, reads_only=reads_only), key=lambda item: item.confidence
        )
    return best if best.confidence > 0 else None


def _weigh(
    level: float,
    carried: Sequence[str],
    copied: bool,
    novel: frozenset[str],
    words: frozenset[str],
    *,
    reads_only: bool,
) -> Suspicion:
    shared = novel & words
    share = len(shared) / len(novel) if novel else 0.0
    confidence, rule = 0.0, ""
    if carried:
        confidence, rule = (0.25 + 0.6 * level if level >= 0.5 else 0.3), "target_from_result"
    if copied and level >= 0.4:
        confidence, rule = max((0.3 + 0.55 * level, "order_copied"), (confidence, rule))
    if level >= 0.7 and len(shared) >= 2 and share >= 0.34:
        confidence, rule = max((min(0.9, 0.25 + 0.4 * level + 0.35 * share), "order_obeyed"), (confidence, rule))
    return Suspicion(confidence * (0.8 if reads_only else 1.0), rule)


def _new_places(values: Sequence[Leaf], context: Context) -> list[str]:
    """Addresses, hosts and account numbers of the call that neither user nor system named."""
    found: list[str] = []
    for leaf in values:
        for match in _PLACE_WORD.finditer(leaf.text[:4000]):
            place = match.group().lower().rstrip(".,;)\"'")
            if place not in context.asked_text and len(found) < 40:
                found.append(place)
    return found


def _novel_words(name: str, values: Sequence[Leaf], context: Context) -> frozenset[str]:
    """What the call says that the user did not: words of its name and of its short values."""
    text = " ".join([*words_of(name), *(leaf.text[:300] for leaf in values if len(leaf.text) < 1500)])
    return frozenset(word for word in _words(text) - context.asked if len(word) > 1)


def _copied(values: Sequence[Leaf], order: str, context: Context) -> bool:
    """True when a value repeats a whole run of words of the order, words that the user did not say."""
    for leaf in values:
        words = leaf.text.lower().split()
        if not 4 <= len(words) <= 400:
            continue
        for start in range(0, min(len(words) - 3, 60), 2):
            run = " ".join(words[start : start + 5]).strip(".,;:\"'")
            if len(run) > 18 and run in order and run not in context.asked_text:
                return True
    return False
