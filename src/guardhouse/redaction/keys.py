"""The secret under which values are hashed: from the settings, else made once and kept in the data folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from guardhouse.errors import ConfigurationError

FILE_NAME = "redaction.key"
_BYTES = 32


def load_key(data_dir: Path | None, given: str = "") -> bytes:
    """32 bytes. `given` is 64 hexadecimal digits; without it the key file is read, or made readable by its owner only.

    Without a data folder the key lives as long as the process: hashes then compare within one run only.
    """
    if given:
        try:
            key = bytes.fromhex(given)
        except ValueError:
            key = b""
        if len(key) != _BYTES:
            raise ConfigurationError("redaction_key must be 64 hexadecimal digits")
        return key
    if data_dir is None:
        return secrets.token_bytes(_BYTES)
    path = data_dir / FILE_NAME
    if not path.exists():
        _make(path)
    key = bytes.fromhex(path.read_text("ascii").strip())
    if len(key) != _BYTES:
        raise ConfigurationError(f"{str(path)!r} does not hold a key")
    return key


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
