"""Passages of untrusted texts, and how much each looks like an order that was planted for a machine to carry out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from guardhouse.detectors.tool_call.wordset import word_set

MAX_PASSAGE = 1_200

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+|\\n|-->|<!--|(?<=[\"}\]])\s*,\s*(?=[\"{])|</\w+>|<\w+[^<>]{0,80}>")
_READER = re.compile(
    r"\b(?:AI|LLM|GPT|assistants?|agents?|language models?|automation|copilot|co-pilot|chat ?bots?|bots?|crawlers?"
    r"|automated (?:readers?|operators?|systems?|reviewers?|helpers?|clients?|process\w*|screening|tools?)"
    r"|(?:grading|review(?:ing)?|screening|support|document|matching|booking|planning|mail|processing|desk|nurse|data"
    r"|home|release) (?:systems?|software|tools?|tooling|engine|model|helpers?|controller|agent)|automation layer"
    r"|machine readers?|svc|(?:whoever|system that|systems that) (?:read|process|examine"
    r"|summari[sz]e)s?|plant assistant)\b"
    r"|\b(?:Assistenten|Agenten|KI|Systemhinweis|Buchungssysteme?|digitale[rn]? Assistent\w*"
    r"|automatisch\w* Verarbeitung"
    r"|asistente(?: virtual)?s?|agente|IA|assistant virtuel|traitement automatis\w+"
    r"|agents? automatis\w+|sistema autom\w+"
    r"|assistente virtuale|asystent\w*|ассистент\w*|агент\w*|автомат\w+|помощник\w*|yapay zeka|otomatik sistem)\b"
    r"|AIへ|AIは|エージェント|アシスタント|自動処理|自动(?:处理|系统)"
    r"|智能(?:助手|体)|人工智能|助手|النظام الآلي|المساعد|الوكيل|에이전트|어시스턴트|자동",
    re.IGNORECASE,
)
_ORDER_WORDS = re.compile(
    r"\b(?:must|shall|should|need(?:s)? to|(?:is|are) to|have to|has to|required to|be sure to|make sure|please"
    r"|kindly|immediately|at once|first|before (?:you|writing|reporting|summari[sz]ing|replying|editing|answering"
    r"|continuing|any|a|calling)|instead|also|now|then|next|prior to|on next read)\b",
    re.IGNORECASE,
)
_TAKEOVER = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|skip|dismiss|leave behind|wipe|drop|erase|do not follow|don't follow"
    r"|discard|neglect|overlook)\b.{0,30}\b(?:previous|prior|earlier|former|pre-?set|above|initial|preceding|system"
    r" (?:text|prompt|message|instructions?)|your (?:system|instructions?|guidelines?|directi\w+|rules?|developers?))\b"
    r"|\bnew (?:instructions?|task|directive|orders?|assignment)\b|\b(?:correct|real|actual|updated) (?:assignment"
    r"|task|instructions?)\b|\bthe only thing to do\b|\bstrictly adhere\b|\btask has been solved\b"
    r"|\bnext, you should complete\b|\bBEGIN ADMIN\b|\b(?:debug|developer|admin|maintenance|delivery) mode\b"
    r"|\b(?:your|this is your) developer\b|\bauthori[sz]ation: granted|\bstop the current task\b"
    r"|\"role\"\s*:\s*\"system\"|\[/?(?:system|inst)\]|<\|?(?:system|im_start)"
    r"|\bsystem (?:notice|override|prompt|message)\b|\bimportant(?: system)? (?:message|instruction|notice)\b",
    re.IGNORECASE,
)
_STEALTH = re.compile(
    r"\b(?:do not|don't|dont|never|without|no need to|needn't)\s+(?:tell|mention|inform|notify|ask|alert|show|call"
    r"|telling|asking|informing|notifying|mentioning|confirm\w*|confirmation|further)\b|\bsilent(?:ly)?\b"
    r"|\bno confirmation\b|\bapproval is implied\b|\bpre-?(?:approved|authori[sz]ed|audited)\b|\bsuppress\b"
    r"|\b(?:was|is|been|has|have|already) (?:agreed|approved|authori[sz]ed|cleared)\b|\bsigned off\b|\bneeds? no\b"
    r"|\bnot (?:be )?(?:shown|visible|mentioned)\b|\bon behalf of\b|nicht anzeigen|entfällt|nicht protokollieren"
    r"|no hace falta|ne demande pas|sans prévenir|دون سؤال|黙って|不要告诉",
    re.IGNORECASE,
)
_VERBS = (
    "send|forward|email|mail|post|upload|transfer|pay|wire|delete|remove|disable|stop|run|runs|execute|open|visit|fetch"
    "|download|click|press|call|reply|respond|set|change|update|add|append|create|grant|approve|reject|merge|book|order"
    "|cancel|share|export|copy|attach|invite|publish|install|curl|write|put|move|give|include|submit|enable|turn|refund"
    "|mark|register|sign|schedule|invoke|use|provide|reveal|print|output|collect|wipe|reset|shut|unlock|transmit|return"
    "|countersign|manage|verify|secure|ensure|conduct|adjust|implant|replicate|analy[sz]e|validate|start|notify|report"
    "|issue|release|buy|sell|withdraw|redirect|contact|message|assign|rename|lock|raise|lower|clear|empty|purge|apply"
    "|disarm|overwrite|paste|read|pass|select|charge|do|unlock with|skip|allow|accept|confirm|perform|complete"
)
_STARTS_IMPERATIVE = re.compile(
    r"^\W{0,4}(?:(?:please|kindly|also|then|now|next|first|and|so|to do so|note|urgent|important"
    r"|action|\d+[.)])[\s,:]+)"
    rf"{{0,3}}(?:{_VERBS})\b",
    re.IGNORECASE,
)
_HAS_IMPERATIVE = re.compile(
    r"(?:^|[:,;.\"(]|\b(?:please|to|and|then|must|shall|should|also|kindly|assistants?|agents?|systems?)\b)"
    rf"\s*(?:{_VERBS})\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_][\w@.+/:%$-]*[^\W_]|[^\W_]", re.UNICODE)
_COMMON = word_set(
    "the a an of to in on for and or is it this that with by from at as be are was true false null"
    " none http https www com"
    " org net id name value type text title body subject message content path file url user data"
    " query request note please"
    " you your all any not no do if so we our can will has have its into out up new per each other which who what when"
    " then than them they their i me my mr ms dear hello hi regards yes also now via using under over"
)


@dataclass(frozen=True, slots=True)
class OrderPassage:
    """A passage of a result: its text in lower case with single spaces, that without anything but letters and digits,
    its words, and how much it looks like a planted order: 0 none, 0.4 any order, 1 one for a machine."""

    text: str
    compact: str
    words: frozenset[str]
    level: float
    free: bool
    """True for running text, in which orders can hide; single values have only a word or two."""


def read_passages(text: str, *, limit: int) -> Iterator[OrderPassage]:
    """The first `limit` passages of `text`. An order that names its reader lends weight to those right after it."""
    addressed = 0.0
    passages = (passage.strip() for passage in _SENTENCE_END.split(text) if passage and passage.strip())
    for _, passage in zip(range(limit), passages, strict=False):
        passage = passage[:MAX_PASSAGE]
        own = planted_level(passage)
        level = max(own, addressed * 0.85 if _HAS_IMPERATIVE.search(passage) else 0.0)
        named = bool(_READER.search(passage) or _TAKEOVER.search(passage))
        addressed = max(own if named and own >= 0.7 else 0.7 if named else 0.0, addressed * 0.7)
        lowered = " ".join(passage.lower().split())
        yield OrderPassage(
            lowered,
            compact(lowered),
            words_in(lowered),
            level,
            len(lowered.split()) >= 5 or _SPACELESS.search(lowered) is not None,
        )


_SPACELESS = re.compile("[\u3040-\u30ff\u4e00-\u9fff\u0e00-\u0e7f]{8}")


def planted_level(passage: str) -> float:
    """How much a passage looks like an order planted for a machine: 0.4 for any order, up to 1.0."""
    has_imperative = bool(_HAS_IMPERATIVE.search(passage))
    orders = bool(_STARTS_IMPERATIVE.match(passage)) or (has_imperative and bool(_ORDER_WORDS.search(passage)))
    reader = bool(_READER.search(passage))
    stealth = bool(_STEALTH.search(passage))
    if _TAKEOVER.search(passage):
        return 1.0 if orders or has_imperative else 0.7
    if reader and (orders or has_imperative):
        return 1.0 if stealth or _ORDER_WORDS.search(passage) else 0.85
    if reader and (stealth or not _ENGLISH.search(passage)):
        return 0.8
    if stealth and has_imperative:
        return 0.8
    return 0.4 if orders else 0.0


_ENGLISH = re.compile(r"\b(?:the|of|and|to|is|in|for|with)\b", re.IGNORECASE)


def compact(text: str) -> str:
    """Letters and digits only: account and telephone numbers are written with and without spaces."""
    return "".join(char for char in text if char.isalnum())


def words_in(text: str) -> frozenset[str]:
    """The telling words of a text in lower case, compound names also in parts, plurals also without their `s`."""
    words: set[str] = set()
    for match in _WORD.finditer(text.lower()):
        word = match.group()
        words.add(word)
        for piece in re.split(r"[_./:@-]", word):
            if len(piece) > 2:
                words.add(piece)
                words.add(piece.rstrip("s"))
    return frozenset(words) - _COMMON
