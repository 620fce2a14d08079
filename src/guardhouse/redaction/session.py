"""What one redaction knows beside the value at hand: the tenant's keys, the conversation, what was put before."""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Callable, Hashable, Iterable

from guardhouse.redaction import formats
from guardhouse.redaction.base import Value
from guardhouse.redaction.context import Context, Entry
from guardhouse.redaction.keys import TenantKeys
from guardhouse.redaction.unredact import Restorer

ATTEMPTS = 4
"""How often a redaction is made anew because its text, by chance or on purpose, could not be restored exactly."""
NAME = "<{kind}_{number}>"
_NAME_IN_TEXT = re.compile(r"<([A-Z][A-Z0-9_]{0,63})_([0-9]{1,15})>")
_TWEAK_LETTERS = string.ascii_letters + string.digits
_TWEAK_LENGTH = 7
_STEPS = 64
_LEAST_STAND_IN = 4
"""Characters of a stand-in that is to be put back: a shorter one stands by chance in many an answer."""


class Session:
    """The state of one redaction; not for sharing between threads.

    `conversation_id` ties what is put to a conversation: the same value under the same id (and tenant) is encrypted and
    stood in for equally. Without one, encryption differs from call to call. `earlier` is the context of the
    conversation so far: its names and encryptions go on. `texts` are all texts of the redaction: names that stand in
    them already are not given.
    """

    def __init__(
        self,
        keys: TenantKeys,
        *,
        conversation_id: str = "",
        earlier: Context | None = None,
        texts: Iterable[str] = (),
    ) -> None:
        self.keys = keys if earlier is None else earlier.keys
        self.conversation_id = conversation_id
        self._earlier = earlier
        self._texts = tuple(texts)
        self._highest: dict[str, int] | None = None
        self.begin(0)

    def begin(self, attempt: int) -> None:
        """Forget what was put and begin anew; with each attempt other replacements are chosen, in the last one names
        at random instead of encryption."""
        self._attempt = attempt
        if self._earlier is not None:
            tweak, entries = self._earlier.tweak, list(self._earlier.entries)
        else:
            tweak, entries = self._new_tweak(), []
        self._context = Context(self.keys, tweak, entries)
        self._by_value: dict[Hashable, Entry] = {}
        self._by_text: dict[str, Hashable] = {}
        self._used: dict[str, Entry] = {}
        self._numbers: dict[str, int] = {}
        self._highest = None
        for entry in entries:
            value = self._context.original(entry) if entry.is_restorable else ""
            self._remember(_entry_key(entry, value), entry)

    @property
    def is_last_attempt(self) -> bool:
        """True when nothing may be left to chance any more."""
        return self._attempt >= ATTEMPTS - 1

    @property
    def is_literal(self) -> bool:
        """True when originals of prose that looks like JSON are to be put back as they were, not escaped."""
        return self._attempt > 0

    def hash_key(self, name: str = "") -> bytes:
        """The tenant's key for hashes, or the one of that name."""
        return self.keys.derive("hash", name=name)

    def encrypted(
        self, value: Value, *, alphabet: str | None = None, tweak: str | None = None, key_name: str = ""
    ) -> str | None:
        """`value` under format-preserving encryption, None where that cannot be (see `formats.shape_of`)."""
        shape = formats.shape_of(value.text, value.kind, alphabet=alphabet, is_number=value.is_bare)
        if shape is None or self.is_last_attempt:
            return None
        key = ("fpe", value.kind, value.text, value.raw, value.is_bare, shape, tweak, key_name)
        entry = self._by_value.get(key)
        if entry is None:
            entry = self._new_encrypted(value, shape, tweak, key_name)
            if entry is None:
                return None
            self._add(key, entry)
        return self._use(entry)

    def named(self, value: Value, *, template: str = NAME, is_restorable: bool = False) -> str:
        """A name for `value` with a number of its kind: the same value keeps its name, letter case and blanks aside.

        With `is_restorable` the context holds the original, sealed, and only exactly equal values share a name.
        """
        if is_restorable:
            key: Hashable = ("sealed", value.kind, value.text, value.raw, value.is_bare)
        else:
            key = ("name", self._digest("name", value.kind, " ".join(value.text.casefold().split())).hex()[:32])
        entry = self._by_value.get(key)
        if entry is None:
            text = self._free_name(value.kind, template)
            entry = Entry(value.kind, text)
            if is_restorable:
                entry.value, entry.raw, entry.is_bare = value.text, value.raw, value.is_bare
            elif isinstance(key, tuple):
                entry.digest = str(key[1])
            self._add(key, entry)
        return self._use(entry)

    def stood_in(self, value: Value, make: Callable[[bytes], str], *, is_restorable: bool = False) -> str:
        """What `make` gives for 32 bytes that hang on value, kind, conversation and tenant; other values, as far as
        `make` has enough to give, get others. With `is_restorable` a name where only a short one can be given."""
        seals = (value.raw, value.is_bare) if is_restorable else ()
        key = ("sealed" if is_restorable else "stand-in", value.kind, value.text, *seals)
        entry = self._by_value.get(key)
        if entry is None:
            text = ""
            for step in range(self._attempt * _STEPS, (self._attempt + 1) * _STEPS):
                text = make(self._digest("surrogate", self.conversation_id, value.kind, value.text, str(step)))
                is_enough = not is_restorable or (len(text) >= _LEAST_STAND_IN and not self.is_last_attempt)
                if text and text != value.text and text not in self._by_text and is_enough:
                    break
            else:
                if is_restorable or text in ("", value.text):
                    return self.named(value, is_restorable=is_restorable)
            entry = Entry(value.kind, text)
            if is_restorable:
                entry.value, entry.raw, entry.is_bare = value.text, value.raw, value.is_bare
                self._add(key, entry)
            else:
                self._remember(key, entry)
        return self._use(entry)

    def placed(self, text: str, start: int) -> None:
        """Note where a replacement first stands in its text."""
        entry = self._used.get(text)
        if entry is not None and entry.start < 0:
            entry.start = start

    @property
    def has_restorable(self) -> bool:
        """True when something was put whose original can be had back."""
        return any(entry.is_restorable for entry in self._used.values())

    def is_restorable(self, text: str) -> bool:
        """True when `text` was put by this redaction and its original can be had back."""
        entry = self._used.get(text)
        return entry is not None and entry.is_restorable

    def restorer(self) -> Restorer:
        """Restores what this redaction put, and nothing of earlier ones."""
        return Restorer(self._context, self._used.values())

    def context(self) -> str | None:
        """The conversation's context after this redaction, None when nothing has to be remembered."""
        for entry in self._context.entries:
            entry.start = max(entry.start, 0)
        return self._context.written() if self._context.entries else None

    def _new_encrypted(self, value: Value, shape: formats.Shape, tweak: str | None, key_name: str) -> Entry | None:
        for step in range(self._attempt * _STEPS, (self._attempt + 1) * _STEPS):
            entry = Entry(value.kind, "", shape, step, tweak, value.text, value.raw, value.is_bare, key_name=key_name)
            try:
                cipher = self._context.cipher_of(entry)
                entry.text = formats.encrypt(value.text, shape, cipher, self._context.tweak_of(entry))
            except ValueError:
                return None
            if entry.text != value.text and entry.text not in self._by_text:
                return entry
        return None

    def _free_name(self, kind: str, template: str) -> str:
        if self._highest is None:
            self._highest = {}
            for text in (*self._texts, *self._by_text):
                for found, number in _NAME_IN_TEXT.findall(text):
                    self._highest[found] = max(self._highest.get(found, 0), int(number))
        number = self._numbers.get(kind, self._highest.get(kind, 0))
        while True:
            number = secrets.randbelow(10**15) if self.is_last_attempt else number + 1
            text = template.replace("{kind}", kind).replace("{number}", str(number))
            if text not in self._by_text:
                self._numbers[kind] = number
                return text

    def _add(self, key: Hashable, entry: Entry) -> None:
        entry.start = -1
        self._context.entries.append(entry)
        self._remember(key, entry)

    def _remember(self, key: Hashable, entry: Entry) -> None:
        self._by_value[key] = entry
        self._by_text[entry.text] = key

    def _use(self, entry: Entry) -> str:
        self._used[entry.text] = entry
        return entry.text

    def _new_tweak(self) -> str:
        source = self._digest("tweak", self.conversation_id) if self.conversation_id else secrets.token_bytes(32)
        number = int.from_bytes(source, "big")
        letters = []
        for _ in range(_TWEAK_LENGTH):
            number, index = divmod(number, len(_TWEAK_LETTERS))
            letters.append(_TWEAK_LETTERS[index])
        return "".join(letters)

    def _digest(self, purpose: str, *parts: str) -> bytes:
        data = "\0".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self.keys.derive(purpose), data, "sha256")


def _entry_key(entry: Entry, value: str) -> Hashable:
    """What `encrypted`, `named` and `stood_in` ask for when the same value comes again."""
    if entry.digest:
        return ("name", entry.digest)
    if entry.shape is not None:
        return ("fpe", entry.kind, value, entry.raw, entry.is_bare, entry.shape, entry.tweak, entry.key_name)
    return ("sealed", entry.kind, value, entry.raw, entry.is_bare)
