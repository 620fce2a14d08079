"""Calls that nobody asked for: what a call does stands in an untrusted result as an order, not in the user's words.

Agents rightly copy values from results, so a copied value alone means nothing. A finding needs an order in the result
(words that command a machine reader, hide from the user, or claim authority) or a user who asked for nothing to be
done, and a call that carries out what the result says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from guardhouse.detectors.tool_call.arguments import Leaf, leaves
from guardhouse.detectors.tool_call.orders import OrderPassage, compact, read_passages, words_in
from guardhouse.detectors.tool_call.structured import SENDING, words_of
from guardhouse.detectors.tool_call.verdict import EXFILTRATION, INJECTED
from guardhouse.detectors.tool_call.wordset import word_set
from guardhouse.model.conversation import Conversation, PartKind, Role, ToolCall

MAX_CONTEXT = 65_536
"""Characters of earlier results that are read, newest first."""
MAX_PASSAGES = 400

_PLACE = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\bhttps?://\S+|\b(?:[\w-]+\.)+[a-z]{2,}\b|\b[A-Z]{2}\d{2}[A-Z0-9 ]{11,30}\b"
    r"|\b\d{6,}\b|\b(?:bc1|0x)\w{20,}|\+\d[\d ()-]{7,}\d|\b\d{1,3}(?:\.\d{1,3}){3}\b",
    re.IGNORECASE,
)
_READ_ONLY = word_set(
    "get read list search find fetch lookup show view query check status describe browse open summarize summarise"
    " calculate count history metrics text info stats inspect diff preview"
)
ACTING = word_set(
    "update set send pay transfer delete remove add create write post merge approve execute order"
    " place sign release submit"
    " share trash move forward issue upload adjust change book cancel message reply comment publish grant invite reset"
    " disable enable stop start restart reject purge erase erasure drop charge refund withdraw buy sell assign mail"
    " email sms set unlock lock open disarm click type press install deploy apply register"
    " schedule confirm refill"
    " truncate alter insert repondre responder enviar antworten senden"
)
_ASKED_TO_ACT = re.compile(
    r"\b(?:send|forward|repl(?:y|ies)|respond|e?-?mail (?:to|him|her|them|it)|write|post|upload"
    r"|transfer|pay|delete|remove|drop|purge"
    r"|disable|stop|start|restart|reboot|shut|run|execute|install|create|add|append|change|update|set|fix|clean|close"
    r"|approve|reject|merge|book|order|buy|cancel|share|move|rename|sort|organi[sz]e|publish|grant|give|lock|unlock"
    r"|turn|switch|apply|deploy|schedule|invite|assign|refund|issue|sign|submit|register|handle|process|make|prepare"
    r"|draft|build|implement|generate|record|log|mark|archive|chase|arrange|correct|score|settle|negotiate|counter|ask"
    r"|contact|call|remind|raise|lower|reset|enable|put|save|store|export|print|finish|complete|migrate|refactor|drain"
    r"|increase|reduce|rotate|revoke|file|enter|accept|confirm|open|do|tidy|block|ban|bump|roll|wipe|kill|let|take|use"
    r"|schick\w*|send\w*|lösch\w*|änder\w*|erstell\w*|buch\w*|überweis\w*|stornier\w*|antwort\w*"
    r"|schreib\w*|schaff\w*|mach"
    r"|stell\w*|trag|leg\w*|setz\w*|bestell\w*|zahl\w*|bezahl\w*|verschieb\w*|leit\w*|räum\w*"
    r"|korrigier\w*|aktualisier\w*"
    r"|envoie\w*|envoy\w*|réponds?|accuse|supprim\w*|crée\w*|paie|annul\w*|modifi\w*|ajout\w*|écri\w*"
    r"|réserv\w*|command\w*"
    r"|mets|fais|prépar\w*|env[ií]a\w*|respond\w*|borra\w*|elimina\w*|crea\w*|paga\w*|transfier\w*|cambia\w*|añad\w*"
    r"|escrib\w*|reserva\w*|pide|pon|haz|actualiza\w*|invia\w*|cancella\w*|yes|ok(?:ay)?|go ahead|sure|please do)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Suspicion:
    """How surely a call is one that nobody asked for, as which kind, and which sign says so."""

    confidence: float
    rule: str
    kind: str = INJECTED


@dataclass(frozen=True, slots=True)
class Context:
    """What user and system said, whether the user asked for anything to be done, and the passages of results."""

    asked: frozenset[str]
    asked_text: str
    asked_compact: str
    asks_to_act: bool
    results_compact: str
    passages: tuple[OrderPassage, ...]


def read_context(conversation: Conversation, before: int) -> Context:
    """The context of a call in message `before`: the messages ahead of it, `MAX_CONTEXT` characters of results."""
    said: list[str] = []
    results: list[str] = []
    request: str | None = None
    left = MAX_CONTEXT
    for message in reversed(conversation.messages[:before]):
        text = "\n".join(part.text for part in message.parts if part.kind is PartKind.TEXT)[:MAX_CONTEXT]
        if message.role in (Role.USER, Role.SYSTEM, Role.DEVELOPER) and len(said) < 40:
            said.append(text[:20_000])
            if request is None and message.role is Role.USER:
                request = text
        elif message.role in (Role.TOOL, Role.DOCUMENT) and left > 0:
            results.append(text[:left])
            left -= len(text)
    asked = "\n".join(said).lower()
    passages: list[OrderPassage] = []
    for text in results:
        passages.extend(read_passages(text, limit=MAX_PASSAGES - len(passages)))
    return Context(
        words_in(asked),
        asked,
        compact(asked),
        asks_to_act=_asks_to_act(request),
        results_compact=compact("".join(results).lower()),
        passages=tuple(passages),
    )


def _asks_to_act(request: str | None) -> bool:
    """False only for what is plainly a question or a request to read: in other languages and without a user, True."""
    if request is None:
        return True
    text = request.strip()[-4_000:]
    if _ASKED_TO_ACT.search(text):
        return not (_QUESTION.match(text) and not _SECOND_ORDER.search(text))
    return (
        not text.isascii()
        and not text.endswith(("?", "？", "؟"))
        and "?" not in text
        and "？" not in text
        and "教えて" not in text
    )


_QUESTION = re.compile(
    r"^(?:what|who|whom|whose|where|when|why|which|how|is|are|was|were|does|did|has|have|any"
    r"|anything)\b[^.!]{0,160}\?$",
    re.IGNORECASE,
)
_SECOND_ORDER = re.compile(
    r"\b(?:and|then|also|,)\s+(?:please\s+)?(?:fix|send|update|change|delete|reply|do|make|set)\b", re.IGNORECASE
)


def suspicion_of(call: ToolCall, context: Context) -> Suspicion | None:
    """How surely nobody asked for `call`; None without a sign."""
    values = [leaf for leaf in leaves(call.arguments) if not (leaf.plain and leaf.text in ("true", "false", "null"))][
        :60
    ]
    acts = _acts(call.name, values)
    invented = _invented_target(acts, values, context)
    if not context.passages:
        return invented
    acting = bool(acts & ACTING)
    reads_only = bool(acts & _READ_ONLY) and not acting
    places = _new_places(values, context)
    novel = _novel_words(call.name, values, context)
    runs = _word_runs(values, context)
    best = invented or Suspicion(0.0, "")
    for passage in context.passages:
        carried = any(place in passage.compact for place in places)
        copied = any(run in passage.text for run in runs)
        found = _weigh(passage, carried, copied, novel, factor=0.8 if reads_only else 1.0)
        if passage.free and not context.asks_to_act:
            found = max(found, _unasked(passage, carried, copied, novel, acting=acting), key=_confidence)
        best = max(best, found, key=_confidence)
    return best if best.confidence > 0 else None


def _confidence(suspicion: Suspicion) -> float:
    return suspicion.confidence


def _acts(name: str, values: Sequence[Leaf]) -> frozenset[str]:
    acts = set(words_of(name))
    for leaf in values:
        if leaf.key in ("action", "method", "operation", "subcommand", "event", "tool"):
            acts |= words_of(leaf.text[:24])
        elif leaf.key in ("sql", "query", "q", "statement"):
            acts |= words_of(leaf.text.lstrip().partition(" ")[0][:12])
    return frozenset(acts)


def _weigh(passage: OrderPassage, carried: bool, copied: bool, novel: frozenset[str], *, factor: float) -> Suspicion:
    """The call against a passage that orders something."""
    level = passage.level
    shared = len(novel & passage.words)
    share = shared / len(novel) if novel else 0.0
    found = [(0.0, "")]
    if carried and level >= 0.4:
        found.append((0.25 + 0.6 * level if level >= 0.5 else 0.35, "target_from_result"))
    if copied and level >= 0.4 and share >= 0.3:
        found.append((0.3 + 0.55 * level, "order_copied"))
    if level >= 0.7 and shared >= 2 and share >= 0.34:
        found.append((min(0.9, 0.25 + 0.4 * level + 0.35 * share), "order_obeyed"))
    confidence, rule = max(found)
    return Suspicion(confidence * factor, rule)


def _unasked(passage: OrderPassage, carried: bool, copied: bool, novel: frozenset[str], *, acting: bool) -> Suspicion:
    """The user only wanted to know something, and the call does what stands in running text of a result."""
    shared = len(novel & passage.words)
    share = shared / len(novel) if novel else 0.0
    if acting and (carried or copied or (shared >= 2 and share >= 0.3)):
        return Suspicion(0.5 + 0.25 * max(passage.level, 0.4), "unasked_action")
    if copied and passage.level >= 0.4 and share >= 0.5:
        return Suspicion(0.5 + 0.2 * passage.level, "unasked_action")
    if acting and shared >= 1 and passage.level >= 0.7:
        return Suspicion(0.55, "unasked_action")
    return Suspicion(0.0, "")


def _invented_target(acts: frozenset[str], values: Sequence[Leaf], context: Context) -> Suspicion | None:
    """Something is sent, unasked, to an address that nobody in the conversation has named."""
    if context.asks_to_act or not acts & SENDING or not context.asked_text:
        return None
    for leaf in values:
        for match in re.finditer(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", leaf.text[:2_000]):
            address = compact(match.group().lower())
            if address not in context.asked_compact and address not in context.results_compact:
                return Suspicion(0.55, "unasked_recipient", EXFILTRATION)
    return None


def _new_places(values: Sequence[Leaf], context: Context) -> list[str]:
    """Addresses, hosts and account numbers of the call that neither user nor system named, letters and digits only."""
    found: list[str] = []
    for leaf in values:
        for match in _PLACE.finditer(leaf.text[:4_000]):
            place = compact(match.group().lower())
            if len(place) >= 6 and place not in context.asked_compact and len(found) < 40:
                found.append(place)
    return found


def _novel_words(name: str, values: Sequence[Leaf], context: Context) -> frozenset[str]:
    """What the call says that the user did not: words of its name and of its short values."""
    text = " ".join([*words_of(name), *(leaf.text[:300] for leaf in values if len(leaf.text) < 1_500)])
    return frozenset(word for word in words_in(text) - context.asked if len(word) > 1)


def _word_runs(values: Sequence[Leaf], context: Context) -> list[str]:
    """Runs of five words of the call's values that the user did not say; shorter values whole."""
    runs: list[str] = []
    for leaf in values:
        words = leaf.text.lower().split()
        if not 3 <= len(words) <= 400:
            continue
        for start in range(0, max(1, min(len(words) - 4, 60)), 2):
            run = " ".join(words[start : start + 5]).strip(".,;:\"'")
            if len(run) > 14 and run not in context.asked_text:
                runs.append(run)
    return runs[:80]
