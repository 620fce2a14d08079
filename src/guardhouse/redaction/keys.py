"""The key ring: versioned secrets under which values are hashed, encrypted and stood in for, one set per tenant."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guardhouse.errors import ConfigurationError

FILE_NAME = "redaction.key"
_BYTES = 32
_ENTRY = re.compile(r"(?:([0-9]{1,9})[:=])?([0-9A-Fa-f]{64})")
_FORM = "64 hexadecimal digits, or several such keys, oldest first, each with or without VERSION: before it"


@dataclass(frozen=True, slots=True)
class TenantKeys:
    """What one tenant has of one key of the ring. `key_id` names the key and tells nothing of it."""

    version: int
    key_id: str
    tenant: str
    _master: bytes = field(repr=False)

    def derive(self, purpose: str, *, name: str = "") -> bytes:
        """32 bytes for one purpose; no purpose, no tenant and no `name` (of a key of the caller's choice) can be
        computed from another.

        HMAC-SHA-256 as the key derivation function in counter mode's single step (NIST SP 800-108).
        """
        if name:  # as a digest: of one length, so that no name and tenant read like another pair
            purpose += f" {hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
        label = f"guardhouse redaction\0{purpose}\0{self.tenant}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._master, label, "sha256")


class KeyRing:
    """Keys by version. The highest version makes what is new; the others read what was made before."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(len(key) != _BYTES for key in keys.values()) or min(keys) < 1:
            raise ConfigurationError(f"a key ring holds keys of {_BYTES} bytes under versions from 1")
        self._keys = dict(keys)
        self.current = max(keys)

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """The ring in `text`: keys apart by commas or line ends, `#` begins a comment.

        A key without a version has the one after its predecessor's, the first has 1. Raises `ConfigurationError`,
        never with the text in it.
        """
        keys: dict[int, bytes] = {}
        version = 0
        for line in text.splitlines():
            for item in line.partition("#")[0].split(","):
                if not item.strip():
                    continue
                entry = _ENTRY.fullmatch(item.strip())
                if entry is None:
                    raise ConfigurationError(f"a redaction key is {_FORM}")
                version = int(entry[1]) if entry[1] else version + 1
                if version in keys:
                    raise ConfigurationError(f"there are two redaction keys of version {version}")
                keys[version] = bytes.fromhex(entry[2])
        if not keys:
            raise ConfigurationError(f"there is no redaction key; it is {_FORM}")
        return cls(keys)

    @classmethod
    def random(cls) -> KeyRing:
        """A ring of one new key, which lives as long as the process."""
        return cls({1: secrets.token_bytes(_BYTES)})

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions it holds, oldest first."""
        return tuple(sorted(self._keys))

    def tenant(self, name: str, *, version: int | None = None) -> TenantKeys | None:
        """The keys of a tenant under `version` (default: the current one); None for a version that is not here."""
        version = self.current if version is None else version
        master = self._keys.get(version)
        return None if master is None else TenantKeys(version, _key_id(master), name, master)

    def current_for(self, tenant: str) -> TenantKeys:
        """The keys under which a tenant's new values are hidden."""
        master = self._keys[self.current]
        return TenantKeys(self.current, _key_id(master), tenant, master)

    def __repr__(self) -> str:
        return f"KeyRing(versions={self.versions})"


def load_key_ring(data_dir: Path | None, given: str = "") -> KeyRing:
    """The ring in `given`, else the one in the data folder's key file, which is made when missing, for its owner only.

    Without a data folder the key lives as long as the process: what was hidden compares, and can be restored, within
    one run only.
    """
    if given:
        return KeyRing.parse(given)
    if data_dir is None:
        return KeyRing.random()
    path = data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    try:
        return KeyRing.parse(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{str(path)!r} cannot be read: {type(error).__name__}") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{str(path)!r}: {error}") from None


def _key_id(master: bytes) -> str:
    digest = hmac.digest(master, b"guardhouse redaction key id", "sha256")
    return "key_" + base64.b32encode(digest[:20]).decode("ascii").lower()


def _make(path: Path) -> None:
    """Write a new key whole, unless another process was first: workers start together."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{FILE_NAME}")  # mkstemp gives mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(_BYTES).hex() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
