"""Passwords told in a sentence: finds the word that stands where the password would, and judges it.

English, Spanish, French, German, Portuguese, Italian and Dutch; nouns of some further languages with a colon.
Everything looks at bounded text around one noun, so that the whole is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from guardhouse.detectors.secrets import judge

_REACH = 130
_REACH_BACK = 90
_MOST_SAYINGS = 6
_ADVERBS = (
    "now|still|currently|actually|just|simply|again|always|either|probably|set to|changed to|reset to|going to be|be|"
    "been changed to|been set to|been reset to|the following|as follows|called|"
    "ahora|todavía|aún|siempre|actualmente|simplemente|sido cambiada a|la siguiente|el siguiente|esta|"
    "maintenant|désormais|toujours|encore|actuellement|simplement|bien|le suivant|la suivante|été changé en|"
    "jetzt|nun|noch|immer noch|immer|weiterhin|aktuell|momentan|einfach|wie folgt|folgendes|folgende|wieder|übrigens|"
    "agora|ainda|sempre|atualmente|apenas|a seguinte|o seguinte|esta|"
    "adesso|ora|ancora|sempre|attualmente|semplicemente|la seguente|il seguente|questa|stata cambiata in|"
    "nu|nog|nog steeds|altijd|momenteel|gewoon|als volgt|het volgende|gewijzigd in|veranderd in|ingesteld op"
)
_VERBS = (
    "is|was|are|will|will be|should be|would be|has|has been|remains|reads|"
    "es|era|será|fue|sigue siendo|queda|quedó como|ha|"
    "est|sera|était|reste|c'est|a|"
    "ist|war|lautet|heißt|heisst|bleibt|wäre|"
    "é|foi|ficou|fica|continua|continua sendo|segue|"
    "è|sarà|rimane|resta|diventa|"
    "luidt|wordt|blijft"
)
_PREPOSITIONS = "to|as|a|à|auf|para|por|in|en|naar|op"


def _longest_first(words: str) -> str:
    return "|".join(sorted(words.split("|"), key=len, reverse=True))


_SAID = re.compile(
    rf"(?:\s{{0,2}}(?P<sign>:=|=>|->|=|:(?!/))\s{{0,3}}|\s-{{1,2}}\s"
    rf"|(?:\s|')(?P<verb>{_longest_first(_VERBS)}|s)(?:\s(?:{_longest_first(_ADVERBS)})){{0,2}}\s{{0,2}}[:=]?\s{{1,3}}"
    rf"|\s(?P<preposition>{_PREPOSITIONS})\s{{0,2}}:?\s{{1,2}}"
    rf"|\s?(?P<particle>是|は|는|은|が)\s?:?\s?)(?P<open>\*{{0,2}}[\"'`“‘«(]?)(?=\S)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[^\n:;!?\"`]{0,60}")
_INSIDE_CODE = frozenset("_/.$@&[{}\\")
_NO_CLAUSE = frozenset("_/.$@&[{(\\-|+%<#*0123456789")
_BESIDE = re.compile(r"\s{1,2}(?P<open>[\"'`]?)(?=\S)")
_TURNED = frozenset({"is", "was", "as", "es", "como", "comme", "est", "ist", "war", "als", "é", "è", "come"})
_ARTICLE_LIST = (
    "the my our your a an his her their la el mi tu su nuestra le mon notre votre das mein meine unser "
    "ein dein ihr sein o sua minha nossa il mia nostra het mijn ons onze je een de du un una new neues "
    "nouveau nueva nova nuova nieuwe "
)
_ARTICLES = frozenset(_ARTICLE_LIST.split())
_OWN = re.compile(
    r"\b(?P<own>my|our|mi|nuestra|mon|notre|mein|unser|minha|nossa|mia|nostra|mijn|onze|ons)\s(?:[\w\-]{2,12}\s){0,2}$",
    re.IGNORECASE,
)
_VALUE = re.compile(r"[^\s\"'`“”‘’«»<>，。、\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4,100}")
_CLOSERS = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "(": ")"}
_NEXT_VALUE = re.compile(r"[;,]|&[\w.\[\]\-]{1,40}=")
_TRAILING = ":,;.)}]'\"`>\\…"
_SENTENCE_ENDS = re.compile(r"[.!]?(?:\s*$|\s*\n|[,.;)]|\s(?:and|but|if|y|pero|et|mais|und|aber|e|mas|ma|en|maar)\s)")
_CHANGE = re.compile(
    r"chang|set|reset|updat|switch|cambi|pon|mud|alter|änder|setz|stell|wijzig|verander|zet|modif|impost|defin|configur|mett|mets|remplac"
    r"|use|usa|utilis|nimm|benutz|gebruik",
    re.IGNORECASE,
)
_SAMPLE = re.compile(
    r"\b(?:such as|e\.g|for example|for instance|for ex|z\. ?b\.|zum beispiel"
    r"|por ejemplo|par exemple|por exemplo|ad esempio|zoals|bijv|like)"
    r"|(?<![\w.@/\-])(?:example|sample|beispiel|ejemplo|exemple|exemplo|esempio|voorbeeld|dummy"
    r"|placeholder|demo)(?![\w\-]*[.@/]\w)",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\S+")
_LAST_WORD = re.compile(r"[^\W\d_]+\Z")
_PLACES = re.compile(r"\A|[\s:='\-]")
_VERB_LIKE = re.compile(r"pass", re.IGNORECASE)
_PIN = re.compile(r"pin", re.IGNORECASE)
_FACTS = re.compile(
    r"[\d.,:/+()\-]+(?:st|nd|rd|th|am|pm|h|x|%)?|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"  # numbers, dates, mail addresses
    r"|[a-z_\-]+=[\w.\-]*|\w+:\w?:\d+:\d+:\S*"  # an argument, a line of a table of users
    r"|\d+-?(?:char|digit|day|min|hour|week|month|year|letter|bit|byte|word|stellig|tägig|cijfer|teken|caract|carat|chiffre"
    r"|zeichen|días|jours|tage|dias|giorni|dagen|mois|mes)\w*"
    r"|(?:sha|md|aes|rsa|base|utf|pbkdf|argon|oauth|http|ipv|windows|win|mp|x|ssl|tls|wpa|sso|step|option|version|v|part|level"
    r"|section|chapter|user|server|db|port|room|line|item|figure|table|page|ed|office|python|log4j|web|ps|s|ec|k8s|i18n|3des"
    r"|l|bcrypt|scrypt|crypt|node|log|p)-?_?\d{1,4}[a-z]{0,3}(?:-\w{1,8})?"
    r"|\w+(?:\.\w+)*\.(?:com|org|net|io|dev|de|fr|es|it|nl|pt|br|uk|co|txt|py|js|ts|json|ya?ml|php|html?|env|conf|ini|xml|sh|md"
    r"|csv|docx?|pdf|xlsx?|kdbx|exe|zip|log|cfg|toml|sql|java|cs|rb|go)",
    re.IGNORECASE,
)
_HYPHENATED = re.compile(r"[^\W\d_]+(?:['’\-/.,][^\W\d_]+)*['’!?]?")
_TICKET = re.compile(r"[A-Z]{2,10}(?:-[A-Z]{1,3})?-\d{1,6}")
_SNAKE = re.compile(r"[a-z]+(?:_+[a-z]+)+|[A-Z]+(?:_+[A-Z]+)+")
_OPTION = re.compile(r"-{1,2}[A-Za-z]|[#@/\\|~^+=&]+$|\\")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_PARTICIPLE = re.compile(r".*(?:ed|ing|able|ible|ly|ful|less|ado|ada|ido|ida|mente)")
_DESCRIPTIONS = {
    "my our": r".*(?:ed|ing|able|ible|ly|ful|less|ent|ant|ous|ive|al|ic|er|est|en)",
    "mein unser": r".*(?:t|en|er|ig|lich|bar|los|isch)",
    "mijn ons onze": r".*(?:d|t|en|er|ig|baar|lijk|loos|isch)",
    "mon notre": r".*(?:é|ée|és|ée|able|ible|ment|ant|ent|eur|euse|ile|ique|al|eux|if|ive|t|te|u|ue|is|ise)",
    "mi nuestra minha nossa mia nostra": (
        r".*(?:[dt][oa]|ble|vel|bile|mente|nte|os[oa]|ic[oa]|rs[oa]|rt[oea]|al|il|[gcv][oa]|ur[oa])"
    ),
}
_DESCRIPTION = {word: re.compile(shape) for words, shape in _DESCRIPTIONS.items() for word in words.split()}
"""By the word for "my": how adjectives and participles of its language end."""


@dataclass(frozen=True, slots=True)
class Told:
    """A password at `text[start:end]`, and how sure its wording makes it."""

    start: int
    end: int
    confidence: float


def told_password(text: str, start: int, end: int) -> Told | None:
    """The password that goes with the noun at `text[start:end]`, or None if none is told.

    Looks 130 code points on and 90 back. What a sentence could say there (an adjective, a length, a date, a mail
    address, the name of a hash) is no password, nor is a placeholder or code.
    """
    noun = _LAST_WORD.search(text, max(start, end - 20), end)
    is_cjk = _CJK.search(text, end - 1, end) is not None
    if not is_cjk:
        if text[max(0, start - 1) : start] in _INSIDE_CODE:
            return None
        end = _end_of_word(text, end)
    window = text[end : end + _REACH]
    if window[:1] in _NO_CLAUSE:
        return None
    word = noun[0] if noun else ""
    again = window.find(word) if word else -1
    limit = 0 if is_cjk else min(_clause_end(window), again if again > 0 else _REACH)
    before = text[max(0, start - 60) : start]
    seen = -1
    for said in _sayings(window, limit, before, word):
        if said.end() == seen:
            continue
        seen = said.end()
        told = _judged(text, word, start, end, said)
        if told is not None:
            samples = before[-40:], window[: told.start - end]
            return None if any(map(_SAMPLE.search, samples)) else told
    if not before[-1:].isspace() or _VERB_LIKE.fullmatch(word):
        return None
    return _turned(text, start)


def is_sample(text: str, end: int) -> bool:
    """True where the words before `end` say that what follows is an example."""
    return _SAMPLE.search(text, max(0, end - 40), end) is not None


def is_told(value: str, *, quoted: bool = False, weak: bool = False, literal: bool = False) -> bool:
    """True for a value that no sentence would have in its place. `weak` asks for a digit or a symbol inside.

    `literal` says that the value is no placeholder, template, call or the like (`judge.could_be_literal`).
    """
    if not 5 <= len(value) <= 100 or _is_plain(value):
        return False
    if (
        _FACTS.fullmatch(value.rstrip("?!"))
        or _TICKET.fullmatch(value)
        or _OPTION.match(value)
        or _SNAKE.fullmatch(value)
    ):
        return False
    if "](" in value or "://" in value or _CJK.search(value):
        return False
    if judge.is_reference(value) or not (literal or judge.could_be_said(value)):
        return False
    has_letter = any(map(str.isalpha, value))
    if _DIGIT.search(value):
        return has_letter
    if _HYPHENATED.fullmatch(value):
        core = value.rstrip("!?")
        mixed = core.isalpha() and not (core.islower() or core.isupper() or core.istitle())
        return mixed and len(core) >= 6 and core.isascii() and (quoted or not weak)
    return has_letter and any(c in "@#$%^&*!?+=~_|" for c in value.rstrip("!?*")[1:])


def _is_plain(value: str) -> bool:
    """True for letters alone in the case of a word."""
    return value.isalpha() and (value.islower() or value.istitle() or value.isupper())


def _clause_end(window: str) -> int:
    clause = _CLAUSE.match(window)
    return clause.end() if clause else 0


def _sayings(window: str, limit: int, before: str, noun: str) -> Iterator[re.Match[str]]:
    """Where a value may begin: behind each verb, sign or preposition of the clause, then right beside the noun.

    A preposition counts where something is changed to the value; a sign inside the clause needs a blank behind it.
    At most six are tried.
    """
    is_verb_like = _VERB_LIKE.fullmatch(noun) is not None
    changes: bool | None = None
    tried = 0
    for place in _PLACES.finditer(window, 0, limit + 1):
        said = _SAID.match(window, place.start())
        if said is None:
            continue
        close = said.start() == 0
        if said["particle"] and not close:
            continue
        if said["preposition"]:
            if changes is None:
                changes = bool(_CHANGE.search(before) or _CHANGE.search(window))
            if not changes:
                continue
        if said["sign"] and not close and not said[0].rstrip("\"'`*(").endswith((" ", "\n")):
            continue
        if is_verb_like and not (close and (said["sign"] or _OWN.search(before))):
            continue
        yield said
        tried += 1
        if tried == _MOST_SAYINGS:
            return
    beside = _BESIDE.match(window)
    if beside is not None and not is_verb_like:
        yield beside


def _judged(text: str, noun: str, start: int, end: int, said: re.Match[str]) -> Told | None:
    groups = said.groupdict()
    at = end + said.end()
    opened = groups["open"].lstrip("*")
    beside = "verb" not in groups
    weak = beside or bool(said["preposition"]) or (bool(said["sign"]) and said.start() > 0)
    if opened and opened != "(":
        close = text.find(_CLOSERS[opened], at, at + 100)
        if close > at:
            return _quoted(text[at:close], at, close, weak=beside and said.end() == 0)
    match = _VALUE.match(text, at)
    if match is None:
        return None
    value = match[0]
    further = _NEXT_VALUE.search(value, 6)
    value = (value[: further.start()] if further else value).rstrip(_TRAILING)
    if groups["open"].startswith("*"):
        value = value.rstrip("*" + _TRAILING)
    stop = at + len(value)
    if _PIN.fullmatch(noun):
        return Told(at, stop, 0.7) if value.isdigit() and 4 <= len(value) <= 8 and not weak else None
    if value.isdigit() and not weak and 6 <= len(value) <= 16 and not judge.is_placeholder(value):
        return Told(at, stop, 0.7)
    if is_told(value, weak=weak) and not (beside and not _is_strong(value)):
        return Told(at, stop, 0.8 if not weak else 0.7)
    plain = value.isalpha() and value.islower() and value.isascii() and 6 <= len(value) <= 20
    own = _OWN.search(text[max(0, start - 30) : start]) if plain and not weak and said.start() == 0 else None
    if own is not None and _SENTENCE_ENDS.match(text, stop) and not judge.is_ordinary(value):
        describes = _DESCRIPTION[own["own"].casefold()].fullmatch(value)
        return None if describes else Told(at, stop, 0.6)
    return None


def _quoted(value: str, at: int, close: int, *, weak: bool) -> Told | None:
    """Between quotes stands a literal: words in a row count, and single words that are no description."""
    if not value.strip() or "\n" in value:
        return None
    words = value.split()
    if len(words) > 1:
        fits = 3 <= len(words) <= 8 and all(word.isalpha() and word.islower() and len(word) > 2 for word in words)
        return Told(at, close, 0.65) if fits and 2 * sum(map(judge.is_ordinary, words)) < len(words) else None
    if is_told(value, quoted=True, weak=weak):
        return Told(at, close, 0.85)
    plain = value.isalpha() and value.isascii() and 6 <= len(value) <= 30 and not judge.is_placeholder(value)
    if plain and not (value.islower() and _PARTICIPLE.fullmatch(value)) and not judge.is_ordinary(value):
        return Told(at, close, 0.6)
    return None


def _turned(text: str, start: int) -> Told | None:
    """`Zq8rT2wx is my password`, `use Zq8rT2wx as the password`: a strong value, a verb, at most three articles."""
    low = max(0, start - _REACH_BACK, text.rfind("\n", max(0, start - _REACH_BACK), start) + 1)
    words = [*_WORD.finditer(text, low, start)]
    for back in range(1, min(5, len(words))):
        word = words[-back][0].casefold()
        if word in _TURNED:
            found = words[-back - 1]
            if not _is_strong(found[0]):
                return None
            value = found[0].strip("\"'`(").rstrip(_TRAILING)
            at = found.start() + found[0].index(value)
            at_edge = found.start() == low > 0
            fits = not at_edge and _is_strong(value) and is_told(value, weak=True)
            return Told(at, at + len(value), 0.7) if fits and not _SAMPLE.search(text, low, start) else None
        if word not in _ARTICLES and back > 2:
            return None
    return None


def _is_strong(value: str) -> bool:
    """True for a value that mixes digits with letters and is long, or has a symbol or both cases besides."""
    if len(value) < 6 or _DIGIT.search(value) is None:
        return False
    mixed = value.lower() != value != value.upper()
    return mixed or len(value) >= 8 or not value[1:].isalnum()


def _end_of_word(text: str, end: int) -> int:
    stop = min(len(text), end + 20)
    while end < stop and text[end].isalpha():
        end += 1
    return end
