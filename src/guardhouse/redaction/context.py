"""The context of a redaction: what is needed, beside a key of the ring, to put the originals back.

It is standard base64 of a JSON object:

    a    algorithm
    m    the replacements: v the text put, t the kind, s and e where it first stands in the redacted text; for encrypted
         ones a (number of the alphabet), f (forms kept), n (step, when not 0), w (a tweak of its own), y (the name of a
         key of its own); for others x (place in the sealed list) or h (a keyed digest: the original is not kept, only
         its name); q for what stood bare in JSON
    t    tweak
    k v  id and version of the key
    x    the sealed list: originals, and how JSON spelled them, under AES-256-GCM
    mac  HMAC-SHA-256 over all of the above and the tenant: who lacks the key, changed it, or belongs to another
         tenant gets nothing
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guardhouse.errors import InvalidContext
from guardhouse.redaction import formats
from guardhouse.redaction.ff1 import FF1
from guardhouse.redaction.formats import ALPHABETS, Shape
from guardhouse.redaction.keys import KeyRing, TenantKeys

ALGORITHM = "AES-FF1-256"
_ALPHABET_NAMES = tuple(ALPHABETS)
_SALT_BYTES = 24


@dataclass(slots=True)
class Entry:
    """One replacement that a conversation holds: an encrypted value, a sealed one, or a name without an original."""

    kind: str
    text: str
    shape: Shape | None = None
    step: int = 0
    tweak: str | None = None
    value: str | None = field(default=None, repr=False)
    raw: str | None = field(default=None, repr=False)
    is_bare: bool = False
    digest: str = ""
    start: int = 0
    key_name: str = ""

    @property
    def is_restorable(self) -> bool:
        """True when the original can be had back."""
        return self.shape is not None or self.value is not None


@dataclass(slots=True)
class Context:
    """The replacements of a conversation and the key they were made under."""

    keys: TenantKeys
    tweak: str
    entries: list[Entry]
    _ciphers: dict[str, FF1] = field(init=False, repr=False, default_factory=dict)

    def cipher_of(self, entry: Entry) -> FF1:
        """The cipher under the key that `entry` names, by default the tenant's."""
        cipher = self._ciphers.get(entry.key_name)
        if cipher is None:
            cipher = self._ciphers[entry.key_name] = FF1(self.keys.derive("fpe", name=entry.key_name))
        return cipher

    def original(self, entry: Entry) -> str:
        """The value that `entry` stands for, decrypted when it is first asked for. Only for restorable entries."""
        if entry.value is None:
            if entry.shape is None:
                raise ValueError("this entry has no original")
            entry.value = formats.decrypt(entry.text, entry.shape, self.cipher_of(entry), self.tweak_of(entry))
        return entry.value

    def tweak_of(self, entry: Entry) -> bytes:
        """FF1's tweak: equal values of one kind in one conversation are encrypted equally, all others differently."""
        tweak = self.tweak if entry.tweak is None else entry.tweak
        return f"{tweak}\0{entry.kind}\0{entry.step}".encode("utf-8", "surrogatepass")

    def written(self) -> str:
        """The context as base64 text. Linear in its entries."""
        sealed: list[list[str | None]] = []
        document: dict[str, Any] = {
            "a": ALGORITHM,
            "m": [_entry_to_dict(entry, sealed) for entry in self.entries],
            "t": self.tweak,
            "k": self.keys.key_id,
            "v": self.keys.version,
        }
        if sealed:
            document["x"] = _seal(self.keys, _as_json(sealed))
        document["mac"] = _mac(self.keys, document)
        return base64.b64encode(_as_json(document)).decode("ascii")


def read_context(text: object, ring: KeyRing, tenant: str) -> Context:
    """The context in `text`. Nothing in it is believed before its MAC holds.

    Raises `InvalidContext`: no string, no base64, no JSON object of this form, made by another product or under a key
    that is not in the ring, for another tenant, or changed.
    """
    document = _decoded(text)
    if document.get("a") != ALGORITHM:
        raise InvalidContext("the context was made with an algorithm that is not known here", is_encoding=False)
    version = document.get("v")
    keys = ring.tenant(tenant, version=version) if isinstance(version, int) else None
    if keys is None or document.get("k") != keys.key_id:
        raise InvalidContext("the context was made under a key that is not in the key ring", is_encoding=False)
    given = document.pop("mac", None)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), _mac(keys, document).encode()):
        raise InvalidContext("the context was changed, or belongs to another service", is_encoding=False)
    sealed = json.loads(_unseal(keys, document["x"])) if "x" in document else []
    return Context(keys, document["t"], [_entry_from_dict(item, sealed) for item in document["m"]])


def merge_contexts(contexts: Sequence[Context]) -> Context:
    """One context with the replacements of several; of equal texts the first counts. At least one is needed.

    Raises `InvalidContext` where they were made under different keys.
    """
    first = contexts[0]
    entries: dict[str, Entry] = {}
    for context in contexts:
        if context.keys != first.keys:
            raise InvalidContext("the contexts were made under different keys", is_encoding=False)
        for entry in context.entries:
            entry.tweak = context.tweak if entry.tweak is None else entry.tweak
            entries.setdefault(entry.text, entry)
    return Context(first.keys, first.tweak, list(entries.values()))


def _as_json(value: object) -> bytes:
    """Without escapes beyond ASCII: two lone surrogates side by side would be read as one character."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _decoded(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        raise InvalidContext("the context must be a string")
    try:
        document = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise InvalidContext("the context is not base64 of a JSON object") from None
    if not isinstance(document, dict):
        raise InvalidContext("the context is not base64 of a JSON object")
    return document


def _entry_to_dict(entry: Entry, sealed: list[list[str | None]]) -> dict[str, Any]:
    told: dict[str, Any] = {"s": entry.start, "e": entry.start + len(entry.text), "t": entry.kind, "v": entry.text}
    if entry.shape is not None:
        told["a"] = _ALPHABET_NAMES.index(entry.shape.alphabet) + 1
        told |= {"f": entry.shape.forms} if entry.shape.forms else {}
        told |= {"n": entry.step} if entry.step else {}
        told |= {} if entry.tweak is None else {"w": entry.tweak}
        told |= {"y": entry.key_name} if entry.key_name else {}
    elif entry.digest:
        told["h"] = entry.digest
    value = entry.value if entry.shape is None else None
    if value is not None or entry.raw is not None:
        told["x"] = len(sealed)
        sealed.append([value, entry.raw])
    return {**told, "q": 1} if entry.is_bare else told


def _entry_from_dict(told: Mapping[str, Any], sealed: Sequence[Sequence[str | None]]) -> Entry:
    """Trusts its form: the MAC over it holds, so it is one that `_entry_to_dict` wrote."""
    value, raw = sealed[told["x"]] if "x" in told else (None, None)
    return Entry(
        kind=told["t"],
        text=told["v"],
        shape=Shape(_ALPHABET_NAMES[told["a"] - 1], told.get("f", "")) if "a" in told else None,
        step=told.get("n", 0),
        tweak=told.get("w"),
        value=value,
        raw=raw,
        is_bare="q" in told,
        digest=told.get("h", ""),
        start=told["s"],
        key_name=told.get("y", ""),
    )


def _mac(keys: TenantKeys, document: Mapping[str, Any]) -> str:
    signed = json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")
    return hmac.digest(keys.derive("mac"), signed, "sha256").hex()


def _seal(keys: TenantKeys, plain: bytes) -> str:
    """Encrypted under a key of its own, made from a random salt, so that no nonce can come twice."""
    salt = os.urandom(_SALT_BYTES)
    return base64.b64encode(salt + _sealer(keys, salt).encrypt(bytes(12), plain, None)).decode("ascii")


def _unseal(keys: TenantKeys, text: str) -> bytes:
    data = base64.b64decode(text)
    try:
        return _sealer(keys, data[:_SALT_BYTES]).decrypt(bytes(12), data[_SALT_BYTES:], None)
    except InvalidTag:
        raise InvalidContext("the context was changed, or belongs to another service", is_encoding=False) from None


def _sealer(keys: TenantKeys, salt: bytes) -> AESGCM:
    return AESGCM(hmac.digest(keys.derive("seal"), salt, "sha256"))
