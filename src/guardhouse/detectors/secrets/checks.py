"""Checks by name: is what matched a secret, where does it begin and end, and of which kind is it?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from guardhouse.detectors.secrets import judge, jwt, told
from guardhouse.matching.pattern import Hit
from guardhouse.text.checksum import token_crc_valid


@dataclass(frozen=True, slots=True)
class Reading:
    """A secret at `view.text[start:end]`. `kind` and `confidence` replace the pattern's own where given."""

    start: int
    end: int
    kind: str = ""
    confidence: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[Hit], Reading | None]
"""Says what a hit is, or None if it is no secret. Looks at bounded text around it and raises nothing."""

_PEM_REACH = 20_000
_PEM_LABEL = re.compile(r"BEGIN ([A-Z0-9 ]*?) ?PRIVATE KEY")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_LINES = re.compile(
    r"(?:(?:\\r|\\n|\s){1,4}"
    r"(?:[A-Za-z][A-Za-z0-9\-]{1,20}: [^\n]{1,100}|[A-Za-z0-9+/]{16,128}={0,2}|[A-Za-z0-9+/]{1,15}={1,2}))*"
)
_PEM_BODY = re.compile(r"[A-Za-z0-9+/]{24,}")
_PEM_KINDS = {
    "RSA": "RSA_PRIVATE_KEY",
    "DSA": "SSH_DSA_PRIVATE_KEY",
    "EC": "SSH_EC_PRIVATE_KEY",
    "OPENSSH": "OPENSSH_PRIVATE_KEY",
    "PGP": "PGP_PRIVATE_KEY_BLOCK",
    "ENCRYPTED": "ENCRYPTED_PRIVATE_KEY",
}
_SEPARATOR = re.compile(
    r"[\"'\]]{0,2}(?P<sep>\s*(?::=|=>|=|:)\s*|\s+(?:is|was|to)\s+|,\s*|\s+value=|\s+)"
    r"(?:(?:bearer|basic|token)[\s=])?(?P<quote>[\"'`*]{0,2})\Z",
    re.IGNORECASE,
)
_SEPARATOR_REACH = 32
_NAME_REACH = 80
_PASSWORD_NAME = re.compile(
    r"pass(?!enger|ive|port|age|ing|ed\b)|pwd|contraseña|clave|mot de passe|kennwort|senha|wachtwoord|hasło"
    r"|пароль|密码|パスワード|비밀번호",
    re.IGNORECASE,
)
_HARMLESS_NAME = re.compile(
    r"public|publish|(?:primary|foreign|partition|sort|cache|idempotency|object|row|map|dict|index|hash|lookup|unique|routing|"
    r"range|group|natural|composite|registry|translation|message|event|host|api_?version)[_.\-]?keys?$"
    r"|token(?:s|ize\w*|izer\w*|_?count|_?limit|_?budget|_?usage|_?id|_?type|_?url|_?endpoint|_?name)$|max_?tokens|tokens?_?(?:per|used)"
    r"|key(?:s|word\w*|board\w*|_?name|_?type|_?path|_?file|_?size|_?length|_?usage|_?vault|_?ring|_?code|_?ops|_?spec|_?alias)$|monkey|turkey|donkey|hockey|jockey"
    r"|(?:secret|password|passwd|pwd|passphrase|credentials?)[_.\-]?(?:s|names?|field|file|path|length|min\w*|max\w*|policy|type|hash\w*|reset\w*|arn|ref|url|label|hint|strength|version|manager|engine|store|expir\w*|required|less)$"
    r"|(?:^|[^a-z])(?:min|max)_?(?:password|length)|-----|ssh[_.\-]?(?:rsa|ed25519)|fingerprint|checksum|digest|integrity|thumbprint|etag",
    re.IGNORECASE,
)
_NEXT_VALUE = re.compile(r"[;,]|&[\w.\[\]\-]{1,40}=")
_TRAILING = ":,;.)}]'\"`>\\"


def check_token(hit: Hit) -> Reading | None:
    """A token whose shape says all: refused only as placeholder, as too regular, or as part of a bigger blob."""
    value = hit.value
    if judge.is_placeholder(value) or not judge.is_random(value, 2.6):
        return None
    return Reading(hit.view_span.start, hit.view_span.end)


def check_pem(hit: Hit) -> Reading | None:
    """A private key from its first line to its last, or as far as its base64 goes where the end is cut off."""
    text, start, head = hit.view.text, hit.view_span.start, hit.view_span.end
    window = text[head : head + _PEM_REACH]
    closing = _PEM_END.search(window)
    lines = _PEM_LINES.match(window)
    body_end = closing.end() if closing else lines.end() if lines else 0
    body = window[: closing.start()] if closing else window[:body_end]
    material = "".join(_PEM_BODY.findall(body))
    if len(material) < 40 or not judge.is_random(material, 3.5):
        return None
    label = _PEM_LABEL.search(hit.value)
    kind = _PEM_KINDS.get(label[1].split(" ")[0] if label else "", "PRIVATE_KEY")
    return Reading(start, head + body_end, kind=kind, facts={"end": "present" if closing else "cut off"})


def check_putty(hit: Hit) -> Reading | None:
    """A PuTTY key file with its private lines."""
    text, head = hit.view.text, hit.view_span.end
    window = text[head : head + _PEM_REACH]
    private = re.search(r"Private-Lines: [0-9]{1,4}\s+((?:[A-Za-z0-9+/=]{1,64}\s?)+)", window)
    if private is None:
        return None
    mac = re.compile(r"\s*Private-MAC: [0-9a-f]{40,64}").match(window, private.end())
    return Reading(hit.view_span.start, head + (mac.end() if mac else private.end()))


def check_token_crc(hit: Hit) -> Reading | None:
    """A token that ends in the CRC-32 of its body: where it holds the token is genuine, else typed wrong or made up.

    One whose check fails is still reported, a little less surely: a letter may have been lost in copying.
    """
    reading = check_token(hit)
    if reading is None:
        return None
    holds = token_crc_valid(hit.value[4:])
    sure = float(hit.pattern.data["confidence"])
    return replace(
        reading, confidence=0.99 if holds else sure - 0.05, facts={"checksum": "valid" if holds else "wrong"}
    )


def check_jwt(hit: Hit) -> Reading | None:
    """A JSON Web Token, with what its header and claims say: its first part is a JSON object with an algorithm."""
    facts = jwt.facts_of(hit.value)
    if facts is None or judge.is_placeholder(hit.value.partition(".")[2]):
        return None
    return Reading(hit.view_span.start, hit.view_span.end, facts=facts)


def check_basic(hit: Hit) -> Reading | None:
    """The base64 of name and password."""
    try:
        decoded = base64.b64decode(hit.value + "=" * (-len(hit.value) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    name, colon, password = decoded.partition(":")
    if not colon or not password or judge.is_placeholder(password) or not (name + password).isprintable():
        return None
    return Reading(hit.view_span.start, hit.view_span.end)


def check_password_in_url(hit: Hit) -> Reading | None:
    """The password in a URL's user information; `user:password@` and templates are none."""
    value = hit.value
    if judge.is_placeholder(value) or judge.is_template(value) or judge.is_call(value):
        return None
    start = hit.view_span.start
    if hit.view.text[max(0, start - len(value) - 2) : start] in (f"/{value}:", f"/{value.casefold()}:"):
        return None  # postgres:postgres, guest:guest: what documents write
    return Reading(start, hit.view_span.end)


def check_assignment(hit: Hit) -> Reading | None:
    """What a name that promises a secret is set to."""
    text, start = hit.view.text, hit.view_span.start
    bare, _ = _trimmed(hit, quoted=False)
    literal = judge.could_be_literal(bare)
    if not literal and not judge.could_be_key(bare):
        return None
    named = _SEPARATOR.search(text, max(0, start - _SEPARATOR_REACH), start)
    if named is None:
        return None
    whole = _name_before(text, named.start())
    if len(whole) < 2:
        return None
    name = whole.rstrip(":./")
    quoted = bool(named["quote"].strip("*"))
    if _HARMLESS_NAME.search(name):
        return None
    value, end = _trimmed(hit, quoted=quoted)
    literal = literal if value == bare else judge.could_be_literal(value)
    loose = named["sep"].strip().casefold() in ("", "is", "was", "to", ",") and not whole.endswith(":")
    if _PASSWORD_NAME.search(name):
        if not literal or not (quoted or judge.could_stand_bare(value)):
            return None
        if loose and not told.is_told(value, quoted=quoted, weak=True, literal=True):
            return None
        if name.isalpha() and told.is_sample(text, named.start() - len(whole)):
            return None
        env = named["sep"].strip() == "=" and name.rsplit(":", 1)[-1].isupper()
        kind = "ENVIRONMENT_VARIABLE_PASSWORD" if env else "PASSWORD"
        return Reading(start, end, kind=kind, confidence=0.8 if quoted or not loose else 0.7)
    if not judge.could_be_key(value, literal=literal):
        return None
    return Reading(start, end, confidence=0.7 if not loose else 0.6)


def check_told(hit: Hit) -> Reading | None:
    """A password told in a sentence beside the noun that the pattern found."""
    found = told.told_password(hit.view.text, hit.view_span.start, hit.view_span.end)
    return None if found is None else Reading(found.start, found.end, confidence=found.confidence)


def check_login(hit: Hit) -> Reading | None:
    """A password behind a name and a slash or a colon."""
    value, end = _trimmed(hit, quoted=False)
    value = value.rpartition(":")[2]
    mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
    return Reading(end - len(value), end) if mixed and told.is_told(value, weak=True) else None


def check_column(hit: Hit) -> Reading | None:
    """A password in a column of a file."""
    value, end = _trimmed(hit, quoted=False)
    return Reading(hit.view_span.start, end) if told.is_told(value, weak=True) else None


def check_key(hit: Hit) -> Reading | None:
    """A key told in a sentence."""
    value, end = _trimmed(hit, quoted=False)
    return Reading(hit.view_span.start, end) if judge.could_be_key(value) else None


def _name_before(text: str, end: int) -> str:
    """The name that ends at `end`: letters of any script, digits, and what joins them."""
    start = end
    low = max(0, end - _NAME_REACH)
    while start > low and (text[start - 1].isalnum() or text[start - 1] in "_.-/:"):
        start -= 1
    return text[start:end]


def _trimmed(hit: Hit, *, quoted: bool) -> tuple[str, int]:
    """The value without the punctuation that ends its sentence or its statement."""
    value = hit.value
    text, end = hit.view.text, hit.view_span.end
    if quoted and text[end : end + 1] in "\"'`":
        return value, end
    ends = _TRAILING + "*" * (text[hit.view_span.start - 1 : hit.view_span.start] == "*")
    while value and value[-1] in ends:
        value = value[:-1]
        end -= 1
    cut = _NEXT_VALUE.search(value, 6)
    if cut is not None:
        return value[: cut.start()], end - (len(value) - cut.start())
    return value, end


CHECKS: Mapping[str, Check] = {
    "token": check_token,
    "token_crc": check_token_crc,
    "pem": check_pem,
    "putty": check_putty,
    "jwt": check_jwt,
    "basic": check_basic,
    "password": check_password_in_url,
    "assignment": check_assignment,
    "told": check_told,
    "login": check_login,
    "column": check_column,
    "key": check_key,
}
EXTRA_KINDS = frozenset(_PEM_KINDS.values()) | {"PASSWORD", "ENVIRONMENT_VARIABLE_PASSWORD"}
"""Kinds that checks give beside those of the patterns."""
