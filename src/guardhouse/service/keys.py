"""API keys: made, checked, listed, revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from guardhouse.errors import InvalidInput, NotFound, Unauthorized
from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.storage.base import KeyStore

logger = logging.getLogger("guardhouse.keys")

PREFIX = "gh_"
DEFAULT_LIFETIME = timedelta(days=90)
LONGEST_LIFETIME = timedelta(days=3650)
WARN_BEFORE = timedelta(days=14)
CACHE_S = 1.0
"""How long a look-up is believed, and so the longest time that a revoked key still works."""

_RANDOM_BYTES = 20  # 160 bits are exactly 32 base32 letters
_LONGEST_SECRET = 256
_CACHED = 4096
_LONGEST_NAME = 64
_LONGEST_SERVICE = 200


def new_secret() -> str:
    """A fresh key as its owner sees it: `gh_` and 32 letters and digits."""
    return PREFIX + base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode("ascii").lower()


def digest_of(secret: str) -> str:
    """The SHA-256 of a key in lower-case hex. A key is random, so that one round without salt is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def expiry_warning(key: ApiKey, now: datetime) -> str:
    """`expires in 3 days` in the last fortnight of a live key, else the empty string."""
    if key.expires is None or not key.is_live(now) or key.expires - now > WARN_BEFORE:
        return ""
    days = (key.expires - now).days
    return "expires today" if days < 1 else f"expires in {days} day{'s' if days > 1 else ''}"


class Keys:
    """The keys of one store, with a short memory in front of it."""

    def __init__(
        self,
        store: KeyStore,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._now = now
        self._clock = clock
        # Apart, so that a flood of wrong keys cannot push the right ones out.
        self._found = _Cache()
        self._missed = _Cache()
        self._warned: dict[str, datetime] = {}

    async def authenticate(self, secret: str) -> ApiKey:
        """The live key of `secret`. Raises `Unauthorized`; what it says is at most `CACHE_S` old."""
        if not 0 < len(secret) <= _LONGEST_SECRET:
            raise Unauthorized("no key was given" if not secret else "the key is not valid")
        key = await self._look_up(digest_of(secret))
        now = self._now()
        if key is None or key.revoked is not None:
            raise Unauthorized("the key is not valid")
        if not key.is_live(now):
            raise Unauthorized("the key has expired")
        self._warn(key, now)
        return key

    async def create(
        self,
        *,
        name: str,
        role: KeyRole,
        service: str | None = None,
        expires_in: timedelta | None = DEFAULT_LIFETIME,
        may_unredact: bool = False,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is kept nowhere. `expires_in` None is never.

        Raises `Conflict` when an unrevoked key has the name, `InvalidInput` for names and times that make no sense.
        """
        _check_name(name, "name", _LONGEST_NAME)
        if service is not None:
            _check_name(service, "service", _LONGEST_SERVICE)
        if expires_in is not None and not timedelta(0) < expires_in <= LONGEST_LIFETIME:
            raise InvalidInput("a key expires in 1 to 3650 days, or never", path=("expires_in",), code="out_of_range")
        now = self._now()
        secret = new_secret()
        key = ApiKey(
            id="key_" + secrets.token_hex(8),
            name=name,
            digest=digest_of(secret),
            role=role,
            created=now,
            expires=None if expires_in is None else now + expires_in,
            service=service,
            may_unredact=may_unredact,
        )
        await self._store.add(key)
        self._missed.clear()
        return key, secret

    async def list(self) -> list[ApiKey]:
        """Every key ever made, oldest first."""
        return await self._store.all()

    async def any(self) -> bool:
        """True when there is at least one key, live or not."""
        return await self._store.any()

    async def revoke(self, id_or_name: str) -> ApiKey:
        """Ends a key for good and returns it as it was. Raises `NotFound` when no unrevoked key has the id or name."""
        keys = [key for key in await self._store.all() if key.revoked is None]
        chosen = next((key for key in keys if key.id == id_or_name), None)
        chosen = chosen or next((key for key in keys if key.name == id_or_name), None)
        if chosen is None:
            raise NotFound(f"there is no unrevoked key {id_or_name!r}")
        await self._store.revoke(chosen.id, self._now())
        self._found.clear()
        return chosen

    async def _look_up(self, digest: str) -> ApiKey | None:
        now = self._clock()
        for cache in (self._found, self._missed):
            known, key = cache.get(digest, now)
            if known:
                return key
        key = await self._store.by_digest(digest)
        if key is not None and not hmac.compare_digest(key.digest, digest):
            key = None  # an index that compares loosely must not open the door
        (self._missed if key is None else self._found).put(digest, key, now)
        return key

    def _warn(self, key: ApiKey, now: datetime) -> None:
        warning = expiry_warning(key, now)
        last = self._warned.get(key.id)
        if warning and (last is None or now - last >= timedelta(days=1)):
            self._warned[key.id] = now
            logger.warning("key %s (%s) %s; make a new one in time", key.id, key.name, warning)


class _Cache:
    """Look-ups by digest for `CACHE_S`, the newest `_CACHED` of them."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()

    def get(self, digest: str, now: float) -> tuple[bool, ApiKey | None]:
        """Whether it is known, and what."""
        entry = self._entries.get(digest)
        if entry is None or now - entry[0] >= CACHE_S:
            return False, None
        return True, entry[1]

    def put(self, digest: str, key: ApiKey | None, now: float) -> None:
        """Remembers it as of `now`, the time before the look-up began."""
        self._entries[digest] = (now, key)
        self._entries.move_to_end(digest)
        if len(self._entries) > _CACHED:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forgets all."""
        self._entries.clear()


def _check_name(value: str, what: str, longest: int) -> None:
    if not 0 < len(value) <= longest or not value.isprintable() or value != value.strip():
        raise InvalidInput(f"a key's {what} is 1 to {longest} printable characters", path=(what,), code="bad_format")
