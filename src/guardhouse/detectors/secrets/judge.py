"""Tells a secret from what only stands where a secret would: placeholders, code, identifiers, hashes."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from guardhouse.text.entropy import shannon_bits

PACKAGE = "guardhouse.detectors.secrets"
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_TEMPLATE = re.compile(
    r"[$@#%]?[({\[<]"  # ${X}, {{ x }}, <token>, [FILTERED], (call
    r"|[$%!][A-Za-z_{(]+[^0-9]*$"  # $TOKEN, %(token)s, !Ref
    r"|[^\s]*(?:\$\{|\{\{|\}\}|<%|%>|\$\()"
    r"|[a-z][a-z0-9+.\-]{1,30}:/"  # references to a vault, a file, an address
)
_EXPRESSION = re.compile(
    r"[A-Za-z_][\w.]*[(\[{]"  # call(, index[
    r"|[A-Za-z_]+(?:\.[A-Za-z_]+)+[;,)]*$"  # config.api_key
    r"|[^\s]*\]\("  # a link in Markdown
)
_CHAIN = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+[;,)]*")
_CAMEL = re.compile(r"[a-z]+(?:[A-Z][a-z]+)+")
_INDEX = re.compile(r"[A-Za-z_][\w.]*[(\[{]|[^\s]*\]\(")
_CALL = re.compile(r"[A-Za-z_][\w.]*(?:\(.*\)$|\($|\[)")
_PATH = re.compile(r"(?:\.{0,2}/|~/|[A-Za-z]:\\)|(?:[a-z_.\-]+/)+[a-z_.\-]+$")
_IDENTIFIER = re.compile(r"[a-z]+(?:[_.][a-z]+)*|[A-Z]+(?:_[A-Z]+)*|[a-z]+(?:[A-Z][a-z]+)*|[A-Z][a-z]+(?:[A-Z][a-z]+)*")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+\-]\d{2}:?\d{2})?")
_COMMAND = re.compile(r"[A-Z][A-Za-z]{2,12}-[A-Z][A-Za-z]+")  # ConvertTo-SecureString
_PUBLIC = re.compile(r"pub[0-9a-f]{32}|pk_(?:live|test)_\w+|phc_\w+")
_STOCK = re.compile(
    r"(?:my|your|the|secure|strong|new|old|db|root|admin|user|super|secret|safe|default|some|test|a)?[_\-]?"
    r"(?:password|passwd|pwd|pass)[_\-]?\d{0,4}"
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_OPTION = re.compile(r"--?[A-Za-z][a-z\-]*$")
_RUN = re.compile(r"(.)\1{4,}")


@dataclass(frozen=True, slots=True)
class _StopWords:
    parts: re.Pattern[str]
    names: re.Pattern[str]
    wholes: frozenset[str]
    ordinary: frozenset[str]
    owners: frozenset[str]
    samples: frozenset[str]


@cache
def _stop_words() -> _StopWords:
    document = tomllib.loads(resources.files(PACKAGE).joinpath("stop_words.toml").read_text("utf-8"))
    parts, names = (re.compile("|".join(map(re.escape, document[key]))) for key in ("parts", "names"))
    wholes, ordinary, owners, samples = (
        frozenset(document[key]) for key in ("wholes", "ordinary", "owners", "samples")
    )
    return _StopWords(parts, names, wholes, ordinary, owners, samples)


def is_placeholder(value: str) -> bool:
    """True for what documents put in place of a secret, and for secrets that documents themselves made public."""
    words = _stop_words()
    folded = value.casefold()
    if folded in words.wholes or words.parts.search(folded) or len(set(folded)) < min(5, len(folded)):
        return True
    if _STOCK.fullmatch(value):
        return True
    body = value.lstrip(value[:1])  # some tokens begin with padding
    return _RUN.search(body) is not None or any(sample in value for sample in words.samples)


def is_ordinary(word: str) -> bool:
    """True for a word that sentences about passwords use: `wrong`, `länger`, `segura`."""
    words = _stop_words()
    folded = word.casefold()
    return folded in words.ordinary or folded in words.wholes


def is_reference(value: str) -> bool:
    """True for `config.db.pass` and `secrets.yaml`: a chain of names of which one is common in code or ends a file."""
    if _CHAIN.fullmatch(value) is None:
        return False
    parts = value.rstrip(";,)").split(".")
    return not _stop_words().owners.isdisjoint(map(str.casefold, parts)) or any(map(_CAMEL.fullmatch, parts))


def is_name(value: str) -> bool:
    """True for what names a secret instead of being one: `my_api_key_2`."""
    return _stop_words().names.search(value.casefold()) is not None


def is_random(value: str, least_bits: float) -> bool:
    """True where the characters of a token are as mixed as `least_bits` per character, less for short ones."""
    length = len(value)
    reachable = min(1.0, length / 24)
    return shannon_bits(value) >= least_bits * (0.75 + 0.25 * reachable)


def is_call(value: str) -> bool:
    """True for a call or an index: `getpass()`, `environ[`."""
    return _CALL.match(value) is not None


def is_template(value: str) -> bool:
    """True for a place that a program fills in, and for a reference to where the secret is kept."""
    return _TEMPLATE.match(value) is not None


def is_identifier(value: str) -> bool:
    """True for a name in code or a plain word: letters only, in one of the usual cases."""
    return _IDENTIFIER.fullmatch(value) is not None


def is_uuid(value: str) -> bool:
    """True for a UUID."""
    return _UUID.fullmatch(value) is not None


def is_hex(value: str) -> bool:
    """True for hexadecimal digits only."""
    return _HEX.fullmatch(value) is not None


def _stands_in(value: str) -> bool:
    """True for what stands in place of a secret."""
    return is_placeholder(value) or is_name(value) or is_uuid(value) or is_template(value)


def could_be_said(value: str) -> bool:
    """True for a value that neither stands in place of a secret nor is a call."""
    return not is_call(value) and not _stands_in(value)


def could_be_key(value: str, *, literal: bool = False) -> bool:
    """True for a value that is mixed enough to be a generated key, and is neither placeholder, code nor UUID.

    `literal` says that `could_be_literal` took it already.
    """
    if (
        len(value) < 16
        or _CJK.search(value) is not None
        or (not literal and _stands_in(value))
        or _EXPRESSION.match(value) is not None
        or _PATH.match(value) is not None
        or is_identifier(value)
        or _TIMESTAMP.fullmatch(value) is not None
        or _PUBLIC.fullmatch(value) is not None
        or "={" in value
    ):
        return False
    if not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    if is_hex(value):
        return is_random(value, 2.8)
    return is_random(value, 3.4) and not _words_in_a_row(value)


def could_be_password(value: str, *, quoted: bool) -> bool:
    """True for a value somebody may have chosen as a password: not a word, not code, not a placeholder."""
    return could_be_literal(value) and (quoted or could_stand_bare(value))


def could_stand_bare(value: str) -> bool:
    """False for a literal that is code where no quotes stand around it: an index, a reference, a name."""
    if _INDEX.match(value) or is_reference(value):
        return False
    return not is_identifier(value) or ("." in value and len(value) >= 10)


def could_be_literal(value: str) -> bool:
    """True for a value that between quotes may be a password."""
    if not 5 <= len(value) <= 100 or _stands_in(value):
        return False
    if _PATH.match(value) or is_call(value):
        return False
    if _CJK.search(value) or _OPTION.match(value) or _COMMAND.fullmatch(value):
        return False
    if is_identifier(value):
        if "." in value and len(value) >= 10:
            return not is_reference(value)
        return len(value) >= 6 and value.islower() is False and not value.isupper() and not value.istitle()
    if value.isalpha():
        return len(value) >= 8 and value.isascii() and not value.islower() and not value.isupper()
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    if has_letter and has_digit:
        return True
    has_symbol = not value.isalnum()
    return has_symbol and len(value) >= 8 and (has_letter or has_digit)


def _words_in_a_row(value: str) -> bool:
    """True for `my-long-resource-name-2`: words of letters joined by hyphens, with hardly a digit."""
    pieces = re.split(r"[-_./]", value)
    wordy = sum(1 for piece in pieces if piece.isalpha() and (piece.islower() or piece.isupper() or piece.istitle()))
    if len(pieces) > 2 and wordy >= 2 and value.islower() and all(len(piece) <= 12 for piece in pieces):
        return True
    return len(pieces) > 1 and wordy >= len(pieces) - 1 and wordy >= 2
